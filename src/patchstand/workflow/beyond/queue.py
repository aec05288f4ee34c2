"""Batches through PostgreSQL, the coordinator's side (docs/cluster.md).

A batch lies in `look_batches`, its result in `look_results`; the job of procrastinate carries
only their key. Everything can be done again: a batch is put in the queue once, whoever asks
how often, and results stay until the scan is at its end.
"""

import time
from collections.abc import Generator, Iterable, Iterator
from hashlib import sha256

from procrastinate import App, SyncPsycopgConnector
from psycopg import Connection

from patchstand.errors import StoreError
from patchstand.model import Scope
from patchstand.workflow.beyond.batches import (
    LookBatch,
    LookResult,
    decode_batch,
    decode_result,
    encode,
)
from patchstand.workflow.beyond.database import (
    CHANNEL,
    QUEUE,
    TASK,
    Database,
    Key,
    Row,
    make_tables,
)

POLL_SECONDS = 1.0
"""Between looks for results where no notification came."""
REPAIR_SECONDS = 5.0
"""Between looks for batches that have neither a result nor a job."""


def through_queue(
    batches: Iterable[LookBatch | None],
    url: str,
    scan: str,
    at_once: int,
    scopes: tuple[Scope, ...] | None = None,
) -> Generator[LookResult, None, None]:
    """Have batches looked at by queue workers, `at_once` at most in the queue.

    First come the results of batches that an earlier run of this scan left in the queue; only
    then the first of `batches` is asked for, so that they may depend on them. Those that were
    in the queue already are not put there again, unless they
    wait under other `scopes` than these. None among the batches: all of the
    earlier are waited for. At the end all rows of the scan are deleted; when the iteration is
    given up they stay, for the next run. A database that restarts is waited for.

    Raises:
        UsageError: the database cannot be reached at the start, or a result is not what it
            should be.
        StoreError: it stays away, or a worker could not read a batch.
    """
    with Database(url) as database:
        yield from _Queue(database, scan, at_once, scopes).through(batches)


class _Queue:
    def __init__(
        self, database: Database, scan: str, at_once: int, scopes: tuple[Scope, ...] | None = None
    ) -> None:
        self._scopes = scopes
        self._database = database
        self._scan = scan
        self._at_once = at_once
        self._known: set[str] = set()  # in the queue or done
        self._waiting: set[str] = set()
        self._repaired = time.monotonic()

    def through(self, batches: Iterable[LookBatch | None]) -> Iterator[LookResult]:
        self._database.run(make_tables)
        self._adopt()
        yield from self._until(0)
        for batch in batches:
            yield from self._until(self._at_once - 1 if batch is not None else 0)
            if batch is not None:
                self._put(batch)
        yield from self._until(0)
        self._database.run(self._clean)

    def _adopt(self) -> None:
        """Take over what an earlier run left; what a worker refused then is tried again."""

        def work(connection: "Connection[Row]") -> list[Row]:
            connection.execute(
                "DELETE FROM look_results WHERE scan = %s AND payload IS NULL", (self._scan,)
            )
            if self._scopes is not None:
                self._take_back(connection)
            asking = "SELECT batch FROM look_batches WHERE scan = %s"
            return connection.execute(asking, (self._scan,)).fetchall()

        self._waiting = {row[0] for row in self._database.run(work)}
        self._known |= self._waiting
        self._repair()

    def _take_back(self, connection: "Connection[Row]") -> None:
        """Delete batches that wait under other scopes: somebody may have opted out since."""
        rows = connection.execute(
            "SELECT batch, b.payload FROM look_batches b LEFT JOIN look_results r"
            " USING (scan, batch) WHERE scan = %s AND r.batch IS NULL",
            (self._scan,),
        ).fetchall()
        stale = [row[0] for row in rows if decode_batch(row[1]).scopes != self._scopes]
        connection.execute(
            "DELETE FROM look_batches WHERE scan = %s AND batch = ANY(%s)", (self._scan, stale)
        )

    def _put(self, batch: LookBatch) -> None:
        payload = encode(batch)
        key = Key(self._scan, sha256(payload).hexdigest()[:32])
        if key.batch in self._known:
            return

        def work(connection: "Connection[Row]") -> None:
            put = connection.execute(
                "INSERT INTO look_batches (scan, batch, payload) VALUES (%s, %s, %s)"
                " ON CONFLICT DO NOTHING",
                (*key, payload),
            )
            if put.rowcount:
                _defer(connection, key)

        self._database.run(work)
        self._known.add(key.batch)
        self._waiting.add(key.batch)

    def _until(self, most: int) -> Iterator[LookResult]:
        """The results as they come, until at most so many batches are waited for."""
        while len(self._waiting) > most:
            result = self._result()
            if result is not None:
                yield result
                continue
            if time.monotonic() - self._repaired > REPAIR_SECONDS:
                self._repair()
            self._database.listen(POLL_SECONDS)

    def _result(self) -> LookResult | None:
        """One result that has come; None when there is none."""

        def work(connection: "Connection[Row]") -> Row | None:
            return connection.execute(
                "SELECT batch, b.payload, r.payload, r.problem"
                " FROM look_results r JOIN look_batches b USING (scan, batch)"
                " WHERE scan = %s AND batch = ANY(%s) LIMIT 1",
                (self._scan, list(self._waiting)),
            ).fetchone()

        row = self._database.run(work)
        if row is None:
            return None
        name, sent, came, problem = row
        if came is None:
            raise StoreError(f"a worker refused a batch: {problem}; then resume")
        result = decode_result(came, decode_batch(sent))
        self._waiting.remove(name)
        return result

    def _repair(self) -> None:
        """Queue batches again that have neither a result nor a job: a job failed oddly."""

        def work(connection: "Connection[Row]") -> None:
            rows = connection.execute(
                "SELECT batch FROM look_batches b WHERE scan = %s AND NOT EXISTS"
                " (SELECT FROM look_results r WHERE r.scan = b.scan AND r.batch = b.batch)"
                " AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.queueing_lock ="
                " b.scan || '/' || b.batch AND j.status IN ('todo', 'doing'))",
                (self._scan,),
            ).fetchall()
            for row in rows:
                _defer(connection, Key(self._scan, row[0]))

        self._database.run(work)
        self._repaired = time.monotonic()

    def _clean(self, connection: "Connection[Row]") -> None:
        connection.execute(
            "DELETE FROM procrastinate_jobs WHERE queue_name = %s AND status <> 'doing'"
            " AND starts_with(queueing_lock, %s)",
            (QUEUE, f"{self._scan}/"),
        )
        connection.execute("DELETE FROM look_batches WHERE scan = %s", (self._scan,))


def _defer(connection: "Connection[Row]", key: Key) -> None:
    """Queue the job of a batch, in the transaction under way."""
    app = App(connector=SyncPsycopgConnector())  # never opened: the connection is ours
    job = app.configure_task(TASK, queue=QUEUE, queueing_lock=key.lock, connection=connection)
    job.defer(scan=key.scan, batch=key.batch)


NOTIFY = f"NOTIFY {CHANNEL}"
"""Said by a worker in the transaction of its result."""
