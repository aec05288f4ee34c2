"""The IIS part of a bundle: applicationHost.config, each web.config, and what holds where."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from patchstand.collect.iis.belongs import (
    Shown,
    is_web_config,
    places_of,
    shown_by,
    usually_shown,
)
from patchstand.collect.iis.host import host_config, is_host_config, locations
from patchstand.collect.iis.inherit import (
    entries,
    found_in,
    inside,
    locked_sections,
    members,
    settings,
)
from patchstand.collect.iis.layers import Layer, Sources, layers_at, levels_of, sources
from patchstand.collect.iis.rules import rule_set
from patchstand.model.directories import ExchangeDirectory
from patchstand.model.iis import Entry, IisConfig, Place, WebConfig
from patchstand.model.inside import MarkupFile, Reading, Skipped

HOST_FILE = "applicationHost.config"
_ATTRIBUTES = (
    ("security/access", ""),
    ("security/ipSecurity", ""),
    ("security/authentication/anonymousAuthentication", ""),
    ("security/authentication/basicAuthentication", ""),
    ("security/authentication/digestAuthentication", ""),
    ("security/authentication/windowsAuthentication", ""),
    ("security/authentication/windowsAuthentication", "extendedProtection"),
    ("httpRedirect", ""),
)
"""Sections whose attributes checks ask for, and an element inside them."""
_COLLECTIONS = (
    ("modules", "", ("name",)),
    ("httpProtocol", "customHeaders", ("name",)),
    ("security/ipSecurity", "", ("ipAddress", "subnetMask", "domainName")),
)
"""Collections of `add` that checks ask for, and what tells their members apart."""


@dataclass(frozen=True, slots=True)
class IisRead:
    """What was read of IIS, and the files that look like its configuration and are none."""

    host: IisConfig | None
    web_configs: tuple[WebConfig, ...]
    places: tuple[Place, ...]
    refused: tuple[Skipped, ...]


def read_iis(
    files: Iterable[MarkupFile],
    skipped: Iterable[Skipped] = (),
    usual: Iterable[ExchangeDirectory] = (),
) -> IisRead:
    """The configuration of IIS in the files of one bundle.

    `skipped`: files that could not be read: what they said may hold at their places.
    `usual`: the directories of a default installation, where no file names the real ones.
    """
    files = tuple(files)
    refused = [*_without_root(files)]
    host, more = _host(files)
    refused += more
    shown = shown_by(host) if host else usually_shown(usual)
    configs = tuple(
        WebConfig(file.file, places_of(file.file, shown), file.root, locations(file.root))
        for file in files
        if is_web_config(file.file) and file.root.tag == "configuration"
    )
    unreadable = [each.file for each in (*skipped, *refused) if is_web_config(each.file)]
    lost = {place.lower(): file for file in unreadable for place in places_of(file, shown)}
    return IisRead(host, configs, tuple(_places(host, configs, shown, lost)), tuple(refused))


def _without_root(files: Iterable[MarkupFile]) -> Iterable[Skipped]:
    for file in files:
        named = is_web_config(file.file) or _is_called_host(file.file)
        if named and file.root.tag != "configuration":
            yield Skipped(file.file, f"its root is <{file.root.tag[:40]}>, not <configuration>")


def _is_called_host(file: str) -> bool:
    return PurePosixPath(file).name.lower() == HOST_FILE.lower()


def _host(files: Sequence[MarkupFile]) -> tuple[IisConfig | None, tuple[Skipped, ...]]:
    """The file of that name; else the only one that is such a file; of several, none."""
    found = [file for file in files if is_host_config(file.root)]
    called = [file for file in found if _is_called_host(file.file)]
    if len(called or found) > 1:
        why = "one of several configurations of IIS; one bundle is one server"
        return None, tuple(Skipped(file.file, why) for file in called or found)
    return next((host_config(file) for file in called or found), None), ()


def _places(
    host: IisConfig | None,
    configs: Sequence[WebConfig],
    shown: Sequence[Shown],
    lost: Mapping[str, str],
) -> Iterable[Place]:
    known, claimed = sources(host, configs, shown)
    lost = {**lost, **dict.fromkeys(claimed, "one of several files that claim it")}
    locked = locked_sections(host.root) if host else frozenset()
    for each in shown:
        if host is not None or _any_config(each, known):
            yield _place(each, known, locked, _unread(each, known, shown, lost))
    if host is None:
        for config in configs:
            if not config.places:
                alone = Sources(None, {config.file.lower(): config})
                layers = layers_at(config.file, alone)
                yield _made(Shown("", "", ()), layers, locked, (HOST_FILE,), None)


def _any_config(shown: Shown, known: Sources) -> bool:
    return any(level.lower() in known.web_configs for level in levels_of(shown.full_path))


def _unread(
    shown: Shown, known: Sources, all_shown: Sequence[Shown], lost: Mapping[str, str]
) -> tuple[str, ...]:
    """The web.config files on the way to a place that are not there; they need not exist."""
    directories = {each.full_path.lower() for each in all_shown}
    missing = [] if known.host else [HOST_FILE]
    for level in levels_of(shown.full_path):
        if level.lower() in lost:
            missing.append(f"web.config of {level} ({lost[level.lower()]})")
        elif level.lower() in directories and level.lower() not in known.web_configs:
            missing.append(f"web.config of {level}")
    return tuple(missing)


def _place(shown: Shown, known: Sources, locked: frozenset[str], unread: tuple[str, ...]) -> Place:
    return _made(shown, layers_at(shown.full_path, known), locked, unread, known.host)


def _made(
    shown: Shown,
    layers: tuple[Layer, ...],
    locked: frozenset[str],
    unread: tuple[str, ...],
    host: IisConfig | None,
) -> Place:
    found: dict[str, Reading] = {}
    doubts: list[Reading] = []
    for section, nested in _ATTRIBUTES:
        of_section, doubtful = found_in(layers, section, locked)
        doubts += doubtful
        name = f"{section}/{nested}" if nested else section
        found.update(settings(inside(of_section, nested) if nested else of_section, name))
    collections, more = _collections(layers, locked)
    return Place(
        site=shown.site,
        path=shown.path,
        physical_path=shown.physical_path,
        settings=found,
        entries=collections,
        rules=rule_set(layers, locked, shown.path, active=_is_active(host, collections)),
        unread=unread,
        doubts=(*doubts, *more),
    )


def _collections(
    layers: tuple[Layer, ...], locked: frozenset[str]
) -> tuple[Mapping[str, tuple[Entry, ...]], tuple[Reading, ...]]:
    found: dict[str, tuple[Entry, ...]] = {}
    doubts: list[Reading] = []
    for section, nested, keys in _COLLECTIONS:
        of_section, doubtful = found_in(layers, section, locked)
        name = f"{section}/{nested}" if nested else section
        items = members(inside(of_section, nested) if nested else of_section, name, "add", keys)
        found[name.lower()] = entries(items, name)
        doubts += [*doubtful, *items.doubts]
    return found, tuple(doubts)


def _is_active(host: IisConfig | None, collections: Mapping[str, tuple[Entry, ...]]) -> bool | None:
    """URL Rewrite works where its module is loaded by IIS and enabled for the place."""
    if host is None:
        return None
    image = "rewrite.dll"
    loaded = {module.name for module in host.modules if module.image.lower().endswith(image)}
    return any(entry.get("name") in loaded for entry in collections["modules"])
