"""The Emergency Mitigation service: whether it can act when it must.

With Exchange 2016 CU22, 2019 CU11 and SE. The organisation and the server must both allow it,
its service must run, its feed must be reachable. From July 2026 on the service of builds below
the June 2026 updates refuses the feed's new signature (Microsoft Learn, "Exchange Emergency
Mitigation (EM) service").
"""

from collections.abc import Iterator
from datetime import date

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.levels import reaches, reaches_cu
from patchstand.assess.severity import HARDENING, NOTE
from patchstand.assess.values import number, texts, truth
from patchstand.model import Finding, ProductLine, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_CUS = {ProductLine.V2016: "CU22", ProductLine.V2019: "CU11"}
_ORGANIZATION, _SERVER = "GetOrganizationConfig", "GetExchangeServer"
_SERVICES = ("GetServiceMitigation", "GetService")
_SERVICE = "MSExchangeMitigation"
_FEED = "WebRequest_getexchangemitigations"
_NEW_SIGNATURE = date(2026, 7, 1)
_PAGES = ("Microsoft Learn: Exchange Emergency Mitigation (EM) service", "aka.ms/HC-EEMS")


def _run(inside: Inside) -> Iterator[Said]:
    if is_edge(inside.state) or reaches_cu(inside, _CUS) is False:
        return
    yield from _allowed(inside.state)
    yield from _service(inside.state)
    yield from _feed(inside)
    yield from _mitigations(inside.state)


def _allowed(state: ServerState) -> Iterator[Said]:
    off = []
    for name in (_ORGANIZATION, _SERVER):
        found = state.reading(name, "MitigationsEnabled")
        if found is None or truth(found.value) is None:
            yield Unread(name)
        elif not truth(found.value):
            off.append((name, found))
    if off:
        where = ", ".join("organization" if name == _ORGANIZATION else "server" for name, _ in off)
        read = tuple(reading for _, reading in off)
        yield _finding("mitigation_service_off", read, "allow_mitigations", ("where", where))


def _service(state: ServerState) -> Iterator[Said]:
    found = _found_service(state)
    if found is None:
        yield Unread(_SERVICES[0])
        return
    name, service = found
    status, start = shown(service.get("Status")), shown(service.get("StartType"))
    if status == "Running" and start == "Automatic":
        return
    file = state.exports[name.lower()].file
    read = (Reading(file, f"{_SERVICE} Status", status), Reading(file, "StartType", start))
    values = (("status", status), ("start", start))
    yield _finding("mitigation_service_stopped", read, "start_mitigation_service", *values)


def _found_service(state: ServerState) -> tuple[str, PsObject] | None:
    for name in _SERVICES:
        for service in state.objects(name):
            if shown(service.get("Name")).lower() == _SERVICE.lower():
                return name, service
    return None


def _feed(inside: Inside) -> Iterator[Said]:
    answer = inside.state.reading(_FEED, "StatusCode")
    if answer is None:
        yield Unread(_FEED)
    elif number(answer.value) != 200:
        status = ("status", answer.value)
        yield _finding("mitigation_feed_unreachable", (answer,), "reach_mitigation_feed", status)
    if inside.as_of >= _NEW_SIGNATURE and reaches(inside, "Jun26SU") is False:
        setup = inside.state.reading("ExSetup", "FileVersion")
        read = (setup,) if setup else ()
        yield _finding("mitigation_feed_refused", read, "install_updates_first")


def _mitigations(state: ServerState) -> Iterator[Said]:
    server = state.one(_SERVER)
    for what in ("Blocked", "Applied"):
        found = state.reading(_SERVER, f"Mitigations{what}")
        listed = texts(server.get(f"Mitigations{what}")) if server else ()
        if found is None or not listed:
            continue
        ids = ("mitigations", ", ".join(listed))
        if what == "Blocked":
            yield _finding("mitigations_blocked", (found,), "unblock_mitigations", ids)
        else:
            remedy = (Remedy("look_at_mitigations"),)
            yield Finding("mitigations_applied", NOTE, (ids,), remedy, _PAGES, (), (found,))


def _finding(
    name: str, read: tuple[Reading, ...], remedy: str, *values: tuple[str, str]
) -> Finding:
    return Finding(name, HARDENING, values, (Remedy(remedy, values),), _PAGES, (), read)


CHECK = InsideCheck("emergency_mitigation", _run)
