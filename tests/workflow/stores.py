"""A store as scans make it, for tests of what is done with it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from tests.store.conftest import BATCH, conclusion, record

from patchstand.model import Outcome, Permit, Record, Transcript
from patchstand.store.batches import Batch, BatchKind
from patchstand.store.database import Database
from patchstand.store.folder import TABLES, Folder
from patchstand.store.state import State
from patchstand.store.tables import server_events, servers
from patchstand.store.writer import BatchWriter
from patchstand.workflow.store import Store

NOW = datetime(2026, 11, 22, 21, 30, tzinfo=UTC)
NAMES = [f"mail{number}.stadtwerke-{number}.de" for number in range(30)]
OTHER_BATCH = "import-9f86d081884c7d65"


def made(number: int, authority: str = "statutory") -> Record:
    """The record of a public server, and of one on loopback for each third number."""
    page = Transcript("https", "GET /", Outcome.ANSWERED, b"HTTP/1.1 200\r\n\r\n%d" % number)
    permit = Permit("9.9.9.9", "scope", authority, "BSIG 15", ("inform",))
    known = replace(record(number), permit=permit, answers=(page,))
    if number % 3 == 0:
        return known
    return replace(known, target=NAMES[number], address=f"9.9.{number}.9")


def store_of(
    root: Path, numbers: Iterable[int] = range(30), *, authority: str = "statutory"
) -> Store:
    """A store with one scan."""
    writer = BatchWriter(Folder.open(root, NOW), BATCH, journaled=False, segment_rows=12)
    for number in numbers:
        one = made(number, authority)
        clues = ("x_owa_version=15.2.1118.40", f"x_feserver=EX.{one.target}")
        writer.add(one, replace(conclusion(one), key=number, clues=clues))
    writer.seal()
    return Store(root)


def rows(root: Path, table: str = "observations") -> list[dict[str, Any]]:
    """All rows of a table."""
    files = Folder.open(root).files(table)
    return [
        row for each in files for row in pq.read_table(each.path, partitioning=None).to_pylist()
    ]


def everything(root: Path) -> str:
    """All that any reader could find: the bytes of all files, and the Parquet ones unpacked."""
    texts = [each.read_bytes().decode("latin-1") for each in root.rglob("*") if each.is_file()]
    texts += [repr(row) for table in TABLES for row in rows(root, table)]
    return "\n".join(texts).lower()


def with_servers(store: Store) -> None:
    """Two servers in the state: one to be erased, one that names it as a back end."""
    moments = dict.fromkeys(("since", "placed_at", "first_at", "last_at"), NOW)
    common: dict[str, Any] = {"ports": "", "state": "here", "asn": None, **moments}
    with State.open(store.url) as state:
        state.start_batch(Batch(BATCH, BatchKind.SCAN, NOW))
    database = Database(store.url)
    database.write(
        lambda at: at.execute(
            servers.insert(),
            [
                {"id": "a", "address": "9.9.1.9", "target": NAMES[1], "nodes": "EX1", **common},
                {"id": "b", "address": "9.9.2.9", "target": NAMES[2], "nodes": NAMES[1], **common},
            ],
        )
    )
    event = {"server": "a", "at": NOW, "kind": "here", "address": "9.9.1.9", "ports": "",
             "rule": "first", "batch": BATCH}  # fmt: skip
    database.write(lambda at: at.execute(server_events.insert(), event))
    database.close()
