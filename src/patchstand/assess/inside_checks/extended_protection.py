"""Extended Protection decides six CVEs: every virtual directory, and the switch in Windows.

What is expected where is knowledge; `SuppressExtendedProtection` in the registry turns the
protection off again without a trace in IIS (Microsoft, HealthChecker).
"""

from collections.abc import Iterable, Iterator

from patchstand.assess.exchange import is_edge
from patchstand.assess.extended_protection import Protection, protection
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.severity import HARDENING
from patchstand.assess.values import number
from patchstand.model import Condition, Finding, Remedy, Status
from patchstand.model.directories import DirectoryProtection, TokenChecking

HOST = "applicationHost.config"
_LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"
_SUPPRESS = "SuppressExtendedProtection"
_PAGES = ("Microsoft Learn: Configure Windows Extended Protection in Exchange Server",)
_ENABLE = (Remedy("check_extended_protection_prerequisites"), Remedy("set_extended_protection"))


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state):
        return
    cves = inside.hanging(_of_protection(inside))
    found = protection(inside)
    if found is None:
        yield Unread(HOST, cves)
    elif found.supported_version is None:
        yield Unread("ExSetup", cves)
    elif not found.supported_version:
        yield from _on_old_build(inside, found, cves)
    else:
        yield from _by_settings(inside, found, cves)


def _of_protection(inside: Inside) -> Iterator[str]:
    wanted = Condition.EXTENDED_PROTECTION
    return (cve.id for cve in inside.knowledge.cves if cve.condition is wanted)


def _on_old_build(inside: Inside, found: Protection, cves: tuple[str, ...]) -> Iterator[Said]:
    """The build cannot do it: the CVEs are open, and what is set breaks log-ins."""
    if cves:
        yield Decision(cves, True, found.read)
    wanted = frozenset(_of_protection(inside))
    affected = tuple(
        cve.id
        for cve in inside.assessment.cves
        if cve.id in wanted and (cve.status is Status.AFFECTED or cve.id in cves)
    )
    build = inside.state.reading("ExSetup", "FileVersion")
    is_set = [each for each in found.read if each.value not in ("", TokenChecking.NONE.value)]
    yield Finding(
        "extended_protection_unsupported_build"
        if found.is_configured
        else "extended_protection_build_too_old",
        inside.severity(affected),
        remedy=(Remedy("update_then_extended_protection"),),
        references=_PAGES,
        cves=affected,
        read=tuple(filter(None, (build, *(is_set or found.read)))),
    )


def _by_settings(inside: Inside, found: Protection, cves: tuple[str, ...]) -> Iterator[Said]:
    yield from _too_strict(found)
    if not found.is_secure:
        lax = [not row.secure for row in found.directories]
        read = tuple(each for each, is_lax in zip(found.read, lax, strict=True) if is_lax)
        yield Decision(cves, True, read)
        rows = _told([row for row in found.directories if not row.secure])
        yield Finding(
            "extended_protection_partly" if found.is_configured else "extended_protection_missing",
            inside.severity(cves),
            (("count", str(sum(lax))), ("directories", rows)),
            _ENABLE,
            _PAGES,
            cves,
            read,
        )
        return
    suppressed = inside.state.registry_value(_LSA, _SUPPRESS)
    value = number(suppressed.value) if suppressed else None
    if suppressed is None or (suppressed.value is not None and value is None):
        yield Unread("registry.json", cves)
        return
    read = (suppressed.reading, *found.read)
    yield Decision(cves, bool(value), read)
    if value:
        yield Finding(
            "extended_protection_suppressed",
            inside.severity(cves),
            (("value", str(value)),),
            (Remedy("unsuppress_extended_protection"),),
            _PAGES,
            cves,
            read[:1],
        )


def _too_strict(found: Protection) -> Iterator[Said]:
    """Stricter than Microsoft's table: clients that cannot do it are locked out."""
    rows = [row for row in found.directories if not row.supported]
    if rows:
        strict = zip(found.read, found.directories, strict=True)
        yield Finding(
            "extended_protection_too_strict",
            HARDENING,
            (("directories", _told(rows)),),
            (Remedy("set_extended_protection"),),
            _PAGES,
            read=tuple(each for each, row in strict if not row.supported),
        )


def _told(rows: Iterable[DirectoryProtection]) -> str:
    return ", ".join(
        f"{row.site}/{row.path} ({row.current.value} -> {row.expected.value})" for row in rows
    )


CHECK = InsideCheck("extended_protection", _run)
