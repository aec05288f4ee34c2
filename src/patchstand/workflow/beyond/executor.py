"""Local processes or a Dask cluster: `executor(url)` is the only switch (docs/cluster.md)."""

import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import current_thread, main_thread
from typing import ParamSpec, TypeVar

from patchstand.errors import PatchstandError, StoreError, UsageError
from patchstand.workflow.beyond.batches import LookBatch, LookResult, decode_result, encode
from patchstand.workflow.beyond.remote import Edge, Ledger, look_batch

P = ParamSpec("P")
T = TypeVar("T")
SCHEMES = ("tcp://", "tls://")


@dataclass(frozen=True, slots=True)
class ClusterTls:
    """PEM files for `tls://`: the authority both sides trust, our certificate and its key."""

    authority: Path
    certificate: Path
    key: Path


@contextmanager
def executor(
    url: str | None, tls: ClusterTls | None = None, processes: int | None = None
) -> Iterator[Executor]:
    """Where work is mapped to: so many processes of this machine, or a Dask scheduler.

    What is submitted must be importable on the workers. The executor and its connection are
    closed at the end; after an error work that has not begun is dropped.

    Raises:
        UsageError: the extra `cluster` is missing, the address is none, or nobody answers
            there within ten seconds.
    """
    with _cluster(url, tls) if url else _processes(processes) as pool:
        yield pool


def through_executor(
    batches: Iterable[LookBatch | None], pool: Executor, edge: Edge, at_once: int
) -> Generator[LookResult, None, None]:
    """Have batches looked at, `at_once` at most at work; yields results as they come.

    None among the batches: all of the earlier are waited for. `edge.now` must be
    importable on the workers, as all of `edge` goes there.

    Raises:
        StoreError: a local process or the whole cluster was lost; what was yielded is good.
        PatchstandError: as `look_batch` on a worker.
    """
    working: dict[Future[bytes], LookBatch] = {}
    try:
        for batch in batches:
            while len(working) >= (at_once if batch is not None else 1):
                yield from _finished(working)
            if batch is None:
                continue
            working[pool.submit(look_in_pool, encode(batch), edge)] = batch
        while working:
            yield from _finished(working)
    finally:
        for future in working:
            future.cancel()


def look_in_pool(payload: bytes, edge: Edge) -> bytes:
    """Look at one batch in whatever process this is; on a Dask worker with the ledger there."""
    return look_batch(payload, edge, _ledger())


def _finished(working: dict[Future[bytes], LookBatch]) -> Iterator[LookResult]:
    done, _ = wait(working, return_when=FIRST_COMPLETED)
    for future in done:
        batch = working.pop(future)
        yield decode_result(_payload(future, batch), batch)


def _payload(future: "Future[bytes]", batch: LookBatch) -> bytes:
    try:
        return future.result()
    except PatchstandError:
        raise
    except (BrokenExecutor, CancelledError) as error:
        raise StoreError("the workers are lost; start them again, and resume") from error
    except Exception as error:
        raise StoreError(
            f"batch {batch.number} failed on its worker ({type(error).__name__}: {error});"
            " look into the worker's log, and resume"
        ) from error


class _Undisturbed(ProcessPoolExecutor):
    """Processes that Ctrl-C does not reach: whoever gave them work decides what becomes of it.

    A terminal sends it to all of them, and each would print a traceback of its own.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have work done, by a new process where all are busy."""
        with _held_back():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _held_back() -> Iterator[None]:
    """Hold Ctrl-C back until the end; processes that begin meanwhile never see it.

    They inherit what this thread blocks. Another thread may still be given the signal, and
    Python then interrupts the main one: a handler of ours only notes it.
    """
    if not hasattr(signal, "pthread_sigmask") or current_thread() is not main_thread():
        yield  # Windows, or a thread that Python never interrupts
        return
    came: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler or signal.default_int_handler)
        if came:
            signal.raise_signal(signal.SIGINT)


@contextmanager
def _processes(count: int | None) -> Iterator[Executor]:
    """Spawned, not forked: the threads and connections of this process stay here."""
    pool = _Undisturbed(count, mp_context=get_context("spawn"))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _cluster(url: str, tls: ClusterTls | None) -> AbstractContextManager[Executor]:
    if not url.startswith(SCHEMES):
        raise UsageError(f"--cluster {url}: give tcp://ADDRESS:PORT or tls://ADDRESS:PORT")
    if url.startswith("tls://") and tls is None:
        raise UsageError(f"--cluster {url} needs --cluster-ca, --cluster-cert and --cluster-key")
    try:
        from patchstand.workflow.beyond import cluster  # noqa: PLC0415  the extra `cluster`
    except ImportError as error:
        raise UsageError(
            "--cluster needs the extra `cluster`: pip install patchstand[cluster]"
        ) from error
    return cluster.connected(url, tls)


def _ledger() -> Ledger | None:
    """That of the Dask scheduler, when this is a task of one of its workers."""
    import sys  # noqa: PLC0415

    if "distributed" not in sys.modules:
        return None  # no task of Dask, then
    from patchstand.workflow.beyond.cluster import ledger_here  # noqa: PLC0415

    return ledger_here()
