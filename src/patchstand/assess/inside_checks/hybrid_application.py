"""Hybrid organisations and the application they sign in to Exchange Online with (CVE-2025-53786).

Open while the servers share the service principal of Exchange Online: the organisation trusts
Entra ID (OAuth), and no dedicated application is set up. Whether the shared principal has been
cleaned, also of the keys of an earlier hybrid, only the tenant shows: that is asked, never
assumed (Microsoft Learn, "Deploy dedicated Exchange hybrid app").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.overrides import IN_DIRECTORY, overrides
from patchstand.assess.severity import NOTE
from patchstand.assess.values import truth
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_CVES = ("CVE-2025-53786",)
_HYBRID, _TRUST = "GetHybridConfiguration", "GetAuthServer"
_CLOUD = "keyCredentials of the service principal 00000002-0000-0ff1-ce00-000000000000 in Entra ID"
_OVERRIDE = ("Global", "ExchangeOnpremAsThirdPartyAppId", "Enabled")
_TRUSTED = frozenset({"AzureAD", "MicrosoftACS"})
_GUID = re.compile(r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_REFERENCES = ("Microsoft Learn: Deploy dedicated Exchange hybrid app", "MSRC CVE-2025-53786")


@dataclass(frozen=True, slots=True)
class _Hybrid:
    """`is_hybrid`: a hybrid configuration is there. `trusts`: OAuth with Entra ID is on.

    `has_application`: an authorization server names one of the organisation's own.
    """

    is_hybrid: bool
    trusts: bool
    has_application: bool
    read: tuple[Reading, ...]


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    missing = [name for name in (_HYBRID, _TRUST) if not inside.state.has(name)]
    found = overrides(inside)
    if found is None:
        missing.append(IN_DIRECTORY)
    if missing or found is None:
        yield from (Unread(name, cves) for name in missing)
        return
    hybrid = _hybrid(inside.state)
    switched = found.says(*_OVERRIDE, value=True)
    is_dedicated = hybrid.has_application and bool(switched)
    read = (*hybrid.read, *(each.reading for each in switched))
    if hybrid.trusts and not is_dedicated:
        yield Decision(cves, True, read)
        yield _finding(inside, cves, read)
    else:
        yield _question(cves, read, "dedicated" if hybrid.trusts else _how(hybrid))
        yield Unread(_CLOUD, cves)


def _how(hybrid: _Hybrid) -> str:
    return "no_trust" if hybrid.is_hybrid else "none"


def _finding(inside: Inside, cves: tuple[str, ...], read: tuple[Reading, ...]) -> Finding:
    return Finding(
        "hybrid_application",
        inside.severity(cves),
        remedy=(Remedy("dedicated_hybrid_application"), Remedy("clean_service_principal")),
        references=_REFERENCES,
        cves=cves,
        read=read,
    )


def _question(cves: tuple[str, ...], read: tuple[Reading, ...], how: str) -> Finding:
    return Finding(
        "hybrid_question",
        NOTE,
        (("how", how),),
        (Remedy("clean_service_principal"),),
        references=_REFERENCES,
        cves=cves,
        read=read,
    )


def _hybrid(state: ServerState) -> _Hybrid:
    configurations = state.objects(_HYBRID)
    servers = [each for each in state.objects(_TRUST) if _is_trusted(each)]
    applications = [each for each in servers if _names_application(each)]
    count = Reading(state.exports[_HYBRID.lower()].file, "count", str(len(configurations)))
    file = state.exports[_TRUST.lower()].file
    trusts = tuple(
        Reading(file, f"{shown(each.get('Name'))} ApplicationIdentifier", _application(each))
        for each in servers
    ) or (Reading(file, "enabled authorization servers of Entra ID", "0"),)
    return _Hybrid(bool(configurations), bool(servers), bool(applications), (count, *trusts))


def _is_trusted(server: PsObject) -> bool:
    return truth(server.get("Enabled")) is True and shown(server.get("Type")) in _TRUSTED


def _names_application(server: PsObject) -> bool:
    return shown(server.get("Type")) == "AzureAD" and bool(_GUID.search(_application(server)))


def _application(server: PsObject) -> str:
    return shown(server.get("ApplicationIdentifier"))


CHECK = InsideCheck("hybrid_application", _run)
