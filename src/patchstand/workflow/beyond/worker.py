"""Batches through PostgreSQL, the worker's side (docs/cluster.md).

procrastinate gives each batch to one worker and keeps a heartbeat of each. Workers look after
each other: whose heartbeat has stopped, its batches go back into the queue. A database that
restarts is waited for, so that nobody takes a worker for dead because of that.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, LiteralString, TypeVar

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.connector import Notify
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker
from psycopg import Connection

from patchstand.errors import PatchstandError, StoreError, UsageError
from patchstand.workflow.beyond.database import (
    CHANNEL,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    LOST,
    PATIENCE_SECONDS,
    QUEUE,
    TASK,
    Database,
    Key,
    Row,
    TablesLedger,
    make_tables,
    plain_url,
)
from patchstand.workflow.beyond.remote import Edge, look_batch

HEARTBEAT_SECONDS = 3.0
STALLED_SECONDS = 12.0
"""Without heartbeat for so long, and still so at the next look, a worker is dead."""
RESCUE_SECONDS = 4.0
"""Between looks for batches of dead workers."""
FORGET_SECONDS = 86_400.0
"""Rows of workers older than this are deleted by the next that starts."""
CONNECTIONS_BESIDES = 4

Answer = TypeVar("Answer")
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works: so many batches at once; `once` ends it when the queue is empty.

    `tell` takes lines for the operator.
    """

    url: str
    edge: Edge
    concurrency: int = 1
    once: bool = False
    tell: Tell = field(default=lambda _: None)


def run_worker(options: WorkerOptions) -> None:
    """Take batches from the queue until SIGINT or SIGTERM; those under way are finished first.

    Raises:
        UsageError: the database cannot be reached at the start.
        StoreError: it stays away for too long.
    """
    for name in ("procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told in one line
    with Database(options.url) as database:
        database.run(make_tables)
    options = replace(options, edge=_for_each(options.edge, options.concurrency))
    with asyncio.Runner() as runner:
        runner.run(_work(options))


def _for_each(edge: Edge, batches: int) -> Edge:
    """The worker's own rates are those of all its batches together."""
    own = edge.scope
    if own is None or (own.rate is None and own.rate_per_network is None):
        return edge
    rates = {
        name: rate / batches
        for name in ("rate", "rate_per_network")
        if (rate := getattr(own, name)) is not None
    }
    return replace(edge, scope=replace(own, **rates))


async def _work(options: WorkerOptions) -> None:
    app = App(connector=_connector(options))
    running: set[int] = set()
    worker = Worker(
        app,
        queues=[QUEUE],
        concurrency=options.concurrency,
        wait=not options.once,
        delete_jobs="always",
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=FORGET_SECONDS,
    )

    async def look(context: JobContext, scan: str, batch: str) -> None:
        number = context.job.id or 0
        running.add(number)
        try:
            await asyncio.to_thread(_look, options, Key(scan, batch))
        finally:
            running.discard(number)

    app.task(name=TASK, queue=QUEUE, pass_context=True)(look)
    try:
        async with app.open_async(), _beside(_rescue(app, worker, running)):
            await worker.run()  # type: ignore[no-untyped-call]
    except (ConnectorException, *LOST) as error:
        raise StoreError(f"the queue's database is away: {error.__cause__ or error}") from error


def _connector(options: WorkerOptions) -> "_Patient":
    return _Patient(
        conninfo=plain_url(options.url),
        kwargs={"application_name": "patchstand worker"},
        min_size=1,
        max_size=options.concurrency + CONNECTIONS_BESIDES,
        timeout=LONGEST_PAUSE,
    )


def _look(options: WorkerOptions, key: Key) -> None:
    """Look at one batch and write its result; what another worker does is left to it."""
    with _reached(options.url) as database:
        payload = database.run(partial(_payload, key=key))
        if payload is None:
            return  # done already, or nobody wants it any more
        problem: str | None = None
        result: bytes | None = None
        try:
            result = look_batch(payload, options.edge, TablesLedger(database, key))
        except StoreError as error:
            options.tell(f"batch {key.batch[:8]} of scan {key.scan}: {error}")
            return
        except PatchstandError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001  # whoever waits for the result is told
            problem = f"{type(error).__name__}: {error}"
        database.run(partial(_write, key=key, payload=result, problem=problem))
    options.tell(f"batch {key.batch[:8]} of scan {key.scan}: {problem or 'done'}")


def _reached(url: str) -> Database:
    """A connection of this thread's own; at this moment the database may be restarting."""
    import time  # noqa: PLC0415

    until, pause = time.monotonic() + PATIENCE_SECONDS, FIRST_PAUSE
    while True:
        try:
            return Database(url)
        except UsageError:
            if time.monotonic() > until:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _payload(connection: "Connection[Row]", key: Key) -> bytes | None:
    row = connection.execute(
        "SELECT payload FROM look_batches b WHERE scan = %s AND batch = %s AND NOT EXISTS"
        " (SELECT FROM look_results r WHERE r.scan = b.scan AND r.batch = b.batch)",
        key,
    ).fetchone()
    return bytes(row[0]) if row else None


def _write(
    connection: "Connection[Row]", key: Key, payload: bytes | None, problem: str | None
) -> None:
    connection.execute(
        "INSERT INTO look_results SELECT scan, batch, %s, %s FROM look_batches"
        " WHERE scan = %s AND batch = %s ON CONFLICT DO NOTHING",
        (payload, problem, *key),
    )
    connection.execute(f"NOTIFY {CHANNEL}")


async def _rescue(app: App, worker: Worker, running: set[int]) -> None:
    """Put back batches of dead workers, and those given to us of which we never heard.

    Only what is found twice in a row: after a restart of the database every heartbeat is old.
    """
    suspects: set[int] = set()
    while True:
        jobs = await _abandoned(app, worker, running)
        for number, job in jobs.items():
            if number in suspects:
                with contextlib.suppress(ConnectorException):  # another worker was quicker
                    await app.job_manager.retry_job(job, retry_at=datetime.fromtimestamp(0, UTC))
        suspects = set(jobs)
        await asyncio.sleep(RESCUE_SECONDS)


async def _abandoned(app: App, worker: Worker, running: set[int]) -> dict[int, Job]:
    stalled = await app.job_manager.get_stalled_jobs(
        queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS
    )
    ours: Iterable[Job] = ()
    if worker.worker_id is not None:
        ours = await app.job_manager.list_jobs_async(
            queue=QUEUE, status="doing", worker_id=worker.worker_id
        )
    unheard = [job for job in ours if job.id not in running]
    return {job.id: job for job in [*stalled, *unheard] if job.id is not None}


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectorException):
            await task


class _Patient(PsycopgConnector):
    """Waits for a database that restarts, instead of ending the worker."""

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:  # noqa: ANN401  # of procrastinate, as all here
        await _patiently(partial(super().execute_query_async, query, **arguments))

    async def execute_query_one_async(
        self,
        query: LiteralString,
        **arguments: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        return await _patiently(partial(super().execute_query_one_async, query, **arguments))

    async def execute_query_all_async(
        self,
        query: LiteralString,
        **arguments: Any,  # noqa: ANN401
    ) -> list[dict[str, Any]]:
        return await _patiently(partial(super().execute_query_all_async, query, **arguments))

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        await _patiently(partial(super().listen_notify, on_notification, channels))


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    loop = asyncio.get_running_loop()
    until, pause = loop.time() + PATIENCE_SECONDS, FIRST_PAUSE
    while True:
        try:
            return await ask()
        except ConnectorException as error:
            if not isinstance(error.__cause__, LOST) or loop.time() > until:
                raise
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
