"""What Microsoft's own tests of HealthChecker assert of one real server, and what we say of it.

Every asserted value is equal, or stands in a table with its reason: not judged, since it is
about neither security nor support nor mail flow; left to other checks; or justly different.
Their tests replace some answers of the machine by fixed ones (`MOCKED`), which are not in the
bundle; here they come as the registry export our own collector would write.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from patchstand import knowledge
from patchstand.assess import judge
from patchstand.assess.audit import Audit, audit
from patchstand.assess.directory import splits_permissions
from patchstand.assess.inside import Inside
from patchstand.assess.inside_checks.ntlm_level import ntlm_level
from patchstand.assess.overrides import overrides
from patchstand.assess.windows import windows
from patchstand.collect.bundle import Member, members
from patchstand.collect.state import server_state
from patchstand.identify import identify
from patchstand.model import Build, Evidence, EvidenceKind, Finding, Status
from patchstand.model.inside import ServerState

DAY = date(2026, 4, 2)
"""Of the commit of HealthChecker whose tests these are."""
SERVER = "E16 CU22 (15.1.2375.7)"
CURRENT = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
LSA = r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa"
MOCKED = {
    CURRENT: {"CurrentBuild": "26100", "UBR": 720, "ReleaseId": "2009"},
    LSA: {"SuppressExtendedProtection": 0},
}


@dataclass(frozen=True)
class Seen:
    """The server as we see it: its state, and what the checks said."""

    inside: Inside
    said: Audit

    @property
    def state(self) -> ServerState:
        """What was read."""
        return self.inside.state

    def finding(self, name: str) -> Finding | None:
        """A finding by its id; None when there is none."""
        return next((each for each in self.said.findings if each.id == name), None)

    def wants(self, export: str) -> bool:
        """True when a check asked for an export in vain."""
        return any(each.wanted == export for each in self.said.unread)

    @property
    def affected(self) -> set[str]:
        """The CVEs that are open."""
        cves = self.said.assessment.cves
        return {each.id for each in cves if each.status is Status.AFFECTED}


def seen(folder: Path, *more: Member) -> Seen:
    """Audit a bundle on the day of HealthChecker's tests."""
    known = knowledge.load()
    state = server_state("SOLO-E16A", [*members(folder), *more])
    setup = state.reading("ExSetup", "FileVersion")
    assert setup is not None
    identity = identify([Evidence(EvidenceKind.BUILD, setup.value)], known, DAY).nodes[0]
    inside = Inside(state, known, identity, judge(known, identity, DAY))
    return Seen(inside, audit(inside))


@pytest.fixture(scope="module")
def facts(shared: Path) -> dict[str, Any]:
    """The expected values, as the facts file holds them."""
    text = (shared / "facts" / "healthchecker_expected.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def bare(shared: Path) -> Seen:
    """The bundle alone."""
    return seen(shared / "real" / "server_e16")


@pytest.fixture(scope="module")
def server(shared: Path) -> Seen:
    """The bundle, and the registry that HealthChecker's tests put in its place."""
    registry = Member("registry.json", json.dumps(MOCKED).encode())
    return seen(shared / "real" / "server_e16", registry)


def _reading(state: ServerState, export: str, name: str) -> str:
    found = state.reading(export, name)
    assert found is not None
    return found.value


def _product(server: Seen) -> str:
    member = server.said.assessment.members[0]
    return f"Exchange {member.line.value} {member.cu}"


def _framework(server: Seen) -> str:
    finding = server.finding("dotnet_data_set")
    assert finding is not None
    return ".".join(finding.read[0].value.split(".")[:2])


def _windows_name(server: Seen) -> str:
    found = windows(server.state)
    assert found is not None
    return found.name.removeprefix("Microsoft ")


def _has_overrides(server: Seen) -> bool:
    found = overrides(server.inside)
    assert found is not None
    return bool(found.settings)


def _download_domains(server: Seen) -> bool:
    finding = server.finding("download_domains")
    return finding is None or dict(finding.values)["how"] != "off"


def _service(server: Seen) -> str:
    assert not server.wants("GetServiceMitigation")
    stopped = server.finding("mitigation_service_stopped")
    return dict(stopped.values)["status"] if stopped else "Running"


def _telemetry(server: Seen) -> bool:
    assert not server.wants("GetExchangeServer")
    return server.finding("data_collection") is not None


EQUAL: dict[str, Callable[[Seen], object]] = {
    "Name": lambda server: _reading(server.state, "GetExchangeServer", "Name"),
    "Version": _product,
    "Build Number": lambda server: server.inside.build,
    "Server Role": lambda server: _reading(server.state, "GetExchangeServer", "ServerRole"),
    "Setting Overrides Detected": _has_overrides,
    "Enable Download Domains": _download_domains,
    "downloadDomains.DownloadDomainsEnabled": _download_domains,
    "AD Split Permissions": lambda server: splits_permissions(server.state),
    "Product Name": _windows_name,
    ".NET Framework": _framework,
    "LmCompatibilityLevel Settings": lambda server: ntlm_level(server.state),
    "SMB1 Installed": lambda server: server.finding("smb1_installed") is not None,
    "SMB1 Blocked": lambda server: server.finding("smb1_answers") is None,
    "Windows service": _service,
    "Telemetry enabled": _telemetry,
}
"""By the name HealthChecker gives it: what we say, in its words."""

DIFFERENT = {
    ("Operating System Information", "Version"): (
        "the tests put build 26100 into the registry of a Windows Server 2016 and print that;"
        " we go by WMI, which says 14393 as the name does"
    ),
    ("Security Settings", "Pattern service"): (
        "the tests let the request for the feed come back empty and call it unreachable; the"
        " bundle holds no such request, and we say that nobody asked"
    ),
}
"""Justified differences."""

_NOT_SECURITY = "inventory or speed; neither security nor support nor mail flow hangs on it"
_OTHER_CHECKS = "configuration that has checks and tests of its own, or none yet"
NOT_JUDGED_GROUPS = {
    "Processor/Hardware Information": _NOT_SECURITY,
    "NIC Settings Per Active Adapter": _NOT_SECURITY,
    "Frequent Configuration Issues": _OTHER_CHECKS,
}
NOT_JUDGED = {
    "DAG Name": _NOT_SECURITY,
    "AD Site": _NOT_SECURITY,
    "Exchange Server Maintenance": _NOT_SECURITY,
    "Internet Web Proxy": _NOT_SECURITY,
    "MAPI/HTTP Enabled": _NOT_SECURITY,
    "Dynamic Distribution Group Public Folder Mailboxes Count": _NOT_SECURITY,
    "Time Zone": _NOT_SECURITY,
    "Dynamic Daylight Time Enabled": _NOT_SECURITY,
    "Power Plan": _NOT_SECURITY,
    "httpProxy.ProxyAddress": _NOT_SECURITY,
    "Visual C++ 2012 x64": _NOT_SECURITY,
    "Visual C++ 2013 x64": _NOT_SECURITY,
    "Server Pending Reboot": _NOT_SECURITY,
    "pageFile.Name": _NOT_SECURITY,
    "pageFile.TotalPhysicalMemory": _NOT_SECURITY,
    "pageFile.MaxPageSize": _NOT_SECURITY,
    "pageFile.MultiPageFile": _NOT_SECURITY,
    "pageFile.RecommendedPageFile": _NOT_SECURITY,
    "MRS Proxy Enabled": _OTHER_CHECKS,
    "Exchange Server Membership": _OTHER_CHECKS,
    "Extended Protection Enabled (Any VDir)": _OTHER_CHECKS,
}
OURS_ALONE = {
    "CVE-2021-1730": "HealthChecker lists it apart, as download domains",
    "CVE-2022-21979": "apart, as Extended Protection",
    "CVE-2022-21980": "apart, as Extended Protection",
    "CVE-2022-24477": "apart, as Extended Protection",
    "CVE-2022-24516": "apart, as Extended Protection",
    "CVE-2022-30134": "apart, as Extended Protection",
    "CVE-2024-21410": "apart, as Extended Protection",
    "CVE-2023-21709": "HealthChecker calls it by the number of its fix in Windows, CVE-2023-36434",
}
"""CVEs that we call open and its list of CVEs does not hold."""
TWICE = ("CVE-2023-21707",)
"""CVEs that HealthChecker counts under two updates."""


def checks(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Every asserted value, of all its scenarios for this server."""
    found = facts["scenarios"]["E16.Main"]
    return [check for context in found for check in context["checks"]]


def _kinds(check: dict[str, Any]) -> list[str]:
    """The tables a check stands in; exactly one is right."""
    name, group = check["name"], check["group"]
    is_different = (group, name) in DIFFERENT
    kinds = {
        "equal": name in EQUAL and not is_different,
        "cves": name.startswith("Security Vulnerability "),
        "different": is_different,
        "not judged": name in NOT_JUDGED or group in NOT_JUDGED_GROUPS,
    }
    return [kind for kind, holds in kinds.items() if holds]


def test_every_asserted_value_stands_in_one_table(facts: dict[str, Any]) -> None:
    """Nothing is passed over, and no table holds what nobody asserts."""
    asserted = checks(facts)

    assert [(check, _kinds(check)) for check in asserted if len(_kinds(check)) != 1] == []
    names = {check["name"] for check in asserted}
    assert set(EQUAL) | set(NOT_JUDGED) | {name for _, name in DIFFERENT} <= names


@pytest.mark.parametrize("name", EQUAL)
def test_what_concerns_security_is_equal(name: str, facts: dict[str, Any], server: Seen) -> None:
    """Word for word, except that a build is compared as a number."""
    wanted = [
        check["expected"]
        for check in checks(facts)
        if check["name"] == name and (check["group"], name) not in DIFFERENT
    ]
    said = EQUAL[name](server)

    assert wanted
    for expected in wanted:
        if isinstance(said, Build):
            assert said == Build.parse(expected)
        else:
            assert str(said).lower() == str(expected).lower()


def test_what_it_calls_red_or_yellow_is_a_finding(facts: dict[str, Any], server: Seen) -> None:
    """Its alarms about security are ours too."""
    alarms = {
        check["name"]
        for check in checks(facts)
        if check.get("write_type") in {"Red", "Yellow"} and _kinds(check) == ["equal"]
    }

    assert alarms == {"SMB1 Installed", "SMB1 Blocked"}
    assert server.finding("smb1_installed") is not None
    assert server.finding("smb1_answers") is not None


def test_its_cves_are_ours(facts: dict[str, Any], server: Seen) -> None:
    """All it lists are open by our account, and what we add is explained one by one."""
    listed = set(facts["derived_cve_lists"][SERVER]["distinct"])
    named = {check["cve"]: check["expected"] for check in checks(facts) if check.get("cve")}

    assert server.affected - listed == set(OURS_ALONE)
    assert listed <= server.affected
    assert {cve: cve in server.affected for cve in named} == named


def test_its_count_is_ours(facts: dict[str, Any], server: Seen) -> None:
    """One CVE is counted twice there, and eight are listed apart."""
    name = "Security Vulnerability count"
    (expected,) = (check["expected"] for check in checks(facts) if check["name"] == name)

    assert len(server.affected - set(OURS_ALONE)) + len(TWICE) == expected


def test_the_differences_are_as_the_table_says(bare: Seen, server: Seen) -> None:
    """Windows by WMI; a feed nobody asked for is asked for by us."""
    found = windows(server.state)

    assert found is not None
    assert found.build == 14393
    assert server.wants("WebRequest_getexchangemitigations")
    assert server.finding("mitigation_feed_unreachable") is None
    assert ntlm_level(bare.state) is None
    assert bare.wants("registry.json")


def test_findings_name_files_of_the_bundle(bare: Seen) -> None:
    """Whatever was found says where it was read."""
    files = {export.file for export in bare.state.exports.values()}
    files |= {markup.file for markup in bare.state.markup.values()}
    without = {each.id for each in bare.said.findings if not each.read}

    assert without == set()
    assert {reading.file for each in bare.said.findings for reading in each.read} <= files


def test_beyond_its_assertions_the_state_of_the_server_comes_out(bare: Seen) -> None:
    """What its tests do not assert by name, and its collector wrote down."""
    found = {each.id for each in bare.said.findings}

    assert {
        "ad_permissions",
        "auth_certificate_expired",
        "dotnet_strong_cryptography",
        "scan_engine_stops",
        "tls_old",
        "token_cache_module",
    } <= found
    assert not found & {"amsi_off", "mitigation_service_off", "serialized_data_unsigned"}
