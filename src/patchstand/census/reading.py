"""Reads columns of a file of observations: texts as numbers, and no more than is needed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.census.columns import replaced
from patchstand.errors import StoreError

_TEXT = frozenset({"target", "ports", "address", "source", "country", "state", "sector"})


class Source(NamedTuple):
    """A file of observations: its content, and where it lies, for whoever must be told.

    The content is what was written and has the columns of its table: nothing else may be
    given to a reader of Parquet.
    """

    path: Path
    content: pa.Buffer


@dataclass(frozen=True, slots=True)
class Observed:
    """An open file: the columns that have a value anywhere.

    `same`: columns that say the same in every row, with their text; not among `columns`.
    `deltas`: texts that are read as such, as no decoder makes dictionaries of them.
    """

    path: Path
    file: pq.ParquetFile
    columns: tuple[str, ...]
    same: Mapping[str, str]
    deltas: frozenset[str]

    def rows(self) -> pa.Table:
        """All rows, without the columns that say the same in each; in several chunks.

        Raises:
            StoreError: the file cannot be read.
        """
        groups = range(self.file.num_row_groups)
        with _reading(self.path):  # one group after the other takes less memory than all at once
            tables = [self._group(each) for each in groups]
        return pa.concat_tables(tables).unify_dictionaries() if tables else self._none()

    def pieces(self, rows: int) -> Iterator[pa.Table]:
        """The rows, so many at a time, without the columns that say the same in each.

        Raises:
            StoreError: the file cannot be read.
        """
        batches = self.file.iter_batches(rows, columns=self.columns, use_threads=False)
        while True:
            with _reading(self.path):
                batch = next(batches, None)
            if batch is None:
                return
            yield self._encoded(pa.Table.from_batches([batch]))

    def _group(self, number: int) -> pa.Table:
        return self._encoded(self.file.read_row_group(number, self.columns, use_threads=False))

    def _none(self) -> pa.Table:
        return self._encoded(self.file.read(self.columns))

    def _encoded(self, rows: pa.Table) -> pa.Table:
        for name in self.deltas:
            rows = replaced(rows, name, rows[name].dictionary_encode())
        return rows


def observed(source: Source, columns: Sequence[str]) -> Observed:
    """Open a file for these columns.

    Raises:
        StoreError: the file cannot be read.
    """
    path, content = source
    with _reading(path):
        metadata = pq.read_metadata(pa.BufferReader(content))
        groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
        chunks = {
            name: [group.column(at) for group in groups]
            for at, name in enumerate(metadata.schema.names)
            if name in columns
        }
        wanted = [name for name in columns if any(map(_holds, chunks[name]))]
        texts = [name for name in wanted if name in _TEXT]
        same = {name: word for name in texts if (word := _only(chunks[name])) is not None}
        read = tuple(name for name in wanted if name not in same)
        deltas = frozenset(name for name in read if name in _TEXT and _is_delta(chunks[name]))
        words = [name for name in read if name in _TEXT and name not in deltas]
        opened = pa.BufferReader(content)
        file = pq.ParquetFile(opened, metadata=metadata, read_dictionary=words)
        return Observed(path, file, read, same, deltas)


def read_columns(source: Source, columns: Sequence[str]) -> pa.Table:
    """Columns of a file, texts as dictionaries; those without a value left out.

    Raises:
        StoreError: the file cannot be read.
    """
    file = observed(source, columns)
    return with_same(file.rows(), file.same, file.same)


def with_same(rows: pa.Table, same: Mapping[str, str], names: Collection[str]) -> pa.Table:
    """The rows with these columns, which say the same in every row, besides the others."""
    for name in names:
        rows = replaced(rows, name, repeated(same[name], len(rows)))
    return rows


def repeated(word: str, rows: int) -> pa.DictionaryArray:
    """A column with the same text in each row."""
    words = pa.array([word], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), words)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise StoreError(f"{path}: {said}; run `patchstand store check`") from error


def _holds(chunk: pq.ColumnChunkMetaData) -> bool:
    """True unless the column is surely empty there."""
    statistics = chunk.statistics
    return statistics is None or statistics.null_count != chunk.num_values


def _only(chunks: "list[pq.ColumnChunkMetaData]") -> str | None:
    """The one text of a whole column, where its statistics say that there is one."""
    noted = [chunk.statistics for chunk in chunks]
    if not all(each and each.has_min_max and not each.null_count for each in noted):
        return None
    found: set[str] = {text for each in noted for text in (each.min, each.max)}
    return found.pop() if len(found) == 1 else None


def _is_delta(chunks: "list[pq.ColumnChunkMetaData]") -> bool:
    return any("DELTA_BYTE_ARRAY" in chunk.encodings for chunk in chunks)
