"""`patchstand scan`: many servers, politely, resumable, into a store."""

import argparse
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.command import (
    INTERRUPTED,
    OK,
    USAGE,
    Command,
    add_places,
    add_state,
    as_of,
    now,
    number,
    seconds,
)
from patchstand.cli.elsewhere import add_cluster
from patchstand.cli.output import console, leave_stdout, write_json
from patchstand.cli.stopping import stopping
from patchstand.errors import PatchstandError, StoreError, UsageError

if TYPE_CHECKING:
    from patchstand.cli.stopping import Stop
    from patchstand.model import Conclusion, Knowledge, Record, Target
    from patchstand.store.folder import Folder
    from patchstand.workflow.discovered import Seen
    from patchstand.workflow.scan_run import OnRecord, ScanRun
    from patchstand.workflow.settings import ScanSettings

_LAST = "last"


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="DIR", required=True, help="where to keep it")
    add_state(parser)
    parser.add_argument("--targets", type=Path, metavar="FILE", help="one target a line; - stdin")
    parser.add_argument(
        "--scope", type=Path, action="append", default=[], metavar="FILE", help="who allows what"
    )
    add_places(parser)
    parser.add_argument(
        "--resume", nargs="?", const=_LAST, metavar="SCAN", help="go on with an interrupted scan"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be asked, and ask nobody"
    )
    parser.add_argument(
        "--only-new", action="store_true", help="leave out what the store has observed before"
    )
    parser.add_argument(
        "--limit",
        type=number(1),
        default=1 << 24,
        metavar="N",
        help="refuse more targets than this",
    )
    _configure_asking(parser)
    _configure_elsewhere(parser)


def _configure_asking(parser: argparse.ArgumentParser) -> None:
    asking = parser.add_argument_group("what is asked")
    asking.add_argument("--probes", default="all", help="web, mail, all, or names, with commas")
    asking.add_argument(
        "--requests",
        type=number(1, 200),
        default=16,
        metavar="N",
        help="at most so many in one look",
    )
    asking.add_argument(
        "--nodes",
        type=number(1, 64),
        default=1,
        metavar="N",
        help="connections to find several back ends",
    )
    asking.add_argument(
        "--retries",
        type=number(0, 20),
        default=1,
        metavar="N",
        help="further looks after a timeout",
    )
    asking.add_argument(
        "--concurrency",
        type=number(1, 10_000),
        default=1000,
        metavar="N",
        help="never more at once than this",
    )
    asking.add_argument(
        "--timeout", type=seconds, default=60.0, metavar="SECONDS", help="for one look altogether"
    )
    asking.add_argument("--contact", metavar="ADDRESS", help="who asks; told to every server")
    asking.add_argument("--vantage-point", default=None, metavar="NAME", help="where we look from")
    asking.add_argument("--resolver", metavar="ADDRESS:PORT", help="DNS server to ask for names")
    asking.add_argument(
        "--no-raw", action="store_true", help="keep the evidence, not the whole answers"
    )
    asking.add_argument("--seed", type=int, metavar="S", help="same seed, same order")


def _configure_elsewhere(parser: argparse.ArgumentParser) -> None:
    elsewhere = parser.add_argument_group("who looks (docs/cluster.md)")
    add_cluster(elsewhere)
    elsewhere.add_argument("--queue", metavar="URL", help="a PostgreSQL that workers look at")


def _run(options: argparse.Namespace) -> int:
    from patchstand.store.folder import is_full

    if options.dry_run:
        return _dry_run(options)
    is_new = options.resume is None or _never_began(options)
    try:
        return _begun(options) if is_new else _resumed(options)
    except StoreError as error:
        if not is_full(error):
            raise
        where = str(error).rpartition(";")[0]
        raise StoreError(f"{where}; make room, then go on with --resume") from error


def _never_began(options: argparse.Namespace) -> bool:
    """True when a scan is to be resumed that was stopped before its list was complete.

    Then there is nothing to go on with, and no harm in beginning: nobody was asked yet.
    """
    from patchstand.store.folder import Folder

    if options.resume != _LAST or options.targets is None or not options.store.exists():
        return False
    folder = Folder.open(options.store)
    return not folder.batches() and not folder.files("observations")


def _begun(options: argparse.Namespace) -> int:
    """A new scan: nothing is written before the settings are good."""
    from patchstand.cli.elsewhere import check
    from patchstand.store.database import read_url
    from patchstand.store.folder import Folder
    from patchstand.workflow.discovered import Seen
    from patchstand.workflow.scan import ScanPlan
    from patchstand.workflow.scan_run import abandon, approach, begin

    settings, known, day = _settings(options), _known(options), as_of(options)
    approach(settings, now)
    check(options)
    if options.state:
        read_url(options.state)
    skipped = Seen()
    targets = _targets(options, skipped)
    folder, batch = Folder.open(options.store, now()), _new_batch()
    with folder.alone(batch):
        ready = begin(ScanPlan(folder, batch, known, day), settings, targets, now)
        _tell_skipped(options, skipped)
        try:
            return _carried_out(options, ready)
        except KeyboardInterrupt:
            return _left(options, ready)
        except PatchstandError:
            if not ready.observed:  # by the files; abandon looks at the journal
                abandon(ready)
            raise


def _resumed(options: argparse.Namespace) -> int:
    from patchstand.cli.elsewhere import check
    from patchstand.store.folder import Folder
    from patchstand.workflow.scan import ScanPlan
    from patchstand.workflow.scan_run import resume

    check(options)
    folder = Folder.open(options.store)
    batch = _unfinished(folder, options.resume)
    plan = ScanPlan(folder, batch, _known(options), as_of(options))
    with folder.alone(batch):
        ready = resume(plan, now)
        if ready.settings.state_elsewhere and not options.state:
            raise UsageError(f"{batch} keeps its state in PostgreSQL; give --state as before")
        try:
            return _carried_out(options, ready)
        except KeyboardInterrupt:
            return _left(options, ready)


def _left(options: argparse.Namespace, ready: "ScanRun") -> int:
    """Left at once: what is in the journal is sealed by the next run."""
    from patchstand.report.catalog import catalog

    where = {"scan": ready.plan.batch, "store": str(options.store)}
    print(catalog(options.lang).text("scan.left", **where), file=sys.stderr)
    return INTERRUPTED


def _known(options: argparse.Namespace) -> "Knowledge":
    from patchstand import knowledge

    return knowledge.load(options.knowledge)


def _carried_out(options: argparse.Namespace, ready: "ScanRun") -> int:
    """Look, and write down what came of it; the exit code."""
    from patchstand.model import Outcome
    from patchstand.store.tally import tally
    from patchstand.workflow.register import note_begin, note_end, noted, state_of
    from patchstand.workflow.scan_run import begun_batch, finish

    folder, batch = ready.plan.folder, ready.plan.batch
    with state_of(folder, options.state) as state, noted(state, batch, now):
        note_begin(state, begun_batch(ready))
        complete = _go(options, ready)
        counts = tally(folder, batch)["outcomes"] if complete else None
        note_end(state, folder, batch, now(), counts)
    if complete:
        finish(ready)
    _tell(options, ready, complete=complete)
    if counts is not None and set(counts) == {Outcome.OUT_OF_SCOPE}:
        print("patchstand: nothing permits asking any of the targets (--scope)", file=sys.stderr)
        return USAGE
    return OK if complete else INTERRUPTED


def _go(options: argparse.Namespace, ready: "ScanRun") -> bool:
    """Look until all are done or somebody stops it; True when all are done."""
    from patchstand.cli.progress import rated_progress
    from patchstand.observe.look import run
    from patchstand.workflow.scan_run import go

    left = ready.settings.targets - ready.observed
    with rated_progress(left, quiet=options.quiet) as step, stopping() as stop:
        shown = _shown(ready.plan.batch, stop) if options.json else None

        def on_record(record: "Record", conclusion: "Conclusion") -> None:
            if shown is not None:
                shown(record, conclusion)
            step()

        if options.cluster or options.queue:
            from patchstand.cli.elsewhere import through
            from patchstand.workflow.scan_elsewhere import go_elsewhere

            with through(options, ready) as way:
                return go_elsewhere(ready, on_record, way, stop.is_wanted)
        return run(go(ready, on_record, lambda pool: stop.call(pool.stop)))


def _shown(batch: str, stop: "Stop") -> "OnRecord":
    """Writes each observation as a line; a reader that goes away stops the scan."""
    from patchstand.report.scanned import observation_document

    def show(record: "Record", conclusion: "Conclusion") -> None:
        try:
            write_json(observation_document(record, conclusion, batch), flush=False)
        except BrokenPipeError:
            leave_stdout()
            stop.want()

    return show


def _dry_run(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from patchstand.report.catalog import catalog
    from patchstand.report.scanned import print_preview
    from patchstand.workflow.discovered import Seen
    from patchstand.workflow.preview import preview
    from patchstand.workflow.scan_run import approach

    settings = _settings(options)
    skipped = Seen()
    targets = _targets(options, skipped)
    seen = preview(targets, approach(settings, now), settings.retries)
    _tell_skipped(options, skipped)
    if options.json:
        write_json({"schema": "patchstand/scan-preview/1", **asdict(seen)})
    else:
        print_preview(console(), asdict(seen), catalog(options.lang))
    return OK


def _new_batch() -> str:
    return f"{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def _unfinished(folder: "Folder", asked: str) -> str:
    found = folder.batches()
    if not found:
        raise UsageError(f"{folder.root}: there is no interrupted scan to go on with")
    if asked not in (_LAST, *found):
        raise UsageError(f"{asked}: not among the interrupted scans: {', '.join(found)}")
    return found[-1] if asked == _LAST else asked


def _settings(options: argparse.Namespace) -> "ScanSettings":
    from patchstand.model import HERE
    from patchstand.observe.attribution import told
    from patchstand.workflow.settings import ScanSettings

    return ScanSettings(
        started_at=now(),
        scopes=[str(path.resolve()) for path in options.scope],
        contact=told(options.contact) if options.contact else "",
        probes=options.probes,
        requests=options.requests,
        nodes=options.nodes,
        most=options.concurrency,
        retries=options.retries,
        timeout=options.timeout,
        vantage_point=options.vantage_point or HERE,
        resolver=options.resolver,
        only_new=options.only_new,
        raw=not options.no_raw,
        state_elsewhere=bool(options.state),
        places=[str(path.resolve()) for path in options.places],
        seed=secrets.randbits(32) if options.seed is None else options.seed,
    )


def _tell_skipped(options: argparse.Namespace, seen: "Seen") -> None:
    """Ports and records of a finder that no probe can use are no silent loss."""
    from patchstand.report.catalog import catalog

    if seen.ports_skipped or seen.records_skipped:
        counts = {"ports": seen.ports_skipped, "records": seen.records_skipped}
        print(catalog(options.lang).text("scan.skipped", **counts), file=sys.stderr)


def _targets(options: argparse.Namespace, seen: "Seen") -> Iterator["Target"]:
    from patchstand.workflow.targets import expand

    if options.targets is None:
        raise UsageError("give the targets with --targets FILE, or - for stdin")
    return expand(_lines(options.targets), options.limit, seen)


def _lines(path: Path) -> Iterator[str]:
    try:
        with sys.stdin if str(path) == "-" else path.open(encoding="utf-8-sig") as lines:
            yield from lines
    except UnicodeDecodeError as error:
        raise UsageError(f"--targets {path}: not UTF-8 text ({error.reason})") from error
    except OSError as error:
        raise UsageError(f"--targets {path}: {error.strerror}") from error


def _tell(options: argparse.Namespace, ready: "ScanRun", *, complete: bool) -> None:
    from patchstand.report.catalog import catalog
    from patchstand.report.scanned import counts_document, print_counts
    from patchstand.store.tally import tally

    plan, targets = ready.plan, ready.settings.targets
    counts = tally(plan.folder, plan.batch)
    if options.json:
        write_json(counts_document(plan.batch, targets, counts, finished=complete))
    else:
        print_counts(console(), plan.batch, targets, counts, catalog(options.lang))
    if not complete:
        observed = sum(counts["outcomes"].values())
        where = {"scan": plan.batch, "store": str(options.store)}
        text = catalog(options.lang).text("scan.go_on", n=observed, targets=targets, **where)
        print(text, file=sys.stderr)


COMMAND = Command("scan", "many servers, politely, resumable, into a store", _configure, _run)
