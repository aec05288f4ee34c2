"""The Emergency Mitigation service."""

from datetime import date
from typing import Any

import pytest
from tests.assess.inside_checks.servers import (
    E2013,
    E2016,
    E2016_CU22,
    SE,
    Ran,
    Server,
    listed,
    obj,
    run,
)

from patchstand.assess.inside_checks.emergency_mitigation import CHECK
from patchstand.model.inside import PsObject, Value

SERVICE = obj(Name="MSExchangeMitigation", Status=obj("Running"), StartType=obj("Automatic"))
FEED = "WebRequest_getexchangemitigations"


def exports(**changed: "PsObject | None") -> dict[str, Any]:
    said: dict[str, PsObject | None] = {
        "GetOrganizationConfig": obj(MitigationsEnabled=True),
        "GetExchangeServer": obj(
            MitigationsEnabled=True, MitigationsApplied=None, MitigationsBlocked=None
        ),
        "GetServiceMitigation": SERVICE,
        FEED: obj(StatusCode=200),
    }
    return {name: [of] for name, of in (said | changed).items() if of is not None}


def a_run(**changed: "PsObject | None") -> Ran:
    return run(CHECK, Server(SE, exports(**changed)))


def test_when_all_is_well_nothing_is_said() -> None:
    """Allowed, running, reachable, nothing blocked."""
    assert a_run().said == ()


@pytest.mark.parametrize(
    ("organization", "server", "where"),
    [
        (False, True, "organization"),
        (True, False, "server"),
        (False, False, "organization, server"),
    ],
)
def test_either_switch_turns_it_off(organization: bool, server: bool, where: str) -> None:
    """The organisation's and the server's switch are told apart."""
    ran = a_run(
        GetOrganizationConfig=obj(MitigationsEnabled=organization),
        GetExchangeServer=obj(MitigationsEnabled=server),
    )

    assert ran.value("mitigation_service_off", "where") == where


@pytest.mark.parametrize(("status", "start"), [("Stopped", "Automatic"), ("Running", "Disabled")])
def test_it_must_run_and_start_by_itself(status: str, start: str) -> None:
    """In the list of all services, too."""
    service = obj(Name="MSExchangeMitigation", Status=obj(status), StartType=obj(start))

    alone = a_run(GetServiceMitigation=service)
    among = a_run(GetServiceMitigation=None, GetService=service)

    for ran in (alone, among):
        assert list(ran.findings) == ["mitigation_service_stopped"]
        assert ran.value("mitigation_service_stopped", "status") == status


def test_an_unreachable_feed_is_told() -> None:
    """An answer other than 200 is no feed."""
    assert list(a_run(**{FEED: obj(StatusCode=407)}).findings) == ["mitigation_feed_unreachable"]


@pytest.mark.parametrize(
    ("build", "day", "is_refused"),
    [
        (E2016_CU22, date(2026, 6, 30), False),
        (E2016_CU22, date(2026, 7, 1), True),
        ("15.2.2562.41", date(2026, 7, 1), True),
        ("15.2.2562.43", date(2026, 7, 1), False),
        (SE, date(2026, 10, 20), False),
    ],
)
def test_old_builds_refuse_the_feed_since_july_2026(
    build: str, day: date, is_refused: bool
) -> None:
    """From the June 2026 updates on the new signature is known."""
    ran = run(CHECK, Server(build, exports(), day=day))

    assert ("mitigation_feed_refused" in ran.findings) is is_refused


def test_blocked_and_applied_ones_are_listed() -> None:
    """As the attributes of the server name them."""
    server = obj(
        MitigationsEnabled=True,
        MitigationsApplied=listed("PING1", "M1.1"),
        MitigationsBlocked=listed("M2"),
    )

    ran = a_run(GetExchangeServer=server)

    assert ran.value("mitigations_blocked", "mitigations") == "M2"
    assert ran.value("mitigations_applied", "mitigations") == "PING1, M1.1"


@pytest.mark.parametrize("build", [E2013, "15.1.2308.8"])
def test_builds_without_the_service_are_not_asked(build: str) -> None:
    """It came with CU22 and CU11."""
    assert run(CHECK, Server(build)).said == ()


@pytest.mark.parametrize("value", [None, obj(), "unknown"])
def test_nothing_is_assumed(value: Value) -> None:
    """A switch nobody could read is no switch that is on."""
    unread = obj(MitigationsEnabled=value)

    ran = run(CHECK, Server(E2016, {"GetOrganizationConfig": [unread]}))

    assert ran.findings == {}
    assert set(ran.unread) == {
        "GetOrganizationConfig",
        "GetExchangeServer",
        "GetServiceMitigation",
        FEED,
    }


def test_a_build_newer_than_the_knowledge_is_looked_at() -> None:
    """Only a build that certainly lacks the service is passed over."""
    server = Server("15.2.9999.1", exports(GetOrganizationConfig=obj(MitigationsEnabled=False)))

    assert list(run(CHECK, server).findings) == ["mitigation_service_off"]
