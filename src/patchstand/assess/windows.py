"""Which Windows a server runs on, from WMI or from the registry."""

from dataclasses import dataclass

from patchstand.assess.values import number, version
from patchstand.model.inside import Reading, ServerState, shown

CURRENT = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
WMI = "Win32_OperatingSystem"
SERVER_2022 = 20348
SERVER_2025 = 26100
_ENGLISH = 0x09
"""Primary language of every English locale: the lower ten bits of a LANGID (MS-LCID)."""


@dataclass(frozen=True, slots=True)
class Windows:
    """`build` as 14393, `name` as the system calls itself; where both were read."""

    build: int
    name: str
    reading: Reading


def windows(state: ServerState) -> Windows | None:
    """The Windows of a server; None where nothing tells its build.

    WMI is asked first: the registry keeps values of other releases after upgrades.
    """
    return _by_wmi(state) or _by_registry(state)


def _by_wmi(state: ServerState) -> Windows | None:
    system = state.one(WMI)
    if system is None:
        return None
    numbers = version(system.get("Version")) or ()
    build = number(system.get("BuildNumber")) or (numbers[2] if len(numbers) > 2 else None)
    if build is None:
        return None
    file = state.exports[WMI.lower()].file
    return Windows(build, shown(system.get("Caption")), Reading(file, "BuildNumber", str(build)))


def _by_registry(state: ServerState) -> Windows | None:
    for name in ("CurrentBuildNumber", "CurrentBuild"):
        found = state.registry_value(CURRENT, name)
        build = number(found.value) if found else None
        if found is not None and build is not None:
            product = state.registry_value(CURRENT, "ProductName")
            return Windows(build, shown(product.value) if product else "", found.reading)
    return None


def is_english(state: ServerState) -> bool | None:
    """True when Windows itself is English; None where nothing tells."""
    system = state.one(WMI)
    language = number(system.get("OSLanguage")) if system else None
    return None if language is None else language & 0x3FF == _ENGLISH
