"""`--cluster`, `--queue` and `--jobs`: who else does the work of a command."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.command import now
from patchstand.errors import UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from patchstand.workflow.beyond.executor import ClusterTls
    from patchstand.workflow.scan_elsewhere import Through
    from patchstand.workflow.scan_run import ScanRun


def add_cluster(parser: "argparse.ArgumentParser | argparse._ArgumentGroup") -> None:
    """The options of commands whose work a Dask cluster can do."""
    parser.add_argument("--cluster", metavar="URL", help="a Dask scheduler, tcp:// or tls://")
    for name, what in (("ca", "authority"), ("cert", "certificate"), ("key", "private key")):
        parser.add_argument(
            f"--cluster-{name}", type=Path, metavar="PEM", help=f"for tls://: the {what}"
        )


def check(options: argparse.Namespace) -> None:
    """Refuse options that do not fit together, before anything begins.

    Raises:
        UsageError: which ones.
    """
    if options.cluster and getattr(options, "queue", None):
        raise UsageError("give --cluster or --queue, not both")
    files = (options.cluster_ca, options.cluster_cert, options.cluster_key)
    if any(files) and not (options.cluster and all(files)):
        raise UsageError(
            "--cluster-ca, --cluster-cert and --cluster-key go together, and with --cluster"
        )


@contextmanager
def through(options: argparse.Namespace, run: "ScanRun") -> Iterator["Through"]:
    """Where batches go and results come from, as the options say it.

    Raises:
        UsageError: nobody answers there.
    """
    from patchstand.workflow.scan_elsewhere import BATCHES_AT_ONCE
    from patchstand.workflow.scan_run import scopes_of

    if options.queue:
        from patchstand.workflow.beyond.queue import through_queue

        yield partial(
            through_queue,
            url=options.queue,
            scan=run.plan.batch,
            at_once=BATCHES_AT_ONCE,
            scopes=scopes_of(run.settings, now),
        )
        return
    from patchstand.workflow.beyond.executor import executor, through_executor
    from patchstand.workflow.beyond.remote import Edge

    edge = Edge(now, run.settings.vantage_point, None, options.knowledge)
    with executor(options.cluster, _tls(options)) as pool:
        yield partial(through_executor, pool=pool, edge=edge, at_once=BATCHES_AT_ONCE)


@contextmanager
def pool(options: argparse.Namespace) -> "Iterator[Executor | None]":
    """Who does the work: a cluster, so many processes (`--jobs`), or None for this process.

    Raises:
        UsageError: nobody answers there.
    """
    check(options)
    if not options.cluster and options.jobs == 1:
        yield None
        return
    from patchstand.workflow.beyond.executor import executor

    with executor(options.cluster, _tls(options), options.jobs) as found:
        yield found


def _tls(options: argparse.Namespace) -> "ClusterTls | None":
    from patchstand.workflow.beyond.executor import ClusterTls

    if not options.cluster_ca:
        return None
    return ClusterTls(options.cluster_ca, options.cluster_cert, options.cluster_key)
