"""The Dask side of `executor`: the connection, and the ledger kept on the scheduler.

Dask runs the task of a killed worker again on another; the coordinator does not see it. The
ledger of attempts therefore lies on the scheduler, whose loop is one thread, so that entries
are made one after the other. It is keyed by the task, and forgotten with it.

Imports `distributed` (the extra `cluster`): imported only where a cluster is in play.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from distributed import Client, Security, get_worker
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.utils import sync

from patchstand.errors import StoreError, UsageError
from patchstand.workflow.beyond.executor import ClusterTls
from patchstand.workflow.beyond.remote import Begun

CONNECT_SECONDS = 10
CLOSE_SECONDS = 5
_NAME = "patchstand-ledger"


@contextmanager
def connected(url: str, tls: ClusterTls | None) -> Iterator[Executor]:
    """An executor on the cluster of a scheduler; the connection is closed at the end.

    Raises:
        UsageError: nobody answers within `CONNECT_SECONDS`, or there is no worker.
    """
    client = _client(url, tls)
    try:
        if not client.scheduler_info(n_workers=-1)["workers"]:
            raise UsageError(f"--cluster {url}: no worker there; start one: dask worker {url}")
        client.register_plugin(LedgerPlugin(), name=_NAME)
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=CLOSE_SECONDS)


def _client(url: str, tls: ClusterTls | None) -> Any:  # noqa: ANN401  # distributed has no types
    try:
        return Client(  # type: ignore[no-untyped-call]
            url,
            timeout=CONNECT_SECONDS,
            security=_security(tls),
            set_as_default=False,
            name="patchstand",
        )
    except (OSError, TimeoutError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"--cluster {url}: no scheduler answers there ({reason})") from error


def _security(tls: ClusterTls | None) -> Any:  # noqa: ANN401  # distributed has no types
    if tls is None:
        return None
    for path in (tls.authority, tls.certificate, tls.key):
        if not path.is_file():
            raise UsageError(f"--cluster: there is no file {path}")
    return Security(  # type: ignore[no-untyped-call]
        require_encryption=True,
        tls_ca_file=str(tls.authority),
        tls_client_cert=str(tls.certificate),
        tls_client_key=str(tls.key),
    )


class LedgerPlugin(SchedulerPlugin):
    """Counts, on the scheduler, the attempts at each task and the lots they began."""

    idempotent = True

    def __init__(self) -> None:
        self._attempts: Counter[str] = Counter()
        self._lots: dict[str, Counter[int]] = {}

    async def start(self, scheduler: Any) -> None:  # noqa: ANN401  # distributed has no types
        """Let workers call."""
        scheduler.handlers["patchstand_open"] = self.open
        scheduler.handlers["patchstand_begin"] = self.begin

    async def open(self, task: str) -> tuple[int, list[tuple[int, int]]]:
        """Begin an attempt at a task; its number, and how often each lot was begun before."""
        self._attempts[task] += 1
        lots = self._lots.setdefault(task, Counter())
        return self._attempts[task], sorted(lots.items())

    async def begin(self, task: str, attempt: int, lot: int) -> bool:
        """Enter that a lot is begun; False when there is a newer attempt, or nobody waits."""
        if self._attempts[task] != attempt:
            return False
        self._lots[task][lot] += 1
        return True

    def transition(  # the arguments are those of the plugin interface
        self,
        key: Any,  # noqa: ANN401  # of the plugin interface, as all here
        start: str,  # noqa: ARG002
        finish: str,
        *args: Any,  # noqa: ANN401, ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        """Forget what the scheduler forgets."""
        if finish == "forgotten":
            self._attempts.pop(str(key), None)
            self._lots.pop(str(key), None)


def ledger_here() -> "SchedulersLedger | None":
    """The ledger of the task that runs in this thread; None when it is no task of Dask."""
    try:
        worker = get_worker()
    except ValueError:
        return None
    return SchedulersLedger(worker, str(worker.get_current_task()))


class SchedulersLedger:
    """The ledger of one task, asked through its worker."""

    def __init__(self, worker: Any, task: str) -> None:  # noqa: ANN401  # distributed has no types
        self._worker = worker
        self._task = task
        self._attempt = 0

    def open(self) -> Begun:
        """Begin an attempt."""
        self._attempt, lots = self._ask(self._worker.scheduler.patchstand_open)
        return Begun(self._attempt, dict(lots))

    def begin(self, lot: int, *, patiently: bool) -> bool:  # noqa: ARG002  # without it we are lost
        """Enter a lot.

        Raises:
            StoreError: another worker has begun the batch anew, or nobody waits for it.
        """
        asking = self._worker.scheduler.patchstand_begin
        if not self._ask(asking, attempt=self._attempt, lot=lot):
            raise StoreError("this batch has been given to another worker")
        return True

    def _ask(self, question: Any, **arguments: Any) -> Any:  # noqa: ANN401
        try:
            return sync(self._worker.loop, question, task=self._task, **arguments)
        except OSError as error:
            raise StoreError(f"the scheduler does not answer: {error}") from error
