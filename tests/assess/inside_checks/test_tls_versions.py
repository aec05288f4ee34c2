"""What is said about TLS, from both kinds of export."""

from collections.abc import Mapping

import pytest
from tests.assess.inside_checks.servers import E2016, SE, Ran, Server, obj, run
from tests.assess.speaking_tls import OFF, ON, UNSET, Four, in_export, in_registry

from patchstand.assess.inside_checks.tls_versions import CHECK
from patchstand.model import Severity
from patchstand.model.inside import Value

WS2016, WS2022 = 14393, 20348
GOOD: dict[str, Four] = {"1.0": OFF, "1.1": OFF, "1.2": ON, "1.3": OFF}


def both_ways(
    versions: Mapping[str, Four], build: str = E2016, windows: int = WS2016
) -> tuple[Ran, Ran]:
    system: dict[str, list[Value]] = {"Win32_OperatingSystem": [obj(BuildNumber=str(windows))]}
    by_export = Server(build, system | {"GetAllTlsSettings": [in_export(versions)]})
    by_registry = Server(build, system, in_registry(versions))
    return run(CHECK, by_export), run(CHECK, by_registry)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, {}),
        ({"1.0": ON}, {"tls_old": "TLS 1.0"}),
        ({"1.0": ON, "1.1": ON}, {"tls_old": "TLS 1.0, TLS 1.1"}),
        ({"1.1": UNSET}, {"tls_old": "TLS 1.1", "tls_untold": "TLS 1.1"}),
        ({"1.2": OFF}, {"tls_1_2_off": "TLS 1.2"}),
        ({"1.2": (1, 0, 0, 1)}, {"tls_contradictory": "TLS 1.2"}),
        ({"1.2": (1, 1, 1, 1)}, {"tls_contradictory": "TLS 1.2"}),
        ({"1.0": (0, 0, 0, 0)}, {"tls_contradictory": "TLS 1.0"}),
        ({"1.0": (0, 1, 1, 1)}, {"tls_old": "TLS 1.0", "tls_contradictory": "TLS 1.0"}),
        ({"1.2": (-1, 0, 4294967295, 0)}, {}),
        ({"1.3": ON}, {"tls_1_3_unsupported": "TLS 1.3"}),
        ({"1.3": UNSET}, {}),
    ],
)
def test_each_state_is_told_alike_from_both_exports(
    changed: dict[str, Four], found: dict[str, str]
) -> None:
    """On Windows Server 2016, where TLS 1.3 is off unless told otherwise."""
    for ran in both_ways(GOOD | changed):
        assert {name: ran.value(name, "versions") for name in ran.findings} == found


@pytest.mark.parametrize("told", [ON, UNSET])
def test_tls_1_3_is_fine_where_exchange_supports_it(told: Four) -> None:
    """SE on Windows Server 2022 may speak it; older Exchange there must be told not to."""
    for ran in both_ways(GOOD | {"1.3": told}, SE, WS2022):
        assert ran.findings == {}
    for ran in both_ways(GOOD | {"1.3": told}, E2016, WS2022):
        assert list(ran.findings) == ["tls_1_3_unsupported"]


def test_hardening_is_low_and_what_is_unset_a_note() -> None:
    """Severities follow the table."""
    ran, _ = both_ways({"1.2": ON, "1.3": OFF})

    assert ran.severity("tls_old") is Severity.LOW
    assert ran.severity("tls_untold") is Severity.INFO


def test_values_and_their_places_are_named() -> None:
    """Each finding tells all four values and where they stand."""
    by_export, by_registry = both_ways(GOOD | {"1.0": ON})

    assert len(by_export.findings["tls_old"].read) == 4
    first = by_registry.findings["tls_old"].read[0]
    assert first.path.endswith(r"SCHANNEL\Protocols\TLS 1.0\Server\Enabled")
    assert (first.file, first.value) == ("registry.json", "1")


@pytest.mark.parametrize("server", [Server(), Server(registry={})])
def test_nothing_is_said_of_what_nobody_read(server: Server) -> None:
    """Without an export, and with keys nobody looked at, TLS stays unknown."""
    assert run(CHECK, server).unread == {"GetAllTlsSettings": set()}


def test_versions_that_were_not_read_are_wanted() -> None:
    """What was read is judged, and the rest asked for."""
    keys = {path: of for path, of in in_registry({"1.0": ON}).items() if "TLS 1.0" in path}

    ran = run(CHECK, Server(registry=keys))

    assert list(ran.findings) == ["tls_old"]
    assert ran.unread == {"GetAllTlsSettings": set()}
