"""CVE-2018-8581 by a registry value, and what the build makes of it."""

import pytest
from tests.assess.inside_checks.servers import E2013, E2016, SE, Server, run

from patchstand.assess.inside_checks.loopback_check import CHECK
from patchstand.model import Severity, Status
from patchstand.model.inside import Value

CVE = "CVE-2018-8581"
LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"
BEFORE_2019 = "15.1.1591.10"


def a_server(build: str, value: Value) -> Server:
    return Server(build, registry={LSA: {"DisableLoopbackCheck": value}})


@pytest.mark.parametrize("build", [BEFORE_2019, E2013, E2016])
@pytest.mark.parametrize("value", [None, 0])
def test_without_the_value_it_is_closed(build: str, value: Value) -> None:
    """That is the vendor's own remedy, whatever the build."""
    assert run(CHECK, a_server(build, value)).status(CVE) is Status.FIXED


def test_with_the_value_an_old_build_is_open() -> None:
    """Before February 2019 the known way of attack is there."""
    ran = run(CHECK, a_server(BEFORE_2019, 1))

    assert ran.status(CVE) is Status.AFFECTED
    assert ran.severity("loopback_check") is Severity.CRITICAL


def test_with_the_value_a_newer_build_is_weak_but_not_judged_open() -> None:
    """Whether the value suffices for an attack is not certain, so it is not judged red."""
    ran = run(CHECK, a_server(E2016, 1))

    assert ran.status(CVE) is Status.UNDETERMINED
    assert ran.severity("loopback_check") is Severity.LOW


def test_a_key_nobody_read_leaves_the_question() -> None:
    """Absence is only known where somebody looked."""
    assert run(CHECK, Server(E2016)).unread == {"registry.json": {CVE}}
    assert run(CHECK, Server(E2016, registry={})).unread == {"registry.json": {CVE}}
    assert run(CHECK, Server(SE)).said == ()
