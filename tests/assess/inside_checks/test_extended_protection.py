"""Extended Protection decides its CVEs, and says what to do."""

import json

import pytest
from tests.assess.test_extended_protection import configured
from tests.collect.iis.configs import host, inside

from patchstand.assess.audit import audit
from patchstand.assess.inside import Decision, Inside, Said, Unread
from patchstand.assess.inside_checks.extended_protection import CHECK
from patchstand.model import Finding, Severity, Status

BUILD, DEFAULT_ON = "15.2.1118.20", "15.2.1544.50"
LATE = "CVE-2024-21410"


def _registry(value: int | None) -> bytes:
    values = {} if value is None else {"SuppressExtendedProtection": value}
    return json.dumps({r"HKLM\SYSTEM\CurrentControlSet\Control\Lsa": values}).encode()


def _server(config: bytes, build: str = BUILD, registry: bytes | None = None) -> Inside:
    files = {"applicationHost.config": config}
    return inside(files | ({"registry.json": registry} if registry else {}), build)


def _said(server: Inside) -> tuple[list[str], list[bool], list[Unread]]:
    said: list[Said] = list(CHECK.run(server))
    return (
        [each.id for each in said if isinstance(each, Finding)],
        [each.is_open for each in said if isinstance(each, Decision)],
        [each for each in said if isinstance(each, Unread)],
    )


def _status(server: Inside) -> Status:
    return next(each.status for each in audit(server).assessment.cves if each.id == LATE)


def test_all_directories_and_the_switch_make_it_fixed() -> None:
    """On everywhere, and not suppressed: six CVEs are decided."""
    server = _server(configured(), registry=_registry(0))
    decisions = [each for each in CHECK.run(server) if isinstance(each, Decision)]

    assert [(len(each.cves), each.is_open) for each in decisions] == [(6, False)]
    assert _status(server) is Status.FIXED


def test_a_switch_that_is_not_set_is_off() -> None:
    """Windows does not suppress it unless told to."""
    assert _said(_server(configured(), registry=_registry(None)))[:2] == ([], [False])


def test_without_the_registry_nothing_is_called_fixed() -> None:
    """The switch in Windows leaves no trace in IIS."""
    server = _server(configured())
    findings, decisions, unread = _said(server)

    assert (findings, decisions) == ([], [])
    assert [each.wanted for each in unread] == ["registry.json"]
    assert _status(server) is Status.UNDETERMINED


def test_a_suppressed_protection_leaves_the_flaws_open() -> None:
    """Whatever IIS says."""
    server = _server(configured(), registry=_registry(1))

    assert _said(server)[:2] == (["extended_protection_suppressed"], [True])
    assert _status(server) is Status.AFFECTED


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        (host(), "extended_protection_missing"),
        (configured({"default web site/owa": "Allow"}), "extended_protection_partly"),
    ],
)
def test_one_directory_without_it_leaves_the_flaws_open(config: bytes, finding: str) -> None:
    """Critical, since one of the flaws is exploited."""
    server = _server(config)
    found = next(each for each in CHECK.run(server) if isinstance(each, Finding))

    assert (found.id, found.severity) == (finding, Severity.CRITICAL)
    assert found.read != ()
    assert _status(server) is Status.AFFECTED


def test_a_safe_default_that_was_turned_off_is_open() -> None:
    """From 2019 CU14 on setup turns it on; what IIS says counts more."""
    assert _status(_server(host(), DEFAULT_ON)) is Status.AFFECTED
    assert _status(_server(configured(), DEFAULT_ON)) is Status.FIXED


@pytest.mark.parametrize(
    ("config", "finding"),
    [
        (host(), "extended_protection_build_too_old"),
        (configured(), "extended_protection_unsupported_build"),
    ],
)
def test_a_build_that_cannot_do_it_needs_an_update_first(config: bytes, finding: str) -> None:
    """The flaws are open by the build, whatever is set."""
    server = _server(config, "15.2.1118.9", _registry(0))

    assert _said(server)[0] == [finding]
    assert _status(server) is Status.AFFECTED


def test_stricter_than_recommended_is_told_and_is_secure() -> None:
    """Clients may be locked out; the flaws are not open."""
    strict = configured({"default web site/oab": "Require"})

    assert _said(_server(strict, registry=_registry(0)))[:2] == (
        ["extended_protection_too_strict"],
        [False],
    )


def test_without_the_configuration_the_question_stays_open() -> None:
    """The file that decides is named, with the CVEs that hang on it."""
    findings, decisions, unread = _said(inside({}))

    assert (findings, decisions) == ([], [])
    assert [(each.wanted, len(each.cves)) for each in unread] == [("applicationHost.config", 6)]
