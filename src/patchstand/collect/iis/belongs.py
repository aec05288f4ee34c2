"""Which web.config belongs where: by the name a collector gave it, or by its real path.

A collector that puts all files into one folder calls them after the site and the virtual
directory (`ExchangeBackEnd-EWS_web.config`); one that keeps folders leaves the tail of the
physical path (`FrontEnd/HttpProxy/owa/web.config`). What fits two folders belongs nowhere.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from patchstand.model.directories import ExchangeDirectory
from patchstand.model.iis import IisConfig, Site

_SUFFIX = "web.config"
_DRIVE = re.compile(r"[a-z]:|%systemdrive%")
_WORDS_FOR = {"eas": "microsoftserveractivesync"}
"""What is not the beginning of its path: Exchange ActiveSync goes by its initials."""
_ENOUGH = 2
"""Folders at the end of a path that have to agree, where one alone fits several places."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A virtual directory: its site, its path without slashes at the ends, its folder."""

    site: str
    path: str
    folder: tuple[str, ...]
    physical_path: str = ""

    @property
    def full_path(self) -> str:
        """`Default Web Site/owa`."""
        return f"{self.site}/{self.path}" if self.path else self.site


def is_web_config(name: str) -> bool:
    """True for `web.config` and for `..._web.config`, in any case."""
    stem = PurePosixPath(name).name.lower().removesuffix(_SUFFIX)
    return name.lower().endswith(_SUFFIX) and (not stem or stem[-1] in "_-.")


def shown_by(config: IisConfig) -> tuple[Shown, ...]:
    """Every virtual directory of every site."""
    return tuple(each for site in config.sites for each in _of_site(site))


def _of_site(site: Site) -> Iterator[Shown]:
    for application in site.applications:
        for directory in application.directories:
            path = f"{application.path.strip('/')}/{directory.path.strip('/')}".strip("/")
            physical = directory.physical_path
            yield Shown(site.name, path, _folders(physical), physical)


def usually_shown(directories: Iterable[ExchangeDirectory]) -> tuple[Shown, ...]:
    """The virtual directories of a default installation, for want of the configuration."""
    return tuple(
        Shown(each.site, "" if each.path == "/" else each.path, _folders(each.folder))
        for each in directories
        if each.folder
    )


def _folders(path: str) -> tuple[str, ...]:
    """The folders of a path in lower case, without its drive."""
    parts = path.lower().replace("\\", "/").replace("%windir%", "windows").split("/")
    return tuple(part for part in parts if part and not _DRIVE.fullmatch(part))


def places_of(file: str, shown: Sequence[Shown]) -> tuple[str, ...]:
    """The full paths a web.config belongs to; empty when that cannot be told."""
    path = PurePosixPath(file.replace("\\", "/"))
    stem = path.name.lower().removesuffix(_SUFFIX).rstrip("_-.")
    if stem:
        return _by_name(_plain(stem), shown)
    return _by_folder(_folders(str(path.parent)), shown)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _by_name(word: str, shown: Sequence[Shown]) -> tuple[str, ...]:
    sites = {each.site for each in shown if word.startswith(_plain(each.site))}
    if not sites:
        return ()
    site = max(sites, key=lambda name: len(_plain(name)))
    of_site = [each for each in shown if each.site == site]
    found = _named(word.removeprefix(_plain(site)), of_site)
    return _sharing(found, of_site) if found else ()


def _named(word: str, of_site: Sequence[Shown]) -> Shown | None:
    """The directory of a path, else of a folder, else of a path that begins so."""
    if not word:
        return next((each for each in of_site if not each.path), None)
    word = _WORDS_FOR.get(word, word)
    for each in of_site:
        if _plain(each.path) == word:
            return each
    for each in of_site:
        if each.folder and _plain(each.folder[-1]) == word:
            return each
    beginning = [each for each in of_site if _plain(each.path).startswith(word)]
    return min(beginning, key=lambda each: len(each.path), default=None)


def _sharing(found: Shown, shown: Iterable[Shown]) -> tuple[str, ...]:
    """All directories that show the same folder: it has one web.config."""
    return tuple(
        each.full_path for each in shown if each is found or each.folder == found.folder != ()
    )


def _by_folder(folders: tuple[str, ...], shown: Sequence[Shown]) -> tuple[str, ...]:
    best: tuple[int, int] = (0, 0)
    found: list[Shown] = []
    for each in shown:
        fit = _fit(folders, each.folder)
        if fit > best:
            best, found = fit, [each]
        elif fit == best and fit[0]:
            found.append(each)
    certain = len({each.folder for each in found}) == 1
    if not certain or (best[0] < _ENOUGH and best[1]):
        return ()
    below = "/".join(folders[len(folders) + best[1] :]) if best[1] else ""
    return tuple(f"{each.full_path}/{below}".rstrip("/") for each in found)


def _fit(folders: tuple[str, ...], shown: tuple[str, ...]) -> tuple[int, int]:
    """How many folders of the tail of `shown` agree, and (negative) how many are left over."""
    best = (0, 0)
    for end in range(len(folders), 0, -1):
        agreeing = 0
        for mine, theirs in zip(reversed(folders[:end]), reversed(shown), strict=False):
            if mine != theirs:
                break
            agreeing += 1
        best = max(best, (agreeing, end - len(folders)) if agreeing else best)
    return best
