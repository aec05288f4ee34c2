"""How many looks run at once, and who is asked again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.model import Observation, Outcome, Target, Transcript
from patchstand.observe import pool as pooling
from patchstand.observe.look import Approach
from patchstand.observe.pool import FEWEST, Crowd, Pool, Regulator
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober

NOW = datetime(2026, 11, 22, tzinfo=UTC)
Answer = Callable[[Target, int], Outcome]


def observation(target: Target, outcome: Outcome, milliseconds: float = 1.0) -> Observation:
    """A look that ended so, one request long."""
    said = b"x" if outcome is Outcome.ANSWERED else b""
    seen = Transcript("https", "GET /", outcome, said, milliseconds=milliseconds)
    return Observation(target, target.name, NOW, "here", outcome, 1, (seen,))


def observed(
    monkeypatch: pytest.MonkeyPatch, targets: list[Target], crowd: Crowd, answer: Answer
) -> list[Observation]:
    """What a pool gives out when each target answers so at each look."""
    looks: dict[str, int] = {}

    async def look(target: Target, _: Approach) -> Observation:
        looks[target.name] = looks.get(target.name, 0) + 1
        await asyncio.sleep(0)
        return observation(target, answer(target, looks[target.name]))

    monkeypatch.setattr(pooling, "look", look)
    approach = Approach(Gate(lambda: NOW), Resolver(), Prober("1", "a@b.example"), lambda: NOW)

    async def main() -> list[Observation]:
        found: AsyncIterator[Observation] = Pool(approach, crowd).observations(iter(targets))
        return [each async for each in found]

    return asyncio.run(main())


TARGETS = [Target(f"127.0.0.{number}") for number in range(1, 40)]


def test_every_target_ends_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each target is given out exactly once, however few may run at once."""
    found = observed(monkeypatch, TARGETS, Crowd(most=3), lambda *_: Outcome.ANSWERED)

    assert sorted(each.target.name for each in found) == sorted(each.name for each in TARGETS)


def test_only_timeouts_are_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that timed out is asked again and counts both looks; a refusal is final."""

    def answer(target: Target, look: int) -> Outcome:
        if target.name == "127.0.0.1":
            return Outcome.REFUSED
        return Outcome.TIMED_OUT if look == 1 else Outcome.ANSWERED

    crowd = Crowd(retries=2, back_off=0.01)
    found = {each.target.name: each for each in observed(monkeypatch, TARGETS, crowd, answer)}

    assert found["127.0.0.1"].outcome is Outcome.REFUSED
    assert found["127.0.0.1"].requests == 1
    assert {each.outcome for each in found.values()} == {Outcome.REFUSED, Outcome.ANSWERED}
    assert found["127.0.0.2"].requests == 2


def test_a_spent_budget_does_not_hide_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the second look may ask nothing, the first one stands."""

    def answer(_: Target, look: int) -> Outcome:
        return Outcome.TIMED_OUT if look == 1 else Outcome.BUDGET_SPENT

    crowd = Crowd(retries=1, back_off=0.01)
    found = observed(monkeypatch, TARGETS[:3], crowd, answer)

    assert {each.outcome for each in found} == {Outcome.TIMED_OUT}


@given(
    st.integers(1, 500),
    st.lists(st.tuples(st.integers(0, 300), st.floats(0, 2), st.floats(0, 1000)), max_size=60),
)
def test_the_limit_stays_within_bounds(most: int, ticks: list[tuple[int, float, float]]) -> None:
    """Whatever is seen, at least one look runs and never more than allowed."""
    regulator = Regulator(most)
    for done, late, milliseconds in ticks:
        for _ in range(done):
            regulator.note(observation(TARGETS[0], Outcome.ANSWERED, milliseconds))
        assert min(FEWEST, most) <= regulator.decide(0.5, late) <= most


def test_more_at_once_is_taken_back_where_it_does_not_pay() -> None:
    """Where the rate does not grow with it, the limit stays low; where it does, it rises."""
    flat, growing = Regulator(1000), Regulator(1000)
    limits = []
    for _ in range(100):
        for _ in range(200):
            flat.note(observation(TARGETS[0], Outcome.ANSWERED))
        limits.append(flat.decide(0.5, 0.0))
        for _ in range(2 * growing.limit):
            growing.note(observation(TARGETS[0], Outcome.ANSWERED))
        growing.decide(0.5, 0.0)

    assert max(limits) < 100
    assert growing.limit == 1000


def test_a_machine_that_cannot_keep_up_asks_fewer() -> None:
    """When the timer is late, or answers take much longer, fewer run at once."""
    late, slow = Regulator(1000), Regulator(1000)
    before = late.limit
    assert late.decide(0.5, 1.0) < before
    slow.note(observation(TARGETS[0], Outcome.ANSWERED, 10))
    slow.decide(0.5, 0.0)
    before = slow.limit
    slow.note(observation(TARGETS[0], Outcome.ANSWERED, 5000))
    assert slow.decide(0.5, 0.0) < before
