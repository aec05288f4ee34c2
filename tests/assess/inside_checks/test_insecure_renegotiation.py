"""Renegotiation with peers that lack RFC 5746."""

import pytest
from tests.assess.inside_checks.servers import Server, run

from patchstand.assess.inside_checks.insecure_renegotiation import CHECK
from patchstand.assess.schannel import SCHANNEL
from patchstand.model.inside import Value


@pytest.mark.parametrize(
    ("values", "is_allowed"),
    [
        (None, False),
        ({}, False),
        ({"AllowInsecureRenegoClients": 0, "AllowInsecureRenegoServers": 0}, False),
        ({"AllowInsecureRenegoClients": 1}, True),
        ({"AllowInsecureRenegoServers": -1}, True),
    ],
)
def test_only_a_value_other_than_zero_allows_it(
    values: "dict[str, Value] | None", is_allowed: bool
) -> None:
    """Unset is refused; 0xFFFFFFFF, written as -1, is set."""
    ran = run(CHECK, Server(registry={SCHANNEL: values}))

    assert ("insecure_renegotiation" in ran.findings) is is_allowed
    assert ran.unread == {}


def test_a_key_nobody_read_is_wanted() -> None:
    """Nothing is said without the registry."""
    assert run(CHECK, Server()).unread == {"registry.json": set()}
