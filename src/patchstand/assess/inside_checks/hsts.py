"""HSTS: on the front end for a year at least, never on the back end, said once.

Between front end and back end the name is the server's own with a certificate nobody
vouches for, so HSTS breaks it (Microsoft Learn, "Configure HTTP Strict Transport Security
in Exchange Server"; HealthChecker).
"""

import re
from collections.abc import Iterator, Mapping

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.iis import IisConfig, Site
from patchstand.model.inside import Reading, ServerState

_FRONT, _BACK = "Default Web Site", "Exchange Back End"
_HEADER = "strict-transport-security"
_MAX_AGE = re.compile(r"(?i)max-age\s*=\s*\"?(\d{1,12})")
_YEAR = 31_536_000


def _run(inside: Inside) -> Iterator[Said]:
    config = inside.state.iis
    if config is None:
        return
    back = (*_native(config, _BACK), *_headers(inside.state, _BACK))
    if back:
        yield _finding("hsts_back_end", back, "remove_hsts")
    native, headers = _native(config, _FRONT), _headers(inside.state, _FRONT)
    if native and headers:
        yield _finding("hsts_twice", (*native, *headers), "set_hsts")
    short = [each for each in (*native, *headers) if _seconds(each.value) < _YEAR]
    if short:
        yield _finding("hsts_too_short", tuple(short), "set_hsts")
    if native and _is(_attributes(config.site(_FRONT)), "redirectHttpToHttps"):
        yield _finding("hsts_redirects", native, "unset_hsts_redirect")


def _attributes(site: Site | None) -> Mapping[str, str]:
    return (site.hsts or {}) if site else {}


def _is(said: Mapping[str, str], name: str) -> bool:
    return said.get(name, "false").lower() == "true"


def _native(config: IisConfig, name: str) -> tuple[Reading, ...]:
    said = _attributes(config.site(name))
    if not _is(said, "enabled"):
        return ()
    value = f"max-age={said.get('max-age', '0')}"
    return (Reading(config.file, f'site[@name="{name}"]/hsts', value),)


def _headers(state: ServerState, site: str) -> tuple[Reading, ...]:
    found = [
        Reading(entry.read.file, entry.read.path, entry.get("value"))
        for place in state.places
        if place.site.lower() == site.lower()
        for entry in place.entries.get("httpprotocol/customheaders", ())
        if entry.get("name").lower() == _HEADER
    ]
    return tuple(dict.fromkeys(found))


def _seconds(value: str) -> int:
    found = _MAX_AGE.search(value)
    return int(found[1]) if found else 0


def _finding(name: str, read: tuple[Reading, ...], action: str) -> Finding:
    values = (("said", ", ".join(dict.fromkeys(each.value for each in read))),)
    return Finding(name, HARDENING, values, (Remedy(action),), read=read)


CHECK = InsideCheck("hsts", _run)
