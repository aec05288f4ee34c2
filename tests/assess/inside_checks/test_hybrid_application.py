"""CVE-2025-53786: what the server shows, and what has to be asked."""

from typing import Any

import pytest
from tests.assess.inside_checks.servers import E2016, E2016_CU22, SE, Server, obj, run
from tests.assess.overriding import in_directory

from patchstand.assess.inside_checks.hybrid_application import CHECK
from patchstand.model import Severity, Status
from patchstand.model.inside import PsObject, Value

CVE = "CVE-2025-53786"
GUID = "0f2d7b9a-4c1e-4b7e-9d53-6a1c5e8f7b20"
OVERRIDE = in_directory("Global", "ExchangeOnpremAsThirdPartyAppId", "Enabled=true")


def trust(application: Value = None, **more: Value) -> PsObject:
    said: dict[str, Value] = {
        "Name": "EvoSTS",
        "Type": obj("AzureAD"),
        "Enabled": True,
        "ApplicationIdentifier": application,
    }
    return obj(**(said | more))


def a_server(
    *trusts: PsObject, hybrid: bool = True, override: bool = False, build: str = SE
) -> Server:
    exports: dict[str, Any] = {
        "GetHybridConfiguration": [obj(Name="Hybrid Configuration")] if hybrid else [],
        "GetAuthServer": list(trusts),
        "GetSettingOverride": [OVERRIDE] if override else [],
    }
    return Server(build, exports)


@pytest.mark.parametrize("build", [SE, E2016])
@pytest.mark.parametrize(
    "server",
    [
        {"trusts": [trust()]},
        {"trusts": [trust(GUID)]},
        {"trusts": [trust("https://sts.example/")], "override": True},
        {"trusts": [trust(GUID, Type=obj("MicrosoftACS"))], "override": True},
        {"trusts": [trust()], "hybrid": False},
    ],
)
def test_a_trust_without_an_application_of_its_own_is_open(
    server: dict[str, Any], build: str
) -> None:
    """Override and application both have to be there; the build alone closes nothing."""
    trusts = server["trusts"]
    rest = {name: of for name, of in server.items() if name != "trusts"}

    ran = run(CHECK, a_server(*trusts, build=build, **rest))

    assert ran.status(CVE) is Status.AFFECTED
    assert ran.severity("hybrid_application") is Severity.MEDIUM


@pytest.mark.parametrize(
    ("server", "how"),
    [
        (a_server(trust(GUID), override=True), "dedicated"),
        (a_server(trust(Enabled=False)), "no_trust"),
        (a_server(hybrid=False), "none"),
    ],
)
def test_the_cloud_part_is_asked_never_assumed(server: Server, how: str) -> None:
    """Whatever the server shows, old keys in the tenant may be left: no status is decided."""
    ran = run(CHECK, server)

    assert ran.status(CVE) is Status.UNDETERMINED
    assert ran.value("hybrid_question", "how") == how
    assert ran.severity("hybrid_question") is Severity.INFO
    assert [cves for wanted, cves in ran.unread.items() if "keyCredentials" in wanted] == [{CVE}]


def test_what_is_missing_is_named() -> None:
    """Nothing is concluded from exports that are not there."""
    ran = run(CHECK, Server(SE))

    assert set(ran.unread) == {"GetHybridConfiguration", "GetAuthServer", "GetSettingOverride"}
    assert ran.status(CVE) is Status.UNDETERMINED


def test_a_build_without_the_means_is_open_anyway() -> None:
    """Below the April 2025 updates nothing has to be read."""
    ran = run(CHECK, a_server(trust(GUID), override=True, build=E2016_CU22))

    assert ran.said == ()
    assert ran.status(CVE) is Status.AFFECTED
