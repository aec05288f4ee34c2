"""The parts of the configuration that have a say at a place, the most general first.

At each level of a path (server, site, application, folder) IIS takes what the level above
amounts to, then `<location>` elements for this level in files above it, then the level's own
web.config. A `<location inheritInChildApplications="false">` stays out of applications below.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from patchstand.collect.iis.belongs import Shown
from patchstand.model.iis import IisConfig, Location, WebConfig
from patchstand.model.inside import XmlElement


@dataclass(frozen=True, slots=True)
class Layer:
    """One part: the file, where in it, the level it holds for, and the element with sections."""

    file: str
    where: str
    level: str
    element: XmlElement
    from_host: bool
    override: str = "Inherit"


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything layers are made of.

    `web_configs`: by lower-case full path; `applications`: lower-case full paths of all
    applications.
    """

    host: IisConfig | None
    web_configs: Mapping[str, WebConfig] = field(default_factory=dict)
    applications: frozenset[str] = frozenset()

    def application_of(self, level: str) -> str:
        """The deepest application that a level lies in, in lower case."""
        return max(
            (each for each in levels_of(level.lower()) if each in self.applications),
            key=len,
            default="",
        )


def sources(
    host: IisConfig | None, web_configs: Iterable[WebConfig], shown: Sequence[Shown]
) -> tuple[Sources, tuple[str, ...]]:
    """The sources, and the places that two files claim, which therefore have none."""
    by_place: dict[str, WebConfig] = {}
    claimed: dict[str, WebConfig] = {}
    for config in web_configs:
        for place in config.places:
            if place.lower() in by_place:
                claimed[place.lower()] = config
            by_place[place.lower()] = config
    for place in claimed:
        del by_place[place]
    applications = frozenset(_applications(host)) if host else frozenset(_every(shown))
    return Sources(host, by_place, applications), tuple(claimed)


def _applications(host: IisConfig) -> Iterator[str]:
    for site in host.sites:
        for application in site.applications:
            yield f"{site.name}/{application.path.strip('/')}".rstrip("/").lower()


def _every(shown: Iterable[Shown]) -> Iterator[str]:
    return (each.full_path.lower() for each in shown)


def levels_of(path: str) -> tuple[str, ...]:
    """`a/b/c` -> `a`, `a/b`, `a/b/c`."""
    parts = [part for part in path.split("/") if part]
    return tuple("/".join(parts[: length + 1]) for length in range(len(parts)))


def layers_at(place: str, known: Sources) -> tuple[Layer, ...]:
    """All layers of a full path such as `Default Web Site/owa`, in the order of inheritance."""
    application = known.application_of(place)
    levels = ("", *levels_of(place))
    return tuple(
        layer
        for level in levels
        for layer, inherits in _at_level(level, levels, known)
        if inherits or known.application_of(level) == application or not level
    )


def _at_level(level: str, levels: Sequence[str], known: Sources) -> Iterator[tuple[Layer, bool]]:
    if known.host is not None:
        host = known.host
        if not level:
            yield Layer(host.file, "configuration", "", host.root, from_host=True), True
        yield from _located(host.locations, "", level, host.file, from_host=True)
    for above in levels[1:]:
        config = known.web_configs.get(above.lower())
        if config is None or len(above) > len(level):
            continue
        if above == level:
            layer = Layer(config.file, "configuration", level, config.root, from_host=False)
            yield layer, True
        yield from _located(config.locations, above, level, config.file, from_host=False)


def _located(
    found: Iterable[Location], above: str, level: str, file: str, *, from_host: bool
) -> Iterator[tuple[Layer, bool]]:
    """The `<location>` elements of a file at `above` that are meant for a level."""
    for each in found:
        if f"{above}/{each.path}".strip("/").lower() == level.lower():
            where = f'location[@path="{each.path}"]'
            layer = Layer(file, where, level, each.element, from_host, each.override)
            yield layer, each.inherits
