"""One run of a scan: begin it or go on with it, until it is done, stopped or the disk is full."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shutil import rmtree

import msgspec

from patchstand import __version__
from patchstand.errors import UsageError
from patchstand.model import Conclusion, Record, Target
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach
from patchstand.observe.pace import OnSpend, Pace, PaceRules, Spent
from patchstand.observe.pool import Crowd, Pool
from patchstand.observe.probe import select
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate, read_scope
from patchstand.observe.session import Prober
from patchstand.store.folder import sync_folder
from patchstand.store.tally import tally
from patchstand.store.writer import BatchWriter, asked_before
from patchstand.workflow.scan import ScanPlan, is_prepared, mend, prepare, scan, waiting
from patchstand.workflow.settings import ScanSettings, load, save

Clock = Callable[[], datetime]
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
    approach(settings, now)
    try:
        number = prepare(plan, targets, settings.seed)
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
    return ScanRun(plan, settings, now)


async def go(run: ScanRun, on_record: OnRecord, on_pool: Callable[[Pool], None]) -> bool:
    """Run it; True when every target has its observation, False when it was stopped before.

    `on_pool` is handed what can be stopped, and tells how many looks run at once.

    Raises:
        StoreError: the disk is full; go on with `resume` when there is room.
    """
    plan, settings = run.plan, run.settings
    writer = BatchWriter(plan.folder, plan.batch, journaled=True, raw=settings.raw)
    try:
        asked = {at: Spent(*spent) for at, spent in asked_before(plan.folder, plan.batch).items()}
        pool = Pool(
            approach(settings, run.now, asked, writer.spend),
            Crowd(settings.most, settings.retries),
        )
        on_pool(pool)
        async for record, conclusion in scan(plan, waiting(plan), pool, writer):
            on_record(record, conclusion)
        writer.seal()
    finally:
        writer.close()
    return not pool.is_stopped


def finish(run: ScanRun) -> None:
    """Put away what only a scan under way needs.

    Raises:
        StoreError: the folder is not writable.
    """
    place = run.plan.folder.scan(run.plan.batch)
    rmtree(place, ignore_errors=True)
    sync_folder(place.parent)


def approach(
    settings: ScanSettings,
    now: Clock,
    asked: Mapping[str, Spent] | None = None,
    on_spend: OnSpend | None = None,
) -> Approach:
    """How the targets of a scan are looked at, by its settings and its scope as of today.

    Raises:
        UsageError: a scope file is wrong or has expired, or another setting is wrong.
    """
    scopes = [read_scope(Path(path), now().date()) for path in settings.scopes]
    pace = Pace(PaceRules(), spent=asked, on_spend=on_spend, loopback_is_free=not scopes)
    return Approach(
        gate=Gate(now, scope=scopes[0] if scopes else None),
        resolver=Resolver(settings.resolver),
        prober=Prober(__version__, settings.contact, vantage_point=settings.vantage_point),
        now=now,
        probes=select(settings.probes.split(",")),
        requests=settings.requests,
        nodes=settings.nodes,
        limits=Limits(target=settings.timeout),
        pace=pace,
    )
