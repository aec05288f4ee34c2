"""A section over its layers: what its attributes and collections amount to.

A web.config that sets a section which is locked above it makes IIS refuse every request
there (error 500.19); such a layer is not taken, and is told as a doubt.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from patchstand.collect.iis.layers import Layer
from patchstand.model.iis import Entry
from patchstand.model.inside import Reading, XmlElement

ROOT = "system.webServer"


@dataclass(frozen=True, slots=True)
class Found:
    """A section element of one layer."""

    layer: Layer
    element: XmlElement


@dataclass(frozen=True, slots=True)
class Items:
    """The members of a collection with their layers, and what is doubtful about them."""

    members: tuple[Found, ...]
    doubts: tuple[Reading, ...]


def locked_sections(root: XmlElement) -> frozenset[str]:
    """Sections below system.webServer that web.config files may not set by default.

    They are declared in `configSections`, `overrideModeDefault="Deny"`; lower case.
    """
    return frozenset(
        path.removeprefix(f"{ROOT}/".lower())
        for declared in root.all("configSections")
        for path, section in _declared(declared, "")
        if section.attributes.get("overrideModeDefault") == "Deny"
        or section.attributes.get("allowDefinition") in {"AppHostOnly", "MachineOnly"}
    )


def _declared(element: XmlElement, above: str) -> Iterator[tuple[str, XmlElement]]:
    for child in element.children:
        path = f"{above}{child.attributes.get('name', '')}".lower()
        if child.tag == "section":
            yield path, child
        elif child.tag == "sectionGroup":
            yield from _declared(child, f"{path}/")


def found_in(
    layers: Iterable[Layer], section: str, locked: frozenset[str]
) -> tuple[tuple[Found, ...], tuple[Reading, ...]]:
    """The elements of a section such as `security/access`, and what is doubtful about them."""
    taken: list[Found] = []
    doubts: list[Reading] = []
    denied = section.lower() in locked
    for layer in layers:
        elements = tuple(layer.element.under(f"{ROOT}/{section}"))
        if denied and not layer.from_host:
            doubts += [_reading(layer, section, "locked by a file above it") for _ in elements]
            continue
        for element in elements:
            taken.append(Found(layer, element))
            if (source := element.attributes.get("configSource")) is not None:
                doubts.append(_reading(layer, section, f"in {source}, which was not read"))
        if elements and layer.override in {"Allow", "Deny"}:
            denied = layer.override == "Deny"
    return tuple(taken), tuple(doubts)


def inside(found: Iterable[Found], tag: str) -> tuple[Found, ...]:
    """The elements of a tag inside those of a section, as `customHeaders` in `httpProtocol`."""
    return tuple(Found(each.layer, child) for each in found for child in each.element.all(tag))


def _reading(layer: Layer, section: str, value: str) -> Reading:
    return Reading(layer.file, f"{layer.where}/{ROOT}/{section}", value)


def settings(found: Sequence[Found], section: str) -> Mapping[str, Reading]:
    """Attributes of a section by `section@attribute` in lower case; the nearest layer wins."""
    return {
        f"{section}@{name}".lower(): _reading(each.layer, f"{section}@{name}", value)
        for each in found
        for name, value in each.element.attributes.items()
    }


def members(found: Iterable[Found], section: str, item: str, keys: Sequence[str]) -> Items:
    """The members of a collection: `<clear/>` empties it, `<remove>` drops one, others follow.

    `item`: the tag that adds one; `keys`: the attributes that tell members apart, in any
    case. A second member of a key makes IIS refuse the whole place.
    """
    kept: dict[tuple[str, ...], Found] = {}
    doubts: list[Reading] = []
    for each in found:
        for child in each.element.children:
            key = tuple(child.attributes.get(name, "").lower() for name in keys)
            if child.tag == "clear":
                kept.clear()
            elif child.tag == "remove":
                kept.pop(key, None)
            elif child.tag == item:
                if key in kept:
                    said = f"a second {' '.join(filter(None, key))}, which IIS refuses"
                    doubts.append(_reading(each.layer, section, said))
                kept[key] = Found(each.layer, child)
    return Items(tuple(kept.values()), tuple(doubts))


def entries(items: Items, section: str) -> tuple[Entry, ...]:
    """The members of a collection as entries."""
    return tuple(
        Entry(
            {name.lower(): value for name, value in each.element.attributes.items()},
            _reading(each.layer, section, _shown(each.element)),
        )
        for each in items.members
    )


def _shown(element: XmlElement) -> str:
    return " ".join(f'{name}="{value}"' for name, value in element.attributes.items())
