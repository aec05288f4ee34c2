"""Only what was written, and has the columns of its table, is handed to a reader of Parquet."""

from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.conftest import BATCH, conclusion, record

from patchstand.errors import StoreError
from patchstand.store.content import content_of
from patchstand.store.folder import DIGITS, TABLES, Folder
from patchstand.store.writer import BatchWriter


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """A store with one file of each table."""
    folder = Folder.open(tmp_path_factory.mktemp("written") / "store", record(0).observed_at)
    writer = BatchWriter(folder, BATCH, journaled=False)
    for number in range(30):
        writer.add(record(number), conclusion(record(number)))
    writer.seal()
    return folder


def renamed(path: Path) -> Path:
    """The file under a name that fits its content."""
    digits = sha256(path.read_bytes()).hexdigest()[:DIGITS]
    return path.rename(path.with_name(f"{BATCH}-0001.{digits}.parquet"))


def rewritten(table: str, place: Path, rows: pa.Table) -> Path:
    """A file of a table with these rows, under a name that fits."""
    path = place / table / "month=2026-11" / "new"
    path.parent.mkdir(parents=True)
    pq.write_table(rows, path)
    return renamed(path)


def file_of(written: Folder, table: str) -> Path:
    """The only file of a table."""
    (found,) = written.files(table)
    return found.path


@pytest.mark.parametrize("table", TABLES)
def test_what_was_written_is_handed_on_as_it_is(written: Folder, table: str) -> None:
    """Files of every table are taken, to the byte."""
    path = file_of(written, table)

    assert content_of(path).to_pybytes() == path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(0), mask=st.integers(1, 255))
def test_no_flipped_byte_is_handed_on(written: Folder, tmp_path: Path, at: int, mask: int) -> None:
    """Wherever a byte is another one, footer included, the file is refused and named."""
    path = file_of(written, "observations")
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= mask
    copy = tmp_path / "observations" / "month=2026-11" / path.name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_bytes(content)

    with pytest.raises(StoreError, match=f"{path.name}: its checksum") as caught:
        content_of(copy)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("table", TABLES)
def test_other_columns_are_refused(tmp_path: Path, table: str) -> None:
    """A file whose name fits its content, but whose columns are not those of the table."""
    rows = pa.table({"a": [1, 2], "b": ["x", "y"]})

    with pytest.raises(StoreError, match="its column `"):
        content_of(rewritten(table, tmp_path, rows))


@pytest.mark.parametrize("table", TABLES)
def test_other_types_are_refused(written: Folder, tmp_path: Path, table: str) -> None:
    """The columns of the table, all of them text: the first that is none otherwise is named."""
    rows = pq.read_table(file_of(written, table), partitioning=None)
    texts = {name: pa.nulls(len(rows), pa.string()) for name in rows.column_names}

    with pytest.raises(StoreError, match="its column `"):
        content_of(rewritten(table, tmp_path, pa.table(texts)))


def test_a_column_less_is_named(written: Folder, tmp_path: Path) -> None:
    """Whoever reads the error learns which column it is."""
    rows = pq.read_table(file_of(written, "observations"), partitioning=None)

    with pytest.raises(StoreError, match="`certificate`"):
        content_of(rewritten("observations", tmp_path, rows.drop_columns(["certificate"])))


def test_numbered_texts_and_plain_ones_are_the_same(written: Folder, tmp_path: Path) -> None:
    """How texts are encoded is no matter of the table."""
    rows = pq.read_table(file_of(written, "observations"), partitioning=None)
    at = rows.column_names.index("source")
    plain = rows.set_column(at, "source", rows["source"].cast(pa.string()))
    path = rewritten("observations", tmp_path, plain)

    assert content_of(path).size == path.stat().st_size


@pytest.mark.parametrize("kind", ["missing", "dead link", "folder", "no Parquet", "no digest"])
def test_what_cannot_be_read_is_named(tmp_path: Path, kind: str) -> None:
    """Missing, linked to nowhere, a folder, other content: one line that names the file."""
    path = tmp_path / "observations" / "month=2026-11" / f"{BATCH}-0001.{'0' * 16}.parquet"
    path.parent.mkdir(parents=True)
    if kind == "dead link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "folder":
        path.mkdir()
    elif kind == "no Parquet":
        path.write_bytes(b"something else")
        path = renamed(path)
    elif kind == "no digest":
        path = path.with_name("notes.parquet")
        path.write_bytes(b"something else")

    with pytest.raises(StoreError) as caught:
        content_of(path)
    assert str(caught.value).startswith(str(path))
    assert "store check" in str(caught.value)
    assert "\n" not in str(caught.value)
