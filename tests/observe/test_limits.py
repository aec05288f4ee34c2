import asyncio

import pytest
from tests.observe.conftest import NOW

from patchstand.errors import UsageError
from patchstand.model import Outcome, Permit, Target
from patchstand.observe.limits import MOST_REQUESTS, Budget, Limits
from patchstand.observe.look import Approach, look_at_all
from patchstand.observe.pace import Pace, PaceRules
from patchstand.observe.probe import select
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober, Session, Terms

PERMIT = Permit("127.0.0.1", "scope", "own", "", ("inform",))


@pytest.mark.parametrize("limit", [0, -1, MOST_REQUESTS + 1])
def test_a_budget_has_bounds(limit: int) -> None:
    """No option asks a server without limit, or not at all."""
    with pytest.raises(UsageError):
        Budget(limit)


def test_a_spent_budget_gives_nothing_more() -> None:
    """Asking beyond the budget is a mistake that is refused, also with optimised Python."""
    budget = Budget(1)
    budget.take()

    assert budget.spent
    with pytest.raises(RuntimeError):
        budget.take()


def test_failed_connections_are_limited_too() -> None:
    """Ports cannot be tried one after the other: as many connections as requests."""
    terms = Terms(PERMIT, Budget(3), Limits(connect=1))
    session = Session(Target("127.0.0.1"), Prober("0", "a@b.example"), terms)

    async def tries() -> list[object]:
        return [await session.connect(1, tls=False) for _ in range(10)]

    outcomes = [getattr(each, "outcome", None) for each in asyncio.run(tries())]

    assert outcomes == [Outcome.REFUSED] * 3 + [Outcome.BUDGET_SPENT] * 7


class Scoped(Gate):
    """Permits 127.0.0.1 as a scope would, so that loopback's freedom does not apply."""

    async def permit(self, name: str, address: str) -> Permit:
        """Grant what a scope file would."""
        return PERMIT

    def still_permits(self, permit: Permit) -> bool:
        """The scope file is good all along."""
        return permit is PERMIT


def test_one_address_has_one_budget_whatever_its_ports() -> None:
    """Many targets at one address share its budget over the whole run."""
    targets = [Target("127.0.0.1", https=port) for port in range(1, 200)]
    approach = Approach(
        gate=Scoped(lambda: NOW),
        resolver=Resolver(),
        prober=Prober("0", "a@b.example"),
        now=lambda: NOW,
        probes=select(["web"]),
        pace=Pace(PaceRules(requests_per_server=5), loopback_is_free=False),
        limits=Limits(connect=1),
    )

    async def outcomes() -> list[Outcome]:
        return [seen.outcome async for seen in look_at_all(targets, approach, concurrency=10)]

    seen = asyncio.run(outcomes())

    assert seen.count(Outcome.REFUSED) == 5
    assert seen.count(Outcome.BUDGET_SPENT) == len(targets) - 5
