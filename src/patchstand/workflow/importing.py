"""import: rows of somebody else's reports, judged and stored like observations of our own.

A file is one batch, named after its digest: read again it changes nothing. Its rows become
visible together, at the end; an import that was interrupted is done anew.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from patchstand.errors import UsageError
from patchstand.identify import essence
from patchstand.model import NOWHERE, Conclusion, EvidenceKind, Knowledge, Place, Record, Rejected
from patchstand.observe.importer import Importer
from patchstand.store.batches import Batch, BatchKind, BatchState
from patchstand.store.folder import Folder, sync_folder
from patchstand.store.segment import remove
from patchstand.store.state import State
from patchstand.store.writer import BatchWriter
from patchstand.workflow.conclude import Concluding
from patchstand.workflow.register import note_begin, note_end, stored_files

SEGMENT_ROWS = 100_000
_PUBLISHED_IN_ORDER = ("contents", "identities", "answers", "observations")
_AS_STATED = frozenset({EvidenceKind.BUILD, EvidenceKind.RECEIVED})
"""Evidence that names nobody, or names what it is about: it stays as it is."""

OnRow = Callable[[], None]
PlaceOf = Callable[[str | None, str | None], Place]
"""Where an address, or a name, is."""


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """Where an import writes, what it judges by, and until when rows can have been seen."""

    folder: Folder
    known: Knowledge
    as_of: date
    now: datetime
    place_of: PlaceOf | None = None


@dataclass(slots=True)
class Imported:
    """What came of one file."""

    path: Path
    format: str
    batch: str
    already: bool = False
    stored: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    drawn: dict[int, Conclusion] = field(default_factory=dict)
    rows: Counter[int] = field(default_factory=Counter)

    @property
    def lines(self) -> Counter[str]:
        """Exchange servers by line."""
        return self._counted(lambda drawn: drawn.line.value if drawn.line else "several")

    @property
    def classes(self) -> Counter[str]:
        """Exchange servers by class."""
        return self._counted(lambda drawn: drawn.server_class.value if drawn.server_class else "")

    def _counted(self, name: Callable[[Conclusion], str]) -> Counter[str]:
        counts: Counter[str] = Counter()
        for key, drawn in self.drawn.items():
            if drawn.is_exchange:
                counts[name(drawn)] += self.rows[key]
        return counts

    @property
    def read(self) -> int:
        """Rows that were read, good or not."""
        return self.stored + len(self.rejected)


def import_file(path: Path, importer: Importer, plan: ImportPlan, on_row: OnRow) -> Imported:
    """Import one file; `on_row` is called for each row that was read.

    Raises:
        UsageError: the file cannot be read at all; nothing of it is stored.
        StoreError: the disk is full; nothing of it is stored.
    """
    batch = f"import-{_digest(path)[:16]}"
    done = Imported(path, importer.name, batch)
    with plan.folder.alone(batch):
        under_way = plan.folder.scan(batch)
        staged = under_way / "staged"
        done.already = bool(plan.folder.files("observations", batch)) and not staged.exists()
        if not done.already:
            try:
                _fill(staged, importer, plan, done, on_row)
            except BaseException:
                rmtree(under_way, ignore_errors=True)
                raise
            _publish(Folder(staged), plan.folder)  # what a failure leaves is done anew
        rmtree(under_way, ignore_errors=True)
    return done


def note_import(state: State, plan: ImportPlan, done: Imported, at: datetime) -> None:
    """Write an import down in the register of the store; one that is there already stays.

    Raises:
        StoreError: the database stays away.
    """
    known = state.batch(done.batch)
    if known is not None and known.state is BatchState.FINISHED:
        return
    begun = Batch(
        id=done.batch,
        kind=BatchKind.IMPORT,
        started_at=plan.now,
        knowledge=plan.known.version,
        origin=done.path.name,
    )
    note_begin(state, begun)
    counts = {"read": done.read, "stored": done.stored, "rejected": len(done.rejected)}
    if done.already:  # the register is made anew: what was read then is not known any more
        counts = {"stored": sum(each.rows for each in stored_files(plan.folder, done.batch))}
    note_end(state, plan.folder, done.batch, at, counts)


def _fill(
    staged: Path,
    importer: Importer,
    plan: ImportPlan,
    done: Imported,
    on_row: OnRow,
) -> None:
    """Read the file into Parquet files that nobody sees yet."""
    _begin(plan.folder, done.batch, staged)
    concluding = Concluding(plan.known, plan.as_of)
    writer = BatchWriter(Folder(staged), done.batch, journaled=False, segment_rows=SEGMENT_ROWS)
    for row in importer.read(done.path):
        on_row()
        _take(row, plan, done, writer, concluding)
    writer.seal()


def _begin(folder: Folder, batch: str, under_way: Path) -> None:
    """Clear what an interrupted import of the same file has left."""
    for table in _PUBLISHED_IN_ORDER:
        for each in folder.files(table, batch):
            remove(each.path)
    rmtree(under_way, ignore_errors=True)
    under_way.mkdir()
    sync_folder(under_way.parent)


def _take(
    row: Record | Rejected,
    plan: ImportPlan,
    done: Imported,
    writer: BatchWriter,
    concluding: Concluding,
) -> None:
    if isinstance(row, Rejected):
        done.rejected.append(row)
        return
    if row.observed_at > plan.now:
        done.rejected.append(Rejected(0, f"{row.target}: {row.observed_at} has not come yet"))
        return
    record = _completed(row, plan)
    conclusion = concluding.of(record)
    writer.add(record, conclusion)
    done.stored += 1
    done.rows[conclusion.key] += 1
    done.drawn[conclusion.key] = conclusion


def _completed(row: Record, plan: ImportPlan) -> Record:
    """The record with its evidence reduced, and with its place where the files know it."""
    as_stated = len(row.evidence) == 1 and row.evidence[0].kind in _AS_STATED
    if not as_stated:
        own = tuple(dict.fromkeys(word for word in (row.target, row.address) if word))
        found = essence(row.evidence, own, plan.known)
        row = replace(row, evidence=found.evidence, nodes=row.nodes or found.nodes)
    if plan.place_of is not None:
        row = replace(row, place=_merged(row.place, plan.place_of(row.address, row.target)))
    return row


def _merged(stated: Place, looked_up: Place) -> Place:
    """The user's own files win; what they do not know is as the report states it."""
    if stated == NOWHERE:
        return looked_up
    return Place(
        looked_up.country or stated.country,
        looked_up.state or stated.state,
        looked_up.asn or stated.asn,
        looked_up.sector or stated.sector,
    )


def _publish(staged: Folder, folder: Folder) -> None:
    """Move the files to where they are seen, observations last."""
    for table in _PUBLISHED_IN_ORDER:
        for each in staged.files(table):
            place = folder.root / table / f"month={each.month}"
            place.mkdir(parents=True, exist_ok=True)
            each.path.replace(place / each.path.name)
            sync_folder(place)


def _digest(path: Path) -> str:
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    return digest.hexdigest()
