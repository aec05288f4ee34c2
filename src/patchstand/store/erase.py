"""Takes what names a server out of every Parquet file (GDPR Art. 17, or an opt-out).

Rows of the server go; so do its raw answers and what only they refer to. Where a row of
another server names it (a link, a back end, a permit), the name is blotted out.
"""

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from patchstand.errors import StoreError
from patchstand.store.folder import SCANS, TABLES, Folder, TableFile, write_whole
from patchstand.store.integrity import under_way
from patchstand.store.pseudonym import canonical
from patchstand.store.rewrite import Change, prepare
from patchstand.store.segment import parquet_bytes

BLOT = "(erased)"
_TARGETS = "targets.parquet"
_STAGED = "staged"

_Row = tuple[str, str]


class Names:
    """The names and addresses to be erased, as one looks for them."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take them in any spelling."""
        self.exact = sorted({canonical(name) for name in names})
        words = "|".join(map(re.escape, self.exact))
        # A longer name that ends or begins with it is another server's.
        pattern = rf"(?i)(?<![\w.-])(?:{words})(?![\w-]|\.\w)"
        self._text = re.compile(pattern)
        self._bytes = re.compile(pattern.encode())

    def rows(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """Which rows of a column are one of them."""
        plain = pc.utf8_rtrim(pc.utf8_lower(column.cast(pa.string())), ".")
        found = pc.is_in(plain, value_set=pa.array(self.exact, pa.string()))
        return pc.fill_null(found, fill_value=False)

    def blot(self, value: Any) -> Any:  # noqa: ANN401  any value of a column
        """A value without them."""
        if isinstance(value, str):
            return self._text.sub(BLOT, value)
        if isinstance(value, bytes):
            return self._bytes.sub(BLOT.encode(), value)
        return [self.blot(each) for each in value] if isinstance(value, list) else value

    def are_in(self, value: bytes) -> bool:
        """True when bytes hold one of them."""
        return self._bytes.search(value) is not None


@dataclass(slots=True)
class _Gone:
    """What the rows that go leave without use."""

    rows: dict[str, set[_Row]] = field(default_factory=lambda: defaultdict(set))
    identities: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    contents: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True, slots=True)
class Erasure:
    """The changes that erase some names, prepared but not decided."""

    changes: tuple[Change, ...]
    rows: int


def prepare_erasure(folder: Folder, names: Names) -> Erasure:
    """Write the files that are to replace those that name a server; nothing is decided yet.

    Raises:
        StoreError: a file cannot be read, or the disk is full.
    """
    gone = _Gone()
    total = _find(folder, names, gone)
    changes = [
        change
        for table in TABLES
        for each in folder.files(table)
        if (change := _changed(folder, each, names, gone)) is not None
    ]
    return Erasure(tuple(changes), total)


def _find(folder: Folder, names: Names, gone: _Gone) -> int:
    """Note what goes, and keep what other rows still need; the number of observations that go."""
    total = 0
    for each in folder.files("observations"):
        table = _read(each, ["target", "ports", "address", "identity"])
        going = table.filter(_names_a_row(table, names))
        total += going.num_rows
        pairs = zip(going["target"].to_pylist(), going["ports"].to_pylist(), strict=True)
        gone.rows[each.batch].update(pairs)
        gone.identities[each.batch].update(going["identity"].to_pylist())
    for each in folder.files("observations"):
        if unsure := gone.identities[each.batch]:
            table = _read(each, ["target", "address", "identity"])
            staying = table.filter(pc.invert(_names_a_row(table, names)))
            unsure.difference_update(staying["identity"].to_pylist())
    _find_contents(folder, names, gone)
    return total


def _find_contents(folder: Folder, names: Names, gone: _Gone) -> None:
    used: dict[str, set[int]] = defaultdict(set)
    for each in folder.files("answers"):
        table = _read(each, ["target", "ports", "body", "certificate"])
        stays = _staying(table, each, names, gone)
        for column in ("body", "certificate"):
            gone.contents[each.month].update(table.filter(pc.invert(stays))[column].to_pylist())
            used[each.month].update(table.filter(stays)[column].to_pylist())
    for month, keys in gone.contents.items():
        keys.difference_update(used[month], {None})


def _names_a_row(table: pa.Table, names: Names) -> pa.ChunkedArray:
    return pc.or_(names.rows(table["target"]), names.rows(table["address"]))


def _staying(table: pa.Table, file: TableFile, names: Names, gone: _Gone) -> pa.ChunkedArray:
    """Which rows of a file stay."""
    if file.table == "observations":
        return pc.invert(_names_a_row(table, names))
    if file.table == "identities":
        return pc.invert(pc.is_in(table["key"], value_set=_keys(gone.identities[file.batch])))
    if file.table == "contents":
        orphaned = pc.is_in(table["key"], value_set=_keys(gone.contents[file.month]))
        naming = [names.are_in(each) for each in table["bytes"].to_pylist()]
        return pc.invert(pc.or_(orphaned, pa.chunked_array([pa.array(naming, pa.bool_())])))
    going = pc.or_(names.rows(table["target"]), _is_row_of(table, gone.rows[file.batch]))
    return pc.invert(going)


def _keys(keys: Collection[int]) -> pa.Array:
    return pa.array(sorted(keys), pa.int64())


def _is_row_of(table: pa.Table, rows: set[_Row]) -> pa.ChunkedArray:
    pairs = zip(table["target"].to_pylist(), table["ports"].to_pylist(), strict=True)
    return pa.chunked_array([pa.array([pair in rows for pair in pairs], pa.bool_())])


def _changed(folder: Folder, file: TableFile, names: Names, gone: _Gone) -> Change | None:
    """What replaces a file; None when nothing of it must go."""
    table = _read(file)
    kept = table.filter(_staying(table, file, names, gone))
    blotted = _blotted(kept, names)
    if kept.num_rows == table.num_rows and blotted is kept:
        return None
    content = parquet_bytes(blotted) if kept.num_rows else None
    return prepare(folder, file, content, kept.num_rows)


def _blotted(table: pa.Table, names: Names) -> pa.Table:
    """The table without the names in any text of it; the same object where there are none."""
    for number, column in enumerate(table.schema):
        if not _holds_text(column.type):
            continue
        distinct = _distinct(table[column.name])
        if not any(names.blot(value) != value for value in distinct):
            continue
        clean = [names.blot(value) for value in table[column.name].to_pylist()]
        array = pa.array(clean, _plain(column.type))
        if pa.types.is_dictionary(column.type):
            array = array.dictionary_encode()
        table = table.set_column(number, column, array)
    return table


def _distinct(column: pa.ChunkedArray) -> list[Any]:
    flat = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    return list(pc.unique(flat.cast(_plain(flat.type))).to_pylist())


def _holds_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_list(kind)
        or pa.types.is_dictionary(kind)
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_dictionary(kind) else kind


def _read(file: TableFile, columns: list[str] | None = None) -> pa.Table:
    try:
        return pq.read_table(file.path, columns=columns, partitioning=None)
    except (OSError, ValueError, pa.ArrowException) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{file.path}: {first}; run `patchstand store check`") from error


def erase_from_scans(folder: Folder, names: Names) -> None:
    """Take names out of the targets, counts and staged files of what is not finished.

    Their journals must be sealed. Doing it again changes nothing.

    Raises:
        StoreError: the disk is full or a file cannot be read.
    """
    for batch in under_way(folder):
        place = folder.root / SCANS / batch
        _empty(place / _STAGED)
        _rewrite(place / _TARGETS, lambda content: _without_targets(content, names))
        for path in sorted(place.glob("spent-*.msgpack")):
            _rewrite(path, lambda content: _without_addresses(content, names))


def _empty(staged: Path) -> None:
    """Drop what an interrupted import had staged; it is done anew while the folder is there."""
    if staged.is_dir():
        shutil.rmtree(staged)
        staged.mkdir()


def _rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    try:
        content = path.read_bytes()
        changed = change(content)
    except FileNotFoundError:
        return
    except (OSError, ValueError, pa.ArrowException, msgspec.DecodeError) as error:
        raise StoreError(f"{path}: {error}") from error
    if changed != content:
        write_whole(path, changed)


def _without_targets(content: bytes, names: Names) -> bytes:
    table = pq.read_table(pa.BufferReader(content))
    kept = table.filter(pc.invert(names.rows(table["target"])))
    if kept.num_rows == table.num_rows:
        return content
    sink = pa.BufferOutputStream()
    pq.write_table(kept, sink, compression="zstd")
    return bytes(sink.getvalue())


def _without_addresses(content: bytes, names: Names) -> bytes:
    spent = msgspec.msgpack.decode(content, type=dict[str, Any])
    kept = {name: asked for name, asked in spent.items() if canonical(name) not in names.exact}
    return content if len(kept) == len(spent) else msgspec.msgpack.encode(kept)
