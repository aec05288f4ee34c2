"""The content of a file of the tables, handed on only if it is what was written.

A flipped byte in the wrong place makes a reader of Parquet end the whole process, or read
other rows. The name of a file carries its digest, so that is compared first; columns and
their types next, since a file may be as it was written and still be none of ours.
"""

from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.store.columns import SCHEMAS
from patchstand.store.folder import DIGITS, read_name


def content_of(path: Path) -> pa.Buffer:
    """The bytes of a Parquet file that has the columns of its table.

    Raises:
        StoreError: the file cannot be read, is not what was written, or has other columns.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, error.strerror or str(error)) from error
    file = read_name(path)
    if file is None or sha256(content).hexdigest()[:DIGITS] != file.digits:
        raise damaged(path, "its checksum is not the one in its name")
    found = pa.py_buffer(content)
    if (wrong := _wrong_column(found, file.table, path)) is not None:
        raise damaged(path, f"its column `{wrong}` is missing or of another type")
    return found


def damaged(path: Path, what: str) -> StoreError:
    """The error of a file that cannot be counted, in one line, with what to do."""
    return StoreError(f"{path}: {what.splitlines()[0]}; run `patchstand store check`")


def _wrong_column(content: pa.Buffer, table: str, path: Path) -> str | None:
    """The first column of a table that a file does not have as it should be."""
    try:
        found = pq.read_schema(pa.BufferReader(content))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise damaged(path, str(error)) from error
    types = {name: _plain(kind) for name, kind in zip(found.names, found.types, strict=True)}
    wrong = (each.name for each in SCHEMAS[table] if types.get(each.name) != _plain(each.type))
    return next(wrong, None)


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type of the values: texts may be numbered or not."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
