"""PowerShell on the front end: without required SSL, without log-in methods of IIS.

The management shell connects over http and signs in by Kerberos inside; either setting
locks the administrators out (HealthChecker).
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.iis import Place
from patchstand.model.inside import Reading

_PLACE = "Default Web Site/PowerShell"
_METHODS = ("basic", "digest", "windows")
_SECTION = "security/authentication"


def _run(inside: Inside) -> Iterator[Said]:
    place = inside.state.place(_PLACE)
    if place is None or inside.state.iis is None:
        return
    ssl = place.setting("security/access@sslFlags")
    if ssl is not None and "ssl" in {flag.strip().lower() for flag in ssl.value.split(",")}:
        yield _finding("powershell_requires_ssl", (ssl,))
    methods = tuple(_methods(place))
    if methods:
        yield _finding("powershell_asks_for_log_in", methods)


def _methods(place: Place) -> Iterator[Reading]:
    for method in _METHODS:
        found = place.setting(f"{_SECTION}/{method}Authentication@enabled")
        if found is not None and found.value.lower() == "true":
            yield found


def _finding(name: str, read: tuple[Reading, ...]) -> Finding:
    return Finding(name, HARDENING, remedy=(Remedy("reset_powershell_directory"),), read=read)


CHECK = InsideCheck("powershell_directory", _run)
