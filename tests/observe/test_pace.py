import asyncio
import gc
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchstand.errors import StoreError, UsageError
from patchstand.observe.limits import MOST_REQUESTS
from patchstand.observe.pace import CATCH_UP, FEWEST_LANES, Pace, PaceRules, Spent

ADDRESSES = ["192.0.2.1", "192.0.2.2", "198.51.100.1", "2001:db8::1", "2001:db8:0:ff::1"]
ACTIONS = st.lists(
    st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(["attempt", "take", "drop"]))
)


def network(address: str) -> str:
    length = 56 if ":" in address else 24
    return str(ip_network(f"{address}/{length}", strict=False))


@pytest.mark.parametrize(
    "wrong",
    [
        {"requests_per_server": 0},
        {"requests_per_server": MOST_REQUESTS + 1},
        {"requests_per_network": 0},
        {"rate": 0.0},
        {"rate": -1.0},
        {"rate": float("inf")},
        {"rate_per_network": float("nan")},
    ],
)
def test_rules_that_mean_nothing_are_refused(wrong: dict[str, float]) -> None:
    """A budget below one, a rate that is not above zero: a usage error."""
    with pytest.raises(UsageError):
        PaceRules(**wrong)  # type: ignore[arg-type]


@given(ACTIONS, st.integers(1, 4), st.integers(1, 6) | st.none())
@settings(max_examples=200)
def test_no_budget_is_ever_exceeded(
    actions: list[tuple[str, str]], per_server: int, per_network: int | None
) -> None:
    """Whatever is tried in whatever order, and however often the run is killed and resumed:
    connections and requests, each, stay within the budget of server and network."""
    servers: Counter[tuple[str, str]] = Counter()
    networks: Counter[tuple[str, str]] = Counter()

    def on_spend(address: str, attempts: int, taken: int) -> None:
        assert (attempts, taken) in {(1, 0), (0, 1)}
        kind = "attempt" if attempts else "take"
        servers[address, kind] += 1
        networks[network(address), kind] += 1

    def resumed() -> Pace:
        spent = {a: Spent(servers[a, "attempt"], servers[a, "take"]) for a in ADDRESSES}
        return Pace(rules, spent=spent.items(), on_spend=on_spend)

    rules = PaceRules(per_server, per_network)
    pace = resumed()
    for address, action in actions:
        budget = pace.budget(address)
        assert pace.budget(address) is budget
        if action == "drop":
            del budget
            pace = resumed()
        elif action == "attempt":
            budget.attempt()
        elif not budget.spent:
            budget.take()

    assert max(servers.values(), default=0) <= per_server
    assert max(networks.values(), default=0) <= (per_network or 10_000)
    for address in ADDRESSES:
        assert pace.spent(address) == (servers[address, "attempt"], servers[address, "take"])


def test_a_budget_survives_its_object() -> None:
    """What was spent is remembered when nobody holds the budget any more."""
    pace = Pace(PaceRules(2, 3))
    for _ in range(2):
        assert pace.budget("192.0.2.1").attempt()
        gc.collect()

    assert not pace.budget("192.0.2.1").attempt()
    assert pace.budget("192.0.2.2").attempt()
    assert not pace.budget("192.0.2.3").attempt()
    assert pace.budget("192.0.3.3").attempt()
    assert len(pace._budgets) == 0


def test_nothing_is_asked_that_cannot_be_recorded() -> None:
    """When the record fails, the connection is not allowed and not counted."""

    def full(_address: str, _attempts: int, _taken: int) -> None:
        raise StoreError("disk full")

    pace = Pace(PaceRules(2), on_spend=full)
    budget = pace.budget("192.0.2.1")

    with pytest.raises(StoreError):
        budget.attempt()
    assert (budget.attempts, pace.spent("192.0.2.1")) == (0, Spent(0, 0))


def test_loopback_is_free_unless_told_otherwise() -> None:
    """Every look at loopback has a budget of its own, or it is an address like any other."""
    seen: list[str] = []
    rules = PaceRules(1, 1, rate_per_network=0.001)
    free = Pace(rules, on_spend=lambda *spent: seen.append(str(spent)))
    strict = Pace(rules, loopback_is_free=False)

    assert all(free.budget("127.0.0.1").attempt() for _ in range(3))
    asyncio.run(asyncio.wait_for(turns(free, ["127.0.0.1"] * 5), 1))
    assert seen == []
    assert [strict.budget("127.0.0.1").attempt() for _ in range(3)] == [True, False, False]


async def turns(pace: Pace, addresses: list[str]) -> list[tuple[str, float]]:
    """Ask for all turns at once; which came when."""
    loop = asyncio.get_running_loop()
    came: list[tuple[str, float]] = []

    async def one(address: str) -> None:
        await pace.turn(address)
        came.append((address, loop.time()))

    await asyncio.gather(*(one(address) for address in addresses))
    return came


def most_within(moments: list[float], seconds: float) -> int:
    ordered = sorted(moments)
    return max(bisect_right(ordered, at + seconds) - i for i, at in enumerate(ordered))


@pytest.mark.parametrize("loop_factory", ["asyncio", "uvloop"])
def test_rates_hold_at_every_moment(loop_factory: str) -> None:
    """In no span of time is there more than its rate allows, overall or in one network."""
    rules = PaceRules(rate=100, rate_per_network=20)
    addresses = [f"192.0.{third}.{last}" for last in range(3) for third in range(8)]

    with asyncio.Runner(loop_factory=factory(loop_factory)) as runner:
        came = runner.run(turns(Pace(rules), addresses))

    every = [at for _, at in came]
    for seconds in (0.02, 0.05, 0.1, 0.2):
        assert most_within(every, seconds) <= 100 * (seconds + CATCH_UP) + 1 + 1e-6
    for third in range(8):
        own = [at for address, at in came if address.startswith(f"192.0.{third}.")]
        assert most_within(own, 0.048) == 1
    assert 0.2 < max(every) - min(every) < 0.6


def factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if name == "uvloop":
        return pytest.importorskip("uvloop").new_event_loop  # type: ignore[no-any-return]
    return asyncio.new_event_loop


def test_turns_come_in_the_order_of_asking() -> None:
    """Nobody overtakes within one network, and no network waits for another's rate."""
    pace = Pace(PaceRules(rate_per_network=50))
    first = [f"192.0.2.{n}" for n in range(6)]

    came = asyncio.run(turns(pace, [*first, "198.51.100.1"]))

    assert [address for address, _ in came if address in first] == first
    assert [address for address, _ in came].index("198.51.100.1") <= 1


def test_who_gives_up_does_not_hold_the_others() -> None:
    """A waiter that is cancelled leaves the lane free."""
    pace = Pace(PaceRules(rate_per_network=50))

    async def main() -> None:
        await pace.turn("192.0.2.1")
        waiters = [asyncio.create_task(pace.turn("192.0.2.1")) for _ in range(20)]
        await asyncio.sleep(0)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
        await asyncio.wait_for(pace.turn("192.0.2.1"), 0.2)

    asyncio.run(main())


def test_idle_networks_are_forgotten() -> None:
    """However many networks a run visits, only those within their interval are in memory."""
    pace = Pace(PaceRules(rate_per_network=1e9))

    async def main() -> None:
        for number in range(5 * FEWEST_LANES):
            await pace.turn(f"10.{number >> 8}.{number & 255}.1")

    asyncio.run(main())

    assert pace._lanes is not None
    assert len(pace._lanes._lanes) <= FEWEST_LANES


def test_waiting_for_rates_costs_no_processor_time() -> None:
    """Hundreds that wait are asleep, not polling."""
    pace = Pace(PaceRules(rate=400, rate_per_network=400))
    addresses = [f"192.0.{n % 200}.1" for n in range(200)]
    before = time.process_time()
    asyncio.run(turns(pace, addresses))

    assert time.process_time() - before < 0.2
