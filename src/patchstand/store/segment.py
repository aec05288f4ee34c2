"""A segment: the rows of a batch that are written together, as immutable Parquet files."""

from collections import defaultdict
from datetime import datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.store.columns import SCHEMAS, Row
from patchstand.store.folder import Folder, unwritable

_TABLES_IN_ORDER = ("contents", "identities", "answers", "observations")
"""An observation becomes visible after everything that it refers to."""
_SORTED_BY = {"contents": (0,), "identities": (0,), "answers": (0, 1, 2), "observations": (0, 1)}
_COMPRESSION_LEVEL = 1
_DELTA = {"target": "DELTA_BYTE_ARRAY", "address": "DELTA_BYTE_ARRAY"}
"""Sorted names repeat the beginning of the one before."""


class Segment:
    """Collects rows by table and month."""

    def __init__(self) -> None:
        """Nothing in it."""
        self.rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
        self.observations = 0

    def add(self, table: str, month: str, row: Row) -> None:
        """Take one row; whatever belongs to an observation lies in the month of that."""
        self.rows[table, month].append(row)
        self.observations += table == "observations"

    def write(self, folder: Folder, batch: str, number: int) -> list[Path]:
        """Write what is not written yet; the same segment written again changes nothing.

        Raises:
            StoreError: the disk is full; what is visible by then is whole.
        """
        stem = f"{batch}-{number:04}"
        written = []
        for table in _TABLES_IN_ORDER:
            for (of, month), rows in sorted(self.rows.items()):
                place = folder.root / table / f"month={month}"
                if of == table and not any(place.glob(f"{stem}.*.parquet")):
                    written.append(folder.write(table, month, stem, _parquet(table, rows)))
        return written


def month_of(moment: datetime) -> str:
    """The partition of a moment (UTC)."""
    return _month(moment.year, moment.month)


@cache
def _month(year: int, month: int) -> str:
    return f"{year:04}-{month:02}"


def _parquet(table: str, rows: list[Row]) -> bytes:
    schema = SCHEMAS[table]
    rows.sort(key=itemgetter(*_SORTED_BY[table]))
    columns = [
        _array(list(values), kind)
        for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
    ]
    return parquet_bytes(pa.Table.from_arrays(columns, schema=schema))


def parquet_bytes(rows: pa.Table) -> bytes:
    """The content of a Parquet file, from rows that are in order."""
    sink = pa.BufferOutputStream()
    delta = {name: how for name, how in _DELTA.items() if _comes_once(rows, name)}
    pq.write_table(
        rows,
        sink,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        use_dictionary=[f.name for f in rows.schema if f.name not in delta],
        column_encoding=delta or None,
        write_page_checksum=True,
    )
    return bytes(sink.getvalue())


def _comes_once(rows: pa.Table, name: str) -> bool:
    """True for names of which most come once; others are kept as a dictionary."""
    if name not in rows.schema.names or not len(rows):
        return name in rows.schema.names
    values = rows[name]
    distinct: int = len(values.unique())
    return distinct * 2 >= len(values)


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Any])


def encode_frame(*parts: object) -> bytes:
    """A journal frame: its sort, then what it carries."""
    return _encoder.encode(parts)


def decode_frame(frame: bytes) -> list[Any]:
    """What `encode_frame` was given.

    Raises:
        StoreError: the frame is whole, yet not one of ours.
    """
    try:
        return _decoder.decode(frame)
    except msgspec.DecodeError as error:
        raise StoreError(f"the journal holds something else: {error}") from error


def remove(path: Path) -> None:
    """Remove a file that has done its work.

    Raises:
        StoreError: the folder is not writable.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
