"""Politeness as the servers see it: counted at the lab, never at the prober."""

import asyncio
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from patchstand.lab import Lab, estate, lab_in_thread, parse_population
from patchstand.model import Knowledge, Observation, Outcome, Scope
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach, look_at_all
from patchstand.observe.order import network_of
from patchstand.observe.pace import CATCH_UP, Pace, PaceRules, Spent
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.workflow.lab import lab_scope
from patchstand.workflow.targets import parse_target

DAY = date(2026, 10, 13)
SHARES = (
    b'{"schema": "patchstand/population/1", "shares": {"SE": 4, "2016": 2, "mixed": 2,'
    b' "refused": 1, "reset": 1, "nginx_front": 1, "broken_tls": 1}}'
)


@contextmanager
def estate_of(servers: int, known: Knowledge) -> Iterator[Lab]:
    made = estate(servers, known.updates, parse_population(SHARES), Random(4), DAY)
    with lab_in_thread(made) as lab:
        yield lab


def now() -> datetime:
    return datetime(2026, 10, 13, 12, tzinfo=UTC)


def ask(lab: Lab, pace: Pace, scope: Scope | None = None, **more: Any) -> list[Observation]:  # noqa: ANN401
    """Look at every server of the lab as a scan does: the scope decides for each."""
    settings: dict[str, Any] = {
        "gate": Gate(now, scope=scope or lab_scope(), strict=True),
        "resolver": Resolver(),
        "prober": Prober("0", "lab@lab.invalid"),
        "now": now,
        "nodes": 4,
        "limits": Limits(connect=2, answer=2, target=10),
        "pace": pace,
    }
    approach = Approach(**(settings | more))
    targets = [parse_target(line) for line in lab.targets()]

    async def main() -> list[Observation]:
        return [seen async for seen in look_at_all(targets, approach, 30)]

    return asyncio.run(main())


def at_the_servers(lab: Lab) -> tuple[Counter[str], Counter[str]]:
    """Connections, and HTTP requests and mail sessions, per address.

    A mail connection that was reset before a word was said is no session.
    """
    connections: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for address, row in lab.tally.record()["addresses"].items():
        connections[address] = sum(row["connections"].values())
        said = row["requests"]
        mail = (n for each, n in row["connections"].items() if each != "https" and said.get(each))
        requests[address] = said.get("https", 0) + sum(mail)
    return connections, requests


def per_network(counts: Counter[str]) -> Counter[str]:
    networks: Counter[str] = Counter()
    for address, count in counts.items():
        networks[network_of(address)] += count
    return networks


@pytest.mark.parametrize("budget", [1, 2, 3, 4, 5, 6])
def test_no_server_gets_more_than_its_budget(budget: int, known: Knowledge) -> None:
    """Neither connections nor requests ever exceed the budget, also when asked twice and when
    a scan is resumed with what it had spent."""
    spent: Counter[tuple[str, int]] = Counter()

    def on_spend(address: str, attempts: int, taken: int) -> None:
        spent[address, 0] += attempts
        spent[address, 1] += taken

    with estate_of(25, known) as lab:
        pace = Pace(PaceRules(budget), on_spend=on_spend, loopback_is_free=False)
        first = ask(lab, pace)
        ask(lab, pace)
        before = {address: Spent(spent[address, 0], spent[address, 1]) for address, _ in spent}
        ask(lab, Pace(PaceRules(budget), spent=before.items(), loopback_is_free=False))
        connections, requests = at_the_servers(lab)

    assert sum(seen.outcome is Outcome.ANSWERED for seen in first) > 10
    assert max(connections.values()) <= budget
    assert max(requests.values()) <= budget
    assert len(connections) == 25 - sum(1 for seen in first if seen.outcome is Outcome.REFUSED)


@pytest.mark.parametrize("budget", [1, 7, 40])
def test_no_network_gets_more_than_its_budget(budget: int, known: Knowledge) -> None:
    """However many servers of one /24 are asked at once, all of them together get no more."""
    rules = PaceRules(5, requests_per_network=budget)
    with estate_of(25, known) as lab:
        seen = ask(lab, Pace(rules, loopback_is_free=False))
        connections, requests = at_the_servers(lab)

    assert len(seen) == 25
    assert max(per_network(connections).values()) <= budget
    assert max(per_network(requests).values(), default=0) <= budget
    assert max(connections.values()) <= 5
    spent = [t for each in seen for t in each.transcripts if t.outcome is Outcome.BUDGET_SPENT]
    assert spent


def test_rates_hold_as_the_servers_see_them(known: Knowledge) -> None:
    """Connections arrive no faster than the rate allows, within one token; those that wait
    for their turn lose none of their own time."""
    rate = 60.0
    moments: list[float] = []
    with estate_of(20, known) as lab:
        counted = lab.tally.connected

        def noted(address: str, service: Any) -> None:  # noqa: ANN401
            moments.append(time.monotonic())
            counted(address, service)

        lab.tally.connected = noted  # type: ignore[method-assign]
        pace = Pace(PaceRules(6, rate_per_network=rate), loopback_is_free=False)
        quick = Limits(connect=1, answer=1, target=1.2)
        seen = ask(lab, pace, limits=quick)
        connections, requests = at_the_servers(lab)

    ordered = sorted(moments)
    for seconds in (0.1, 0.3, 1.0):
        most = max(bisect_right(ordered, at + seconds) - n for n, at in enumerate(ordered))
        assert most <= rate * (seconds + CATCH_UP) + 2
    assert ordered[-1] - ordered[0] >= (len(ordered) - 2) / rate
    assert not any(each.detail == "the target's time is up" for each in seen)
    assert max(connections.values()) <= 6
    assert max(requests.values()) <= 6


def test_who_opted_out_hears_nothing(known: Knowledge) -> None:
    """Opted-out and denied servers see no connection; the others are asked."""
    with estate_of(25, known) as lab:
        addresses = [server.address for server in lab.estate.servers]
        scope = replace(
            lab_scope(),
            networks=("127.1.0.0/25",),
            opt_outs=(addresses[0], "127.1.0.4/30"),
            denied_networks=(addresses[10] + "/32",),
        )
        seen = ask(lab, Pace(PaceRules(4), loopback_is_free=False), scope)
        connections, _ = at_the_servers(lab)

    never = {addresses[0], addresses[10], *(f"127.1.0.{n}" for n in range(4, 8))}
    refused = {each.target.name for each in seen if each.outcome is Outcome.OUT_OF_SCOPE}
    assert refused == never & set(addresses)
    assert not never & set(connections)
    assert len(connections) > 10


def test_nothing_is_asked_after_the_last_day(known: Knowledge) -> None:
    """A scope that ends in the middle of a run ends the asking, within a server too."""
    clock = [datetime(2026, 10, 13, 23, 59, 59, tzinfo=UTC)]
    asked: list[str] = []

    def on_spend(address: str, _attempts: int, _taken: int) -> None:
        asked.append(address)
        if len(asked) == 30:
            clock[0] = datetime(2026, 10, 14, tzinfo=UTC)

    with estate_of(20, known) as lab:
        scope = replace(lab_scope(), valid_until=DAY)
        gate = Gate(lambda: clock[0], scope=scope, strict=True)
        pace = Pace(PaceRules(), on_spend=on_spend, loopback_is_free=False)
        seen = ask(lab, pace, gate=gate)
        connections, requests = at_the_servers(lab)

    assert len(asked) == 30
    assert connections.total() + requests.total() <= 30
    assert len(seen) == 20
    assert sum(each.outcome is Outcome.OUT_OF_SCOPE for each in seen) > 0


def test_the_default_budget_is_enough_for_everything(known: Knowledge) -> None:
    """With connections limited like requests an ordinary check still asks all it wants to."""
    with estate_of(25, known) as lab:
        pace = Pace(PaceRules(), loopback_is_free=False)
        seen = ask(lab, pace, limits=Limits(answer=5, target=20))

    spent = [
        transcript
        for each in seen
        for transcript in each.transcripts
        if transcript.outcome is Outcome.BUDGET_SPENT
    ]
    assert spent == []
