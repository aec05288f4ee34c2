"""Support of elliptic-curve certificates."""

import pytest
from tests.assess.inside_checks.servers import SE, Server, run
from tests.assess.overriding import by_server

from patchstand.assess.inside_checks.ecc_certificates import CHECK
from patchstand.model.inside import Value

ON = ("Global", "ECCCertificateSupport", "Enabled=true")
DIAGNOSTICS = r"SOFTWARE\Microsoft\ExchangeServer\v15\Diagnostics"
BEFORE = "15.1.2507.39"


@pytest.mark.parametrize(
    ("build", "value", "is_half"),
    [
        (SE, None, True),
        (SE, "0", True),
        (SE, "1", False),
        (SE, 1, False),
        (BEFORE, None, False),
    ],
)
def test_the_override_needs_the_registry_since_november_2024(
    build: str, value: Value, is_half: bool
) -> None:
    """Before that the override was enough."""
    keys = {DIAGNOSTICS: {"EnableEccCertificateSupport": value}}

    ran = run(CHECK, Server(build, registry=keys, **by_server(ON)))

    assert ("ecc_certificates_half_on" in ran.findings) is is_half


def test_who_does_not_want_it_is_not_asked() -> None:
    """Without the override there is nothing to complete, and no registry to want."""
    assert run(CHECK, Server(**by_server())).said == ()
    assert run(CHECK, Server(**by_server(ON))).unread == {"registry.json": set()}
    assert run(CHECK, Server()).unread == {"GetSettingOverride": set()}
