"""What is kept of a look says what the whole look said."""

import asyncio
from datetime import UTC, date, datetime
from random import Random

import pytest

from patchstand.identify import identify
from patchstand.lab import estate, lab_in_thread
from patchstand.lab import population as named_population
from patchstand.model import Identity, Knowledge, Observation, Target
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach, look_at_all
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.evidence import evidence_of
from patchstand.workflow.lab import lab_scope
from patchstand.workflow.record import ports_of, record_of
from patchstand.workflow.targets import parse_target

DAY = date(2026, 10, 13)


def now() -> datetime:
    return datetime(2026, 10, 13, 12, tzinfo=UTC)


def observations(known: Knowledge, population: str, servers: int) -> list[Observation]:
    """One look, with every probe, at each server of an estate."""
    made = estate(servers, known.updates, named_population(population), Random(11), DAY)
    approach = Approach(
        gate=Gate(now, scope=lab_scope()),
        resolver=Resolver(),
        prober=Prober("0", "lab@lab.invalid"),
        now=now,
        nodes=4,
        limits=Limits(connect=2, answer=2, target=10),
    )
    with lab_in_thread(made) as lab:
        targets = [parse_target(line) for line in lab.targets()]

        async def main() -> list[Observation]:
            return [seen async for seen in look_at_all(targets, approach, 40)]

        return asyncio.run(main())


def conclusion(found: Identity) -> tuple[object, ...]:
    """What an identity says, apart from the wording of its evidence."""
    return (
        found.is_exchange,
        found.lines,
        found.builds,
        found.or_later,
        found.precision,
        found.reason,
        found.fronts,
        sorted(clue.rule for clue in found.evidence),
        sorted(conflict.rule for conflict in found.conflicts),
    )


@pytest.mark.parametrize(("population", "servers"), [("default", 150), ("hostile", 40)])
def test_a_record_says_what_the_answers_said(
    known: Knowledge, population: str, servers: int
) -> None:
    """Over estates of all kinds the kept evidence gives the identity of the whole answers."""
    looks = observations(known, population, servers)

    assert len(looks) == servers
    for seen in looks:
        whole = identify(evidence_of(seen), known, DAY)
        kept = identify(record_of(seen, known).evidence, known, DAY)
        said = sorted(map(repr, map(conclusion, whole.nodes)))
        assert sorted(map(repr, map(conclusion, kept.nodes))) == said, seen.target


def test_kept_evidence_does_not_name_the_server(known: Knowledge) -> None:
    """No address of the estate is in the evidence; the same evidence is judged once."""
    looks = observations(known, "clean", 120)
    records = [record_of(seen, known) for seen in looks]
    concluding = Concluding(known, DAY)

    for record in records:
        assert not any(record.target in item.text for item in record.evidence)
    assert all(concluding.of(record) is concluding.of(record) for record in records)
    assert len({record.nodes for record in records}) > 1


def test_ports_are_told_where_they_are_not_the_usual() -> None:
    """The usual services are no text; others are named, in the order of the target's fields."""
    assert ports_of(Target("192.0.2.1")) == ""
    assert ports_of(parse_target("192.0.2.1 smtp=2525 https=8443")) == "https=8443 smtp=2525"
    assert parse_target(f"192.0.2.1 {ports_of(Target('a', 8443, None, None, 1100))}") == Target(
        "192.0.2.1", 8443, None, None, 1100
    )
