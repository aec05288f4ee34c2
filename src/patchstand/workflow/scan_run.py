"""One run of a scan: begin it or go on with it, until it is done, stopped or the disk is full."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from shutil import rmtree

import msgspec

from patchstand import __version__
from patchstand.errors import UsageError
from patchstand.model import Conclusion, Record, Scope, Target
from patchstand.observe.attribution import told
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach
from patchstand.observe.pace import OnSpend, Pace, Spent
from patchstand.observe.pool import Crowd, Pool
from patchstand.observe.probe import select
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate, pace_rules, read_scopes
from patchstand.observe.session import Prober
from patchstand.store.batches import Batch, BatchKind
from patchstand.store.folder import SETTINGS, sync_folder
from patchstand.store.places import Places
from patchstand.store.segment import remove
from patchstand.store.tally import tally
from patchstand.store.writer import BatchWriter, asked_before
from patchstand.workflow.scan import ScanPlan, is_prepared, mend, prepare, scan, waiting
from patchstand.workflow.settings import ScanSettings, load, save

Clock = Callable[[], datetime]
THIS_MACHINE = "this-machine"
"""The contact told to servers of this machine where nobody named one."""
OnRecord = Callable[[Record, Conclusion], None]


@dataclass(frozen=True, slots=True)
class ScanRun:
    """A scan that is ready to run: its plan, its settings, and the clock."""

    plan: ScanPlan
    settings: ScanSettings
    now: Clock

    @property
    def observed(self) -> int:
        """How many targets have an observation by now."""
        return sum(tally(self.plan.folder, self.plan.batch)["outcomes"].values())


def begin(plan: ScanPlan, settings: ScanSettings, targets: Iterable[Target], now: Clock) -> ScanRun:
    """Put a new scan on the disk; nobody is asked yet.

    Raises:
        UsageError: a setting or a target is wrong; nothing is left behind.
        StoreError: the disk is full.
    """
    try:
        plan = _with_places(plan, settings)
        number = prepare(plan, targets, settings.seed, only_new=settings.only_new)
        _refuse_empty(number, settings)
        settings = msgspec.structs.replace(settings, targets=number)
        save(plan.folder, plan.batch, settings)
    except BaseException:
        rmtree(plan.folder.scan(plan.batch), ignore_errors=True)
        raise
    return ScanRun(plan, settings, now)


def resume(plan: ScanPlan, now: Clock) -> ScanRun:
    """Go on with an interrupted scan: seal what its journal holds.

    Raises:
        UsageError: there is no such scan, or it was interrupted before its list was complete.
        StoreError: the disk is full.
    """
    settings = load(plan.folder, plan.batch)
    if not is_prepared(plan):
        raise UsageError(f"{plan.batch} was stopped before it began; start a new scan")
    mend(plan)
    return ScanRun(_with_places(plan, settings), settings, now)


def _refuse_empty(number: int, settings: ScanSettings) -> None:
    """An empty list is a broken pipeline; with only_new it may mean that all is known."""
    if not number and not settings.only_new:
        raise UsageError("the list names no target; nothing was begun")


def _with_places(plan: ScanPlan, settings: ScanSettings) -> ScanPlan:
    files = [Path(path) for path in settings.places]
    return replace(plan, places=Places.load(files)) if files else plan


def begun_batch(run: ScanRun) -> Batch:
    """The scan as the register of the store has it."""
    scopes = scopes_of(run.settings, run.now)
    return Batch(
        id=run.plan.batch,
        kind=BatchKind.SCAN,
        started_at=run.settings.started_at,
        scope=msgspec.json.encode(scopes).decode(),
        options=msgspec.json.encode(run.settings).decode(),
        targets=run.settings.targets,
        knowledge=run.plan.known.version,
    )


async def go(run: ScanRun, on_record: OnRecord, on_pool: Callable[[Pool], None]) -> bool:
    """Look from this process; True when every target has its observation, False when stopped.

    `on_pool` is handed what can be stopped.

    Raises:
        StoreError: the disk is full; go on with `resume` when there is room.
    """
    plan, settings = run.plan, run.settings
    with writing(run) as writer:
        asked = ((at, Spent(*each)) for at, each in asked_before(plan.folder, plan.batch))
        looking = approach(settings, run.now, asked, writer.spend)
        pool = Pool(looking, Crowd(settings.most, settings.retries))
        on_pool(pool)
        async for record, conclusion in scan(plan, waiting(plan), pool, writer):
            on_record(record, conclusion)
    return not pool.is_stopped


@contextlib.contextmanager
def writing(run: ScanRun) -> Iterator[BatchWriter]:
    """The writer of a run: sealed at its end, let go of whatever happens."""
    plan = run.plan
    writer = BatchWriter(plan.folder, plan.batch, journaled=True, raw=run.settings.raw)
    try:
        yield writer
        writer.seal()
    finally:
        writer.close()


def finish(run: ScanRun) -> None:
    """Put away what only a scan under way needs, first that by which it can be resumed.

    Raises:
        StoreError: the folder is not writable.
    """
    place = run.plan.folder.scan(run.plan.batch)
    remove(place / SETTINGS)
    sync_folder(place)
    rmtree(place, ignore_errors=True)
    sync_folder(place.parent)


def abandon(run: ScanRun) -> None:
    """Take a new scan back that could not begin; one that has asked anybody stays."""
    place = run.plan.folder.scan(run.plan.batch)
    if not any(place.glob("journal-*")) and not any(place.glob("spent-*")):
        rmtree(place, ignore_errors=True)


def approach(
    settings: ScanSettings,
    now: Clock,
    asked: Iterable[tuple[str, Spent]] = (),
    on_spend: OnSpend | None = None,
) -> Approach:
    """How the targets of a scan are looked at, by its settings and its scope as of today.

    Raises:
        UsageError: a scope file is wrong or has expired, or another setting is wrong.
    """
    scopes = scopes_of(settings, now)
    rules = pace_rules(scopes)
    most = min(settings.requests, rules.requests_per_server)
    pace = Pace(rules, spent=asked, on_spend=on_spend, loopback_is_free=not scopes)
    contact = settings.contact or next((told(scope.contact) for scope in scopes), THIS_MACHINE)
    return Approach(
        gate=Gate(now, scope=scopes, strict=bool(scopes)),
        resolver=Resolver(settings.resolver),
        prober=Prober(__version__, contact, vantage_point=settings.vantage_point),
        now=now,
        probes=select(settings.probes.split(",")),
        requests=most,
        nodes=settings.nodes,
        limits=Limits(target=settings.timeout),
        pace=pace,
    )


def scopes_of(settings: ScanSettings, now: Clock) -> tuple[Scope, ...]:
    """The scopes of a scan as their files read today.

    Raises:
        UsageError: one of them is wrong or not valid today.
    """
    return read_scopes([Path(path) for path in settings.scopes], now().date())
