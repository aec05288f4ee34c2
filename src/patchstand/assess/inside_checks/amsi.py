"""AMSI: requests to the web services pass the malware scanner of Windows first.

For Exchange 2016 CU21, 2019 CU10 and SE on Windows Server 2016 and later, on by default; an
override can turn it off. Bodies are scanned since the November 2024 updates when asked for, by
default since those of August 2025 (Microsoft Learn, "Exchange Server AMSI integration").
"""

from collections.abc import Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches, reaches_cu
from patchstand.assess.overrides import IN_DIRECTORY, Overrides, Setting, overrides
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.windows import WMI, windows
from patchstand.model import Finding, ProductLine, Remedy
from patchstand.model.inside import Reading

_CUS = {ProductLine.V2016: "CU21", ProductLine.V2019: "CU10"}
_FIRST_WINDOWS = 14393
_BODIES = ("Cafe", "AmsiRequestBodyScanning")
_BLOCK = ("Cafe", "BlockRequestBodyGreaterThanMaxScanSize")
_PAGES = ("Microsoft Learn: Exchange Server AMSI integration", "aka.ms/HC-AMSIExchange")


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state) or reaches_cu(inside, _CUS) is False:
        return
    system = windows(inside.state)
    if system is None:
        yield Unread(WMI)
        return
    if system.build < _FIRST_WINDOWS:
        return
    found = overrides(inside)
    if found is None:
        yield Unread(IN_DIRECTORY)
        return
    off = found.says("Cafe", "HttpRequestFiltering", "Enabled", value=False)
    if off:
        yield _finding("amsi_off", off)
    yield from _bodies(inside, found, is_off=bool(off))


def _bodies(inside: Inside, found: Overrides, *, is_off: bool) -> Iterator[Said]:
    """What is said about the bodies of requests, and whether this build listens."""
    scanned = [each for each in found.of(*_BODIES) if each.switch is True]
    refused = found.says(*_BODIES, "EnabledAll", value=False)
    blocked = [each for each in found.of(*_BLOCK) if each.switch is True]
    is_new_enough = reaches(inside, "Nov24SU")
    if (scanned or blocked) and (is_off or is_new_enough is False):
        why = "off" if is_off else "build"
        yield _finding("amsi_body_scan_without_effect", (*scanned, *blocked), ("because", why))
    if refused and not scanned and reaches(inside, "Aug25SU") is True:
        yield _finding("amsi_bodies_not_scanned", refused)
    if blocked:
        yield Finding(
            "amsi_blocks_large_requests",
            NOTE,
            (("override", _names(blocked)),),
            references=_PAGES,
            read=_read(blocked),
        )


def _finding(
    name: str, found: "tuple[Setting, ...] | list[Setting]", *values: tuple[str, str]
) -> Finding:
    override = ("override", _names(found))
    return Finding(
        name,
        HARDENING,
        (override, *values),
        (Remedy("remove_override", (override,)),),
        references=_PAGES,
        read=_read(found),
    )


def _names(found: "tuple[Setting, ...] | list[Setting]") -> str:
    return ", ".join(dict.fromkeys(each.override for each in found))


def _read(found: "tuple[Setting, ...] | list[Setting]") -> tuple[Reading, ...]:
    return tuple(each.reading for each in found)


CHECK = InsideCheck("amsi", _run)
