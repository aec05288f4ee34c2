"""scan: very many servers: ask, reduce, conclude, store; resumable at every moment.

The way of the data: targets are spooled to the disk in the order of asking (`prepare`); what
has no observation yet (`waiting`) goes through the pool, becomes a record and a conclusion, and
is stored before anybody hears of it (`scan`). A run that dies is mended by the next (`mend`).
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from zlib import crc32

from patchstand.model import Conclusion, Knowledge, Record, Target
from patchstand.observe.order import apart, network_of, position
from patchstand.observe.pool import Pool
from patchstand.store.folder import Folder
from patchstand.store.places import Places
from patchstand.store.spool import Spooled, is_spooled, pending, spool
from patchstand.store.writer import BatchWriter, recover
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.record import ports_of, record_of, target_name
from patchstand.workflow.targets import parse_target


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """Where a scan writes, and what it judges by."""

    folder: Folder
    batch: str
    known: Knowledge
    as_of: date
    places: Places | None = None


def prepare(plan: ScanPlan, targets: Iterable[Target], seed: int, *, only_new: bool) -> int:
    """Put the targets of a new scan on the disk, each once, in the order of asking; their number.

    `seed` shifts the order; `only_new` leaves out what the store has observed before.

    Raises:
        UsageError: a line is no target.
        StoreError: the disk is full.
    """
    return spool(plan.folder, plan.batch, _positioned(targets, seed), only_new=only_new)


def is_prepared(plan: ScanPlan) -> bool:
    """True when the targets of the scan are complete on the disk."""
    return is_spooled(plan.folder, plan.batch)


def mend(plan: ScanPlan) -> None:
    """Seal what an interrupted run of the scan left in its journal."""
    recover(plan.folder, plan.batch)


def waiting(plan: ScanPlan) -> Iterator[Target]:
    """The targets without an observation, no network twice in a row where that can be."""
    rows = pending(plan.folder, plan.batch)
    for name, ports in apart(rows, lambda row: network_of(row[0])):
        yield parse_target(f"{name} {ports}" if ports else name)


async def scan(
    plan: ScanPlan, targets: Iterator[Target], pool: Pool, writer: BatchWriter
) -> AsyncIterator[tuple[Record, Conclusion]]:
    """Look at targets; yields each record, with what follows from it, once it is stored.

    Raises:
        StoreError: the disk is full; what was yielded is stored.
    """
    concluding = Concluding(plan.known, plan.as_of)
    async for observation in pool.observations(targets):
        record = placed(record_of(observation, plan.known), plan)
        conclusion = concluding.of(record)
        writer.add(record, conclusion)
        yield record, conclusion


def placed(record: Record, plan: ScanPlan) -> Record:
    """The record with its place, where the user has files that tell it."""
    if plan.places is None:
        return record
    name = None if record.target == record.address else record.target
    return replace(record, place=plan.places.of(record.address, name))


def _positioned(targets: Iterable[Target], seed: int) -> Iterator[Spooled]:
    for target in targets:
        name = target_name(target)
        yield position(network_of(name), _member(name), seed), name, ports_of(target)


def _member(name: str) -> int:
    """The number of a target within its network: the last byte of an IPv4 address."""
    last = name.rpartition(".")[2]
    return int(last) if last.isdigit() else crc32(name.encode())
