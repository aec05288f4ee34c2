"""Random servers over some months, as looks of scans and reports, and a store that holds them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from patchstand.model import Evidence, EvidenceKind, Knowledge, Outcome, Place, Record, Source
from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter
from patchstand.workflow.conclude import Concluding

FIRST = datetime(2023, 11, 3, tzinfo=UTC)
STATES = ("DE-BY", "DE-NW", "DE-HB", None)
SECTORS = ("health", "school", None)


@dataclass(frozen=True)
class World:
    """Where a server stands, and what it shows from which day on."""

    records: list[Record]
    root: Path


def world(
    root: Path,
    known: Knowledge,
    servers: int,
    seed: int,
    days: int = 200,
    *,
    twice: float = 0.0,
) -> World:
    """Write a store of random servers; several batches, names and addresses, failures, gaps.

    `twice`: the share of looks of whose moment another look says something else.
    """
    random = Random(seed)
    records = [
        record for number in range(servers) for record in _looks(number, random, known, days)
    ]
    records += [
        replace(record, evidence=random.choice(records).evidence)
        for record in random.sample(records, int(twice * len(records)))
    ]
    random.shuffle(records)
    folder = Folder.open(root, FIRST)
    concluding = Concluding(known, FIRST.date())
    some = max(1, len(records) // 4)
    for batch in range(0, len(records), some):
        writer = BatchWriter(folder, f"batch{batch:08}", journaled=False, segment_rows=997)
        for record in records[batch : batch + some]:
            writer.add(record, concluding.of(record))
        writer.seal()
    return World(records, root)


def _looks(number: int, random: Random, known: Knowledge, days: int) -> list[Record]:
    """Every few days a look; now and then a failure, a silence, another product, an update."""
    line = random.choice([row.line for row in known.updates if row.build.parts[0] >= 14])
    rows = [row for row in known.of_line(line) if row.released < FIRST.date()] or list(
        known.of_line(line)
    )
    at = random.randrange(len(rows))
    every = random.choice((1, 3, 7, 10, 13))
    day = random.randrange(days // 2) if random.random() < 0.3 else random.randrange(8)
    place = Place("DE", random.choice(STATES), random.choice((64500, 64501, None)),
                  random.choice(SECTORS))  # fmt: skip
    address = f"240.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    name = f"mail{number}.example.org" if random.random() < 0.3 else address
    ports = random.choice(("", "https=443", "https=8443"))
    precise = random.random()
    found = []
    while day < days:
        moment = FIRST + timedelta(days=day, seconds=random.randrange(86_400))
        if random.random() < 0.04 and at + 1 < len(rows):
            at = random.randrange(at + 1, len(rows))
        found.append(
            Record(
                target=name,
                ports=ports,
                address=address,
                observed_at=moment,
                outcome=Outcome.ANSWERED,
                evidence=_shown(str(rows[at].build), precise, random),
                source=random.choice((Source.SCAN, Source.SCAN, Source.MAIL, Source.SHADOWSERVER)),
                place=place,
            )
        )
        day += random.choice((1, every, every, 17, 40)) if random.random() < 0.1 else every
    return found


def _shown(build: str, precise: float, random: Random) -> tuple[Evidence, ...]:
    chance = random.random()
    if chance < 0.03:
        return ()  # the look failed
    if chance < 0.05:
        return (Evidence(EvidenceKind.IMAP, "* OK Dovecot ready."),)
    if precise < 0.7:
        return (Evidence(EvidenceKind.BUILD, build),)
    if precise < 0.9:
        return (Evidence(EvidenceKind.BUILD, build.rpartition(".")[0]),)
    return (Evidence(EvidenceKind.BUILD, "Microsoft Exchange"),)


def days_of(count: int, random: Random, span: int = 200) -> list[date]:
    """Days to ask for, from before the first look to after the last."""
    return [FIRST.date() + timedelta(days=random.randrange(span + 20)) for _ in range(count)]
