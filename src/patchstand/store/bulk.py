"""Writes rows that are columns already: a month of a batch as one immutable segment."""

from pathlib import Path

import pyarrow as pa

from patchstand.store.columns import SCHEMAS
from patchstand.store.folder import Folder
from patchstand.store.segment import parquet_bytes


def write_month(folder: Folder, table: str, month: str, batch: str, rows: pa.Table) -> Path:
    """Write the rows of a month as the batch's one segment; what is there already stays.

    The rows have the columns of `store.columns.SCHEMAS` and are in order.

    Raises:
        StoreError: the disk is full; nothing is left behind.
    """
    stem = f"{batch}-0001"
    for found in (folder.root / table / f"month={month}").glob(f"{stem}.*.parquet"):
        return found
    return folder.write(table, month, stem, parquet_bytes(rows.cast(SCHEMAS[table])))


def repeated(value: str, rows: int) -> pa.DictionaryArray:
    """A column that says the same in every row."""
    indices = pa.repeat(pa.scalar(0, pa.int32()), rows)
    return pa.DictionaryArray.from_arrays(indices, pa.array([value], pa.string()))
