"""Versions of TLS that Windows is told to speak, or not to.

TLS 1.2 must be on, what is older should be off, both sides of a connection must be told the
same (Microsoft Learn, "Exchange Server TLS configuration best practices"). TLS 1.3 is for
Exchange 2019 CU15 and SE on Windows Server 2022 and later; HealthChecker reports it even there.
"""

from collections.abc import Iterable, Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches_cu
from patchstand.assess.schannel import EXPORT, Protocol, protocols
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.windows import SERVER_2022, windows
from patchstand.model import Finding, ProductLine, Remedy, Severity
from patchstand.model.inside import Reading

_OLD = frozenset({"1.0", "1.1"})
_WANTED = _OLD | {"1.2"}
_TLS_1_3 = {ProductLine.V2019: "CU15"}
_PAGE = ("Microsoft Learn: Exchange Server TLS configuration best practices",)


def _run(inside: Inside) -> Iterator[Said]:
    found = protocols(inside.state)
    if not {each.version for each in found} >= _WANTED:
        yield Unread(EXPORT)
    old = [each for each in found if each.version in _OLD and each.is_on]
    if old:
        yield _finding("tls_old", HARDENING, old, "turn_off_old_tls")
    if any(each.version == "1.2" and not each.is_on for each in found):
        yield _finding("tls_1_2_off", HARDENING, (_of(found, "1.2"),), "turn_on_tls_1_2")
    contradictory = [each for each in found if each.is_contradictory and each.version != "1.3"]
    if contradictory:
        yield _finding("tls_contradictory", HARDENING, contradictory, "align_tls")
    untold = [each for each in found if each.is_untold and each.version != "1.3"]
    if untold:
        yield _finding("tls_untold", NOTE, untold, "align_tls")
    yield from _tls_1_3(inside, [each for each in found if each.version == "1.3"])


def _of(found: Iterable[Protocol], version: str) -> Protocol:
    return next(each for each in found if each.version == version)


def _tls_1_3(inside: Inside, found: list[Protocol]) -> Iterator[Said]:
    """On where it is not supported: told to, or since Windows does it untold."""
    system = windows(inside.state)
    knows_it = system is not None and system.build >= SERVER_2022
    if not found or system is None or (knows_it and reaches_cu(inside, _TLS_1_3) is not False):
        return
    if found[0].is_on or (knows_it and not found[0].is_forbidden):
        read = (system.reading,)
        yield _finding("tls_1_3_unsupported", HARDENING, found, "turn_off_tls_1_3", read)


def _finding(
    name: str,
    severity: Severity,
    found: Iterable[Protocol],
    remedy: str,
    also: tuple[Reading, ...] = (),
) -> Finding:
    told = tuple(found)
    return Finding(
        name,
        severity,
        (("versions", ", ".join(f"TLS {each.version}" for each in told)),),
        (Remedy(remedy),),
        references=_PAGE,
        read=(*also, *(reading for each in told for reading in each.read)),
    )


CHECK = InsideCheck("tls_versions", _run)
