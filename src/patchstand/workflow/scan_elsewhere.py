"""A run of a scan whose looks are made by others: processes, a Dask cluster, queue workers.

What the batches under way may ask is written down before they go out, and set right when their
results are back: a coordinator that dies in between takes the most for asked.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from patchstand.model import Conclusion, Record, Scope, Target
from patchstand.observe.look import Approach
from patchstand.observe.pace import Spent
from patchstand.store.spool import observed
from patchstand.store.writer import BatchWriter, asked_before
from patchstand.workflow.beyond.batches import LookBatch, LookResult, LookSettings, at_most
from patchstand.workflow.beyond.grouping import Plan, batches_of
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.scan import ScanPlan, placed, waiting
from patchstand.workflow.scan_run import OnRecord, ScanRun, approach, scopes_of, writing
from patchstand.workflow.settings import ScanSettings

BATCHES_AT_ONCE = 8
"""Batches with workers or in the queue; at most 512 targets each."""
Through = Callable[[Iterable[LookBatch | None]], Iterator[LookResult]]
"""Batches in, results out: `through_executor` or `through_queue` with their addresses."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """How the batches travel, what permits them, and how many are at work at once."""

    through: Through
    scopes: tuple[Scope, ...]
    at_once: int
    stopped: Callable[[], bool]


def go_elsewhere(
    run: ScanRun, on_record: OnRecord, through: Through, stopped: Callable[[], bool]
) -> bool:
    """Have others look; as `scan_run.go`, but not inside an event loop.

    Raises:
        StoreError: the workers are lost, or the disk is full.
    """
    scopes = scopes_of(run.settings, run.now)
    looking = approach(run.settings, run.now)
    elsewhere = Elsewhere(through, scopes, BATCHES_AT_ONCE, stopped)
    with writing(run) as writer:
        for record, conclusion in scan_elsewhere(
            run.plan, run.settings, looking, elsewhere, writer
        ):
            on_record(record, conclusion)
    return not stopped()


def scan_elsewhere(
    plan: ScanPlan,
    settings: ScanSettings,
    looking: Approach,
    elsewhere: Elsewhere,
    writer: BatchWriter,
) -> Iterator[tuple[Record, Conclusion]]:
    """Have the waiting targets looked at by others; yields each record once it is stored.

    Raises:
        StoreError: the workers are lost or the disk is full; what was yielded is stored.
    """
    concluding = Concluding(plan.known, plan.as_of)
    books = _Books(writer)
    seen = set(observed(plan.folder, plan.batch))
    cut = Plan(
        scan=plan.batch,
        scopes=elsewhere.scopes,
        settings=look_settings(settings, looking, plan.known.version),
        spent=_spent(plan),
        returned=books.returned,
        at_once=elsewhere.at_once,
    )

    def targets() -> Iterator[Target]:
        writer.seal()  # results that an earlier run left are stored by now
        for target in waiting(plan):
            if elsewhere.stopped():
                return
            yield target

    batches = batches_of(targets(), looking.resolver, looking.gate, cut)
    for result in elsewhere.through(books.going_out(batches)):
        for answer in result.records:
            if (answer.target, answer.ports) not in seen:
                record = placed(answer, plan)
                conclusion = concluding.of(record)
                writer.add(record, conclusion)
                yield record, conclusion
        books.come_back(result)


def _spent(plan: ScanPlan) -> dict[str, Spent]:
    """What earlier runs asked, and what the batches they had sent out may have."""
    total: dict[str, Spent] = {}
    for address, (attempts, taken) in asked_before(plan.folder, plan.batch):
        before = total.get(address, Spent(0, 0))
        total[address] = Spent(before.attempts + attempts, before.taken + taken)
    return total


def look_settings(settings: ScanSettings, approach: Approach, knowledge: str) -> LookSettings:
    """The settings of a scan as its workers get them."""
    return LookSettings(
        probes=tuple(probe.name for probe in approach.probes),
        knowledge=knowledge,
        version=approach.prober.version,
        contact=approach.prober.contact,
        ehlo_name=approach.prober.ehlo_name,
        nodes=approach.nodes,
        requests=settings.requests,
        rules=approach.pace.rules,
        loopback_is_free=not settings.scopes,
        resolver_is_loopback=approach.resolver.is_loopback,
        limits=approach.limits,
        concurrency=settings.most,
        retries=settings.retries,
        raw=settings.raw,
    )


class _Going(NamedTuple):
    """What a batch may spend, by address, beyond what was spent before it."""

    most: Mapping[str, Spent]
    before: Mapping[str, Spent]


class _Books:
    """Writes down what batches may spend, and what they did."""

    def __init__(self, writer: BatchWriter) -> None:
        self._writer = writer
        self._out: dict[int, _Going] = {}
        self.returned: dict[int, dict[str, Spent]] = {}

    def going_out(self, batches: Iterable[LookBatch | None]) -> Iterator[LookBatch | None]:
        """The same batches, each written down before it goes."""
        begins = False
        for batch in batches:
            if batch is None:
                begins = True
                yield None
                continue
            if begins:  # what came back of the window before has been charged by now
                begins = False
                self.returned.clear()
            going = self._out[batch.number] = _Going(at_most(batch), batch.spent)
            for address, most in going.most.items():
                before = going.before.get(address, Spent(0, 0))
                self._note(address, before, most)
            yield batch

    def come_back(self, result: LookResult) -> None:
        """Set right what was written down; a result of an earlier run's batch stays at most."""
        self.returned[result.number] = result.spent
        going = self._out.pop(result.number, None)
        for address, most in going.most.items() if going else ():
            self._note(address, most, result.spent.get(address, Spent(0, 0)))

    def _note(self, address: str, old: Spent, new: Spent) -> None:
        if old != new:
            self._writer.spend(address, new.attempts - old.attempts, new.taken - old.taken)
