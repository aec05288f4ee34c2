"""Columns as numbers, for what compares a row with the one before it."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


def ends(
    server: Ints, begin: Ints, end: Ints, columns: Iterable[Ints], most: int
) -> tuple[Ints, Ints]:
    """The first and last row of each stretch of equal rows, none `most` after the one before."""
    breaks = server[1:] != server[:-1]
    for column in columns:
        breaks |= column[1:] != column[:-1]
    breaks |= begin[1:] - end[:-1] > most
    at = np.flatnonzero(breaks)
    return np.concatenate(([0], at + 1)), np.concatenate((at, [len(server) - 1]))


def codes(column: pa.Array | pa.ChunkedArray) -> Ints:
    """Numbers that are equal where the values are; -1 for null."""
    values = one(column)
    if isinstance(values, pa.DictionaryArray):
        values = values.indices
    return integers(values)


def integers(column: pa.Array | pa.ChunkedArray) -> Ints:
    """Whole numbers as they are, moments as milliseconds since 1970; -1 for null."""
    values = one(column)
    if pa.types.is_timestamp(values.type):
        values = values.view(pa.int64())
    if values.null_count:
        values = values.fill_null(-1)
    found: Ints = values.to_numpy(zero_copy_only=False)
    return found


def whole_numbers(values: Ints | Shorts, absent: Flags | None = None) -> pa.Array:
    """A column of these numbers, null where they are absent; not copied if they are 32 bits wide.

    From its bytes: `pa.array` loads pandas where it is installed, for a quarter of a second.
    """
    present = None
    if absent is not None:
        present = pa.py_buffer(np.packbits(~absent, bitorder="little"))
    numbers = pa.py_buffer(np.ascontiguousarray(values, np.int32))
    return pa.Array.from_buffers(pa.int32(), len(values), [present, numbers])


def one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    if isinstance(column, pa.ChunkedArray):
        return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    return column


def in_one_piece(rows: pa.Table) -> pa.Table:
    """The rows with each column as one array, a column at a time.

    Where nobody else holds the rows, that takes one column more than they do, not twice as much.
    """
    names, columns = rows.column_names, list(rows.columns)
    del rows
    for at in range(len(columns)):
        columns[at] = one(columns[at].unify_dictionaries())
    return pa.table(columns, names=names)


def give_back() -> None:
    """Hand memory that is not in use to the system: reading leaves far more than is needed."""
    pa.default_memory_pool().release_unused()


def replaced(rows: pa.Table, name: str, column: pa.Array) -> pa.Table:
    """The rows with this column in place of one of that name, or besides the others."""
    if name in rows.column_names:
        return rows.set_column(rows.column_names.index(name), name, column)
    return rows.append_column(name, column)
