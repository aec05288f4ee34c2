"""The register of a store: which batches there are, which files they left, how they ended.

The files are the truth: the register is written after them and can be made anew
(`patchstand store check`).
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256

import pyarrow.parquet as pq

from patchstand.errors import PatchstandError, StoreError
from patchstand.store.batches import Batch, BatchState, StoredFile
from patchstand.store.folder import TABLES, Folder, TableFile, unwritable
from patchstand.store.reading import looks
from patchstand.store.state import State


def state_of(folder: Folder, url: str | None) -> State:
    """Open the state of a store: at `url`, else SQLite in its folder.

    Raises:
        UsageError: the URL is of another database.
        StoreError: the database cannot be opened.
    """
    return State.open(url or f"sqlite:///{folder.root.resolve() / 'state.sqlite'}")


def note_begin(state: State, batch: Batch) -> None:
    """Write down that a batch began; once, however often it is resumed."""
    known = state.batch(batch.id)
    if known is None:
        state.start_batch(batch)
    elif known.state is not BatchState.FINISHED:  # only its tidying up was interrupted
        state.resume_batch(batch.id)


@contextlib.contextmanager
def noted(state: State, batch: str, now: Callable[[], datetime]) -> Iterator[None]:
    """Within it an error ends the batch as interrupted, where the database can be reached."""
    try:
        yield
    except PatchstandError:
        with contextlib.suppress(PatchstandError):
            state.interrupt_batch(batch, now())
        raise


def note_end(
    state: State, folder: Folder, batch: str, at: datetime, counts: Mapping[str, int] | None
) -> None:
    """Write down the files of a batch, and that it came to its end; `counts` None: it did not.

    Raises:
        StoreError: the database stays away, or a file cannot be read.
    """
    state.record_files(stored_files(folder, batch))
    if counts is None:
        state.interrupt_batch(batch, at)
    else:
        state.finish_batch(batch, at, counts)


def catch_up(state: State, folder: Folder) -> None:
    """Carry the history of servers on over the finished batches that are not in it yet.

    It is done when somebody asks for the history: an import of a million rows need not wait.

    Raises:
        StoreError: the database stays away, or a file cannot be read.
    """
    for batch in state.batches(state=BatchState.FINISHED):
        if not batch.followed:
            state.follow_batch(batch.id, looks(folder, batch.id))


def stored_files(folder: Folder, batch: str) -> list[StoredFile]:
    """Every file of a batch as the register has it.

    Raises:
        StoreError: a file cannot be read.
    """
    return [stored_file(folder, each) for table in TABLES for each in folder.files(table, batch)]


def stored_file(folder: Folder, file: TableFile) -> StoredFile:
    """One file as the register has it.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        content = file.path.read_bytes()
        metadata = pq.read_metadata(file.path)
    except OSError as error:
        raise unwritable(file.path, error) from error
    except ValueError as error:
        raise StoreError(f"{file.path}: {error}; run `patchstand store check`") from error
    first, last = _span(metadata) if "observed_at" in metadata.schema.names else (None, None)
    return StoredFile(
        path=str(file.path.relative_to(folder.root)),
        batch=file.batch,
        table=file.table,
        month=file.month,
        rows=metadata.num_rows,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        first_at=first,
        last_at=last,
    )


def _span(metadata: pq.FileMetaData) -> tuple[datetime | None, datetime | None]:
    """The times of the first and the last row, as the groups of rows note them."""
    column = metadata.schema.names.index("observed_at")
    groups = [metadata.row_group(at).column(column) for at in range(metadata.num_row_groups)]
    noted = [each.statistics for each in groups if each.statistics and each.statistics.has_min_max]
    if not noted:
        return None, None
    first, last = min(each.min for each in noted), max(each.max for each in noted)
    return first.astimezone(UTC), last.astimezone(UTC)
