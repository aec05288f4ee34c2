"""CVE-2022-21978 by the version of the container and two denials in each domain."""

import pytest
from tests.assess.inside_checks.servers import E2013, E2016, Server, listed, obj, run, table

from patchstand.assess.inside_checks.ad_permissions import CHECK
from patchstand.model import Status
from patchstand.model.inside import PsObject, Value

CVE = "CVE-2022-21978"
EXPORT = "GetExchangeDomainsAclPermissions"
GROUPS = "GetExchangeWellKnownSecurityGroups"
COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"
DENIALS = {
    "Exchange Servers": "bf967a7f-0de6-11d0-a285-00aa003049e2",
    "Exchange Windows Permissions": "0296c120-40da-11d1-a9c0-0000f80367c1",
}
SIDS = {name: f"S-1-5-21-1-2-3-{number}" for number, name in enumerate(DENIALS, 1119)}
PLACE = "OU=Microsoft Exchange Security Groups,DC=corp,DC=example"
SDDL = "O:BAG:BAD:AI" + "".join(
    f"(OD;CI;WP;{guid};{COMPUTER};{SIDS[name]})" for name, guid in DENIALS.items()
)


def group(name: str, place: str = PLACE) -> PsObject:
    return obj(WellKnownName=name, Sid=SIDS[name], DistinguishedName=f"CN={name},{place}")


def entry(name: str, guid: str, **more: Value) -> PsObject:
    said: dict[str, Value] = {
        "AccessControlType": obj("Deny"),
        "ActiveDirectoryRights": obj("WriteProperty"),
        "InheritanceType": obj("All"),
        "IsInherited": False,
        "ObjectType": guid,
        "InheritedObjectType": COMPUTER,
        "IdentityReference": obj(f"CORP\\{name}"),
    }
    return obj(**(said | more))


ENTRIES = listed(*(entry(name, guid) for name, guid in DENIALS.items()))


def domain(version: Value, acl: Value, name: str = "corp.example") -> PsObject:
    place = ",".join(f"DC={part}" for part in name.split("."))
    permissions = listed(obj(DN=place, Acl=acl), obj(DN=f"CN=AdminSDHolder,{place}", Acl=obj()))
    return obj(
        DomainName=name,
        DomainDN=place,
        Permissions=permissions,
        MesoObject=obj(ObjectVersion=version),
    )


def a_server(*domains: PsObject, groups: "list[PsObject] | None" = None, **more: object) -> Server:
    known = [group(name) for name in DENIALS] if groups is None else groups
    return Server(E2016, {EXPORT: list(domains), GROUPS: known, **more})  # type: ignore[dict-item]


@pytest.mark.parametrize("acl", [obj(Access=ENTRIES), obj(Sddl=SDDL)], ids=["entries", "sddl"])
def test_both_denials_and_the_version_close_it(acl: PsObject) -> None:
    """Named or by SID, the entries are found."""
    assert run(CHECK, a_server(domain(13243, acl))).status(CVE) is Status.FIXED


@pytest.mark.parametrize(
    ("version", "acl"),
    [
        (13242, obj(Sddl=SDDL)),
        (13242, None),
        (13243, obj(Access=listed(ENTRIES.items[0]))),
        (13243, obj(Sddl="D:AI(A;;RP;;;WD)")),
        (13243, obj(Sddl=SDDL.replace("(OD;CI;", "(OD;CIIO;"))),
        (13243, obj(Sddl=SDDL.replace("(OD;CI;", "(OA;CI;"))),
        (13243, obj(Sddl=SDDL.replace(";WP;", ";RP;"))),
        (13243, obj(Sddl=SDDL.replace(COMPUTER, DENIALS["Exchange Servers"]))),
    ],
)
def test_one_thing_missing_leaves_it_open(version: int, acl: Value) -> None:
    """An old container, or an entry that is absent, allows, or denies something else."""
    ran = run(CHECK, a_server(domain(version, acl)))

    assert ran.status(CVE) is Status.AFFECTED
    assert ran.value("ad_permissions", "domains") == "corp.example"


def test_the_schema_of_2013_has_a_lower_version() -> None:
    """13238 is enough for Exchange 2013 with its own schema."""
    schema = obj(Properties=table(rangeUpper=listed(15312)))
    exports = {
        EXPORT: [domain(13238, obj(Sddl=SDDL))],
        GROUPS: [group(name) for name in DENIALS],
        "GetExchangeAdSchemaClass_ms-Exch-Schema-Version-Pt": [schema],
    }

    assert run(CHECK, Server(E2013, exports)).status(CVE) is Status.FIXED


def test_split_permissions_need_no_denials() -> None:
    """Where the groups have no rights, the version alone counts."""
    server = a_server(domain(13243, obj(Sddl="D:AI")), GetExchangeADSplitPermissionsEnabled=[True])

    assert run(CHECK, server).status(CVE) is Status.FIXED


def test_possible_split_permissions_make_a_missing_denial_uncertain() -> None:
    """A group among the protected ones hints at split permissions, and proves nothing."""
    protected = "OU=Microsoft Exchange Protected Groups,DC=corp,DC=example"
    groups = [group(name, protected) for name in DENIALS]

    missing = run(CHECK, a_server(domain(13243, obj(Sddl="D:AI")), groups=groups))
    there = run(CHECK, a_server(domain(13243, obj(Sddl=SDDL)), groups=groups))

    assert missing.status(CVE) is Status.UNDETERMINED
    assert there.status(CVE) is Status.FIXED


@pytest.mark.parametrize(
    "domains",
    [
        [],
        [domain(13243, None)],
        [domain(13243, obj(Access="System.Security.AccessControl.AuthorizationRuleCollection"))],
        [domain(0, obj(Sddl=SDDL))],
        [domain(13243, obj(Sddl=SDDL)), obj(DomainName="b.example", DomainDN="Unknown")],
    ],
    ids=["none", "no acl", "cut off", "no container", "one of two"],
)
def test_a_domain_nobody_could_read_stays_undetermined(domains: list[PsObject]) -> None:
    """One unread domain is enough to keep the question open."""
    ran = run(CHECK, a_server(*domains))

    assert ran.status(CVE) is Status.UNDETERMINED
    assert ran.unread == {EXPORT: {CVE}}


def test_entries_by_sid_need_the_groups() -> None:
    """Without the groups' SIDs an entry cannot be told from another."""
    ran = run(CHECK, a_server(domain(13243, obj(Sddl=SDDL)), groups=[]))

    assert ran.status(CVE) is Status.UNDETERMINED


def test_one_bad_domain_is_enough() -> None:
    """The flaw is open where any domain is."""
    good, bad = domain(13243, obj(Sddl=SDDL)), domain(13237, obj(Sddl=SDDL), "b.example")

    ran = run(CHECK, a_server(good, bad))

    assert ran.value("ad_permissions", "domains") == "b.example"
    assert len(ran.findings["ad_permissions"].read) == 6
