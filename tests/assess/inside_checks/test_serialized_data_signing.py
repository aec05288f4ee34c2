"""Whether PowerShell data is signed, by build, override and registry."""

import pytest
from tests.assess.inside_checks.servers import E2013, E2016, E2016_CU22, SE, Server, run
from tests.assess.overriding import by_directory, by_server

from patchstand.assess.inside_checks.serialized_data_signing import CHECK
from patchstand.model import Severity, Status

CVES = ("CVE-2023-36035", "CVE-2023-36039", "CVE-2023-36050", "CVE-2023-36439")
JAN23, OCT23 = "15.1.2507.17", "15.1.2507.34"
SWITCH = ("Data", "EnableSerializationDataSigning")
DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"
FINDING = "serialized_data_unsigned"


@pytest.mark.parametrize("build", [E2016, SE])
@pytest.mark.parametrize("value", ["false", "False"])
def test_an_override_reopens_what_the_default_closed(build: str, value: str) -> None:
    """From the November 2023 updates on it is on, until an override says otherwise."""
    off = run(CHECK, Server(build, **by_directory(*SWITCH, f"Enabled={value}")))
    default = run(CHECK, Server(build, **by_server()))

    assert {off.status(cve) for cve in CVES} == {Status.AFFECTED}
    assert off.severity(FINDING) is Severity.HIGH
    assert off.steps(FINDING) == ["remove_override"]
    assert {default.status(cve) for cve in CVES} == {Status.FIXED}
    assert default.findings == {}


@pytest.mark.parametrize("build", [JAN23, OCT23])
def test_before_the_default_it_must_be_turned_on(build: str) -> None:
    """Without an override the older builds do not sign."""
    without = run(CHECK, Server(build, **by_server()))
    switched = run(CHECK, Server(build, **by_server((*SWITCH, "Enabled=true"))))

    assert without.value(FINDING, "how") == "never"
    assert switched.said == ()


def test_an_override_that_has_not_arrived_signs_nothing_for_sure() -> None:
    """What only the directory has is no proof that the server signs."""
    both = by_server() | {"exports": by_directory(*SWITCH, "Enabled=true")["exports"]}

    ran = run(CHECK, Server(OCT23, **both))

    assert ran.findings == {}
    assert ran.unread == {"GetExchangeDiagnosticInfo_ADTopVariantConfiguration": set()}


def test_without_any_list_the_default_stays_a_question() -> None:
    """The CVEs are named that hang on the list of overrides."""
    ran = run(CHECK, Server(E2016))

    assert ran.unread == {"GetSettingOverride": set(CVES)}


def test_a_build_that_cannot_sign_is_left_to_its_missing_update() -> None:
    """Before January 2023 there is nothing to turn on."""
    ran = run(CHECK, Server(E2016_CU22, **by_server()))

    assert ran.said == ()
    assert {ran.status(cve) for cve in CVES} == {Status.AFFECTED}


@pytest.mark.parametrize(
    ("value", "is_signed"), [(1, True), ("1", True), (0, False), (None, False)]
)
def test_exchange_2013_asks_the_registry(value: "int | str | None", is_signed: bool) -> None:
    """An override has no effect there."""
    keys = {DIAGNOSTICS: {"EnableSerializationDataSigning": value}}
    switched = by_server((*SWITCH, "Enabled=true"))

    ran = run(CHECK, Server(E2013, registry=keys, **switched))

    assert (FINDING not in ran.findings) is is_signed
    assert "registry.json" in run(CHECK, Server(E2013, **switched)).unread


def test_on_an_unknown_build_only_an_override_is_certain() -> None:
    """Whether the default is on hangs on the build, which is wanted."""
    unknown = "15.2.9999.1"

    assert list(run(CHECK, Server(unknown, **by_server((*SWITCH, "Enabled=false")))).findings) == [
        FINDING
    ]
    assert run(CHECK, Server(unknown, **by_server())).unread == {"ExSetup": set()}
