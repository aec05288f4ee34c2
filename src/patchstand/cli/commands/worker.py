"""`patchstand worker --queue URL`: look at batches of other people's scans."""

import argparse
import os
import sys
from pathlib import Path

from patchstand.cli.command import OK, Command, now
from patchstand.errors import UsageError

_MOST_AT_ONCE = 64


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--queue",
        metavar="URL",
        default=os.environ.get("PATCHSTAND_QUEUE"),
        help="postgresql://USER@ADDRESS/DATABASE (default: $PATCHSTAND_QUEUE)",
    )
    parser.add_argument(
        "--concurrency", type=int, default=1, metavar="N", help="batches at once (1)"
    )
    parser.add_argument("--vantage-point", metavar="NAME", help="where this worker looks from")
    parser.add_argument(
        "--scope", type=Path, metavar="FILE", help="look only where this scope permits it too"
    )
    parser.add_argument("--once", action="store_true", help="end when the queue is empty")


def _run(options: argparse.Namespace) -> int:
    from patchstand.observe.scope_file import read_scope
    from patchstand.workflow.beyond.remote import Edge

    if not options.queue:
        raise UsageError("give --queue postgresql://USER@ADDRESS/DATABASE")
    if not 0 < options.concurrency <= _MOST_AT_ONCE:
        raise UsageError(f"--concurrency must lie between 1 and {_MOST_AT_ONCE}")
    from patchstand.workflow.beyond.worker import WorkerOptions, run_worker

    scope = read_scope(options.scope, now().date()) if options.scope else None
    edge = Edge(now, options.vantage_point, scope, options.knowledge)
    run_worker(
        WorkerOptions(
            url=options.queue,
            edge=edge,
            concurrency=options.concurrency,
            once=options.once,
            tell=(lambda _: None) if options.quiet else _tell,
        )
    )
    return OK


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


COMMAND = Command("worker", "looks at batches from a queue, for scans elsewhere", _configure, _run)
