"""`--cluster` and `--queue`: how the batches of a scan reach those who look."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from patchstand.cli.command import now
from patchstand.errors import UsageError

if TYPE_CHECKING:
    from patchstand.workflow.beyond.executor import ClusterTls
    from patchstand.workflow.scan_elsewhere import Through


@contextmanager
def through(options: argparse.Namespace, scan: str) -> Iterator["Through"]:
    """Where batches go and results come from, as the options say it.

    Raises:
        UsageError: both are given, the extra is missing, or nobody answers there.
    """
    from patchstand.workflow.scan_run import BATCHES_AT_ONCE

    if options.cluster and options.queue:
        raise UsageError("give --cluster or --queue, not both")
    if options.queue:
        from patchstand.workflow.beyond.queue import through_queue

        yield partial(through_queue, url=options.queue, scan=scan, at_once=BATCHES_AT_ONCE)
        return
    from patchstand.workflow.beyond.executor import executor, through_executor
    from patchstand.workflow.beyond.remote import Edge

    edge = Edge(now, options.vantage_point, None, options.knowledge)
    with executor(options.cluster, _tls(options)) as pool:
        yield partial(through_executor, pool=pool, edge=edge, at_once=BATCHES_AT_ONCE)


def _tls(options: argparse.Namespace) -> "ClusterTls | None":
    from patchstand.workflow.beyond.executor import ClusterTls

    files = (options.cluster_ca, options.cluster_cert, options.cluster_key)
    if not any(files):
        return None
    if not all(files):
        raise UsageError("--cluster-ca, --cluster-cert and --cluster-key go together")
    return ClusterTls(*files)
