"""What Exchange's groups may do in each domain of the directory (CVE-2022-21978).

/PrepareDomain of the May 2022 updates raises `objectVersion` of the container Microsoft
Exchange System Objects to 13243 (13238 with the schema of 2013) and denies two groups to
write two attributes of computers. With AD split permissions the groups have no such rights,
and only the number counts (thresholds and entries as in Microsoft's HealthChecker).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from patchstand.assess.directory import (
    Denial,
    denials,
    group,
    schema_level,
    splits_permissions,
)
from patchstand.assess.exchange import is_edge
from patchstand.assess.inside import Decision, Inside, InsideCheck, Said, Unread
from patchstand.assess.values import inner, members, number
from patchstand.model import Finding, Remedy
from patchstand.model.inside import PsObject, Reading, ServerState, shown

_CVES = ("CVE-2022-21978",)
_EXPORT = "GetExchangeDomainsAclPermissions"
_LEAST, _LEAST_2013 = 13243, 13238
_SCHEMA_AFTER_2013 = 15323
_COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"
_DENIED = (
    ("Exchange Servers", "bf967a7f-0de6-11d0-a285-00aa003049e2"),
    ("Exchange Windows Permissions", "0296c120-40da-11d1-a9c0-0000f80367c1"),
)
"""Group, and the attribute it must not write: userCertificate, managedBy."""


@dataclass(frozen=True, slots=True)
class _Domain:
    """What one domain says; None where it could not be read."""

    name: str
    is_prepared: bool | None
    denies: bool | None
    read: tuple[Reading, ...]

    @property
    def is_open(self) -> bool | None:
        if False in (self.is_prepared, self.denies):
            return True
        return None if None in (self.is_prepared, self.denies) else False


def _run(inside: Inside) -> Iterator[Said]:
    cves = inside.hanging(_CVES)
    if not cves or is_edge(inside.state):
        return
    domains = [_domain(inside.state, each) for each in inside.state.objects(_EXPORT)]
    read = tuple(reading for domain in domains for reading in domain.read)
    open_in = [domain.name for domain in domains if domain.is_open]
    if open_in:
        yield Decision(cves, True, read)
        yield Finding(
            "ad_permissions",
            inside.severity(cves),
            (("domains", ", ".join(open_in)),),
            (Remedy("prepare_domains"),),
            references=("MSRC CVE-2022-21978",),
            cves=cves,
            read=read,
        )
    elif domains and all(domain.is_open is False for domain in domains):
        yield Decision(cves, False, read)
    else:
        yield Unread(_EXPORT, cves)


def _domain(state: ServerState, exported: PsObject) -> _Domain:
    name = shown(exported.get("DomainName")) or shown(exported.get("DomainDN"))
    level = number(inner(exported.get("MesoObject"), "ObjectVersion")) or None
    file = state.exports[_EXPORT.lower()].file
    read = [] if level is None else [Reading(file, f"{name} objectVersion", str(level))]
    split = splits_permissions(state)
    denies: bool | None = True
    if split is not True:
        seen = _denials_seen(state, exported)
        read += [
            Reading(file, f"{name} deny entry for {group}", "there" if there else "missing")
            for group, there in seen.items()
            if there is not None
        ]
        denies = _all_there(seen.values(), certain=split is False)
    schema = schema_level(state)
    least = _LEAST_2013 if schema is not None and schema < _SCHEMA_AFTER_2013 else _LEAST
    return _Domain(name, None if level is None else level >= least, denies, tuple(read))


def _all_there(seen: Iterable[bool | None], *, certain: bool) -> bool | None:
    """Where split permissions are possible, a missing entry may be as it should."""
    found = set(seen)
    if found <= {True}:
        return True
    return False if False in found and certain else None


def _denials_seen(state: ServerState, exported: PsObject) -> dict[str, bool | None]:
    """For each group whether its entry is there; None where that cannot be read."""
    own = shown(exported.get("DomainDN")).lower()
    permissions = members(exported.get("Permissions"))
    of_domain = (each for each in permissions if own and shown(each.get("DN")).lower() == own)
    found = denials(inner(next(of_domain, None), "Acl"))
    return {name: _is_denied(state, found, name, guid) for name, guid in _DENIED}


def _is_denied(
    state: ServerState, found: tuple[Denial, ...] | None, name: str, guid: str
) -> bool | None:
    """By name or by SID; where entries name SIDs only and the group's is unknown: None."""
    if found is None:
        return None
    known = group(state, name)
    sid = shown(known.get("Sid")).lower() if known else ""
    trustees = {name.lower(), sid}
    if any(each.trustee in trustees and each.covers(guid, _COMPUTER) for each in found):
        return True
    by_sid = any(each.trustee.startswith("s-1-") for each in found)
    return None if by_sid and not sid else False


CHECK = InsideCheck("ad_permissions", _run)
