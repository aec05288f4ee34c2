"""LmCompatibilityLevel."""

import pytest
from tests.assess.inside_checks.servers import Server, run

from patchstand.assess.inside_checks.ntlm_level import CHECK, ntlm_level
from patchstand.model.inside import Value

LSA = r"SYSTEM\CurrentControlSet\Control\Lsa"


@pytest.mark.parametrize(
    ("value", "level"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (None, 3), ("2", 2)]
)
def test_below_three_is_outdated(value: Value, level: int) -> None:
    """Unset it is 3, which sends NTLMv2 only."""
    server = Server(registry={LSA: {"LmCompatibilityLevel": value}})
    ran = run(CHECK, server)

    assert ntlm_level(server.state()) == level
    assert ("ntlm_level" in ran.findings) is (level < 3)


@pytest.mark.parametrize(
    "server", [Server(), Server(registry={LSA: {"LmCompatibilityLevel": "x"}})]
)
def test_what_cannot_be_read_is_not_the_default(server: Server) -> None:
    """A key nobody read, and a value that is no number, are no level."""
    assert ntlm_level(server.state()) is None
    assert run(CHECK, server).unread == {"registry.json": set()}
