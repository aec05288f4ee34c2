"""Diagnostic data for Microsoft."""

import pytest
from tests.assess.inside_checks.servers import E2013, SE, Server, obj, run

from patchstand.assess.inside_checks.data_collection import CHECK
from patchstand.model import Severity


@pytest.mark.parametrize("is_on", [True, False])
def test_it_is_told_when_it_is_on(is_on: bool) -> None:
    """As a note: it is a decision, not a flaw."""
    ran = run(CHECK, Server(SE, {"GetExchangeServer": [obj(DataCollectionEnabled=is_on)]}))

    assert [each.severity for each in ran.findings.values()] == [Severity.INFO] * is_on
    assert ran.unread == {}


def test_it_is_not_assumed() -> None:
    """An unread server may send data or not; older ones have no such switch."""
    assert run(CHECK, Server(SE)).unread == {"GetExchangeServer": set()}
    assert run(CHECK, Server(E2013)).said == ()
