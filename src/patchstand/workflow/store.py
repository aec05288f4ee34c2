"""store: list, check, purge and erase what is kept (docs/store.md)."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

from patchstand import knowledge
from patchstand.errors import StoreError, UsageError
from patchstand.observe.names import canonical
from patchstand.store.batches import StoredFile
from patchstand.store.database import Database
from patchstand.store.disclosures import Erasure
from patchstand.store.erase import Names, erase_from_scans, prepare_erasure
from patchstand.store.folder import Folder, TableFile, read_name
from patchstand.store.forget import blot_nodes, scrub
from patchstand.store.integrity import (
    DAMAGED,
    Defect,
    Sound,
    Trouble,
    leftovers,
    look_through,
    move_aside,
    quiet,
    relative,
    remove_leftovers,
    seal_journals,
)
from patchstand.store.overview import BatchCounts, batch_counts
from patchstand.store.pseudonym import Mask, pseudonym
from patchstand.store.retention import outdated
from patchstand.store.rewrite import carry_out, decide, forget_plan, read_plan
from patchstand.store.state import State
from patchstand.workflow.derived import clear
from patchstand.workflow.register import catch_up, stored_file

STATE = "state.sqlite"
_ASIDE = (Trouble.DAMAGED, Trouble.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Store:
    """A store folder and where its state lies; `state` None: beside the files, in SQLite."""

    root: Path
    state: str | None = None

    @property
    def url(self) -> str:
        """The address of the state."""
        return self.state or f"sqlite:///{(self.root / STATE).absolute()}"

    def has_state(self) -> bool:
        """True when there is a state to be opened without making one."""
        return self.state is not None or (self.root / STATE).exists()

    @contextmanager
    def open(self) -> Iterator[tuple[Folder, State]]:
        """Open both, and carry out what a crash interrupted.

        Raises:
            UsageError: there is no store.
            StoreError: it cannot be used.
        """
        folder = Folder.open(self.root)
        with State.open(self.url) as state:
            _finish(folder, state)
            yield folder, state


# List


@dataclass(frozen=True, slots=True)
class SeenServer:
    """A server over time, as it is shown: `state` here, gone, back or moved, and since when."""

    target: str
    address: str
    ports: str
    state: str
    since: datetime
    first_at: datetime
    last_at: datetime
    nodes: int
    asn: int | None


def batches(store: Store) -> list[BatchCounts]:
    """Every scan and import with its counts, by id."""
    return batch_counts(Folder.open(store.root))


def servers(store: Store, now: datetime, override: Path | None = None) -> Iterator[SeenServer]:
    """Every server ever seen, under pseudonyms, sorted by what is shown.

    Scans and imports that have ended since are followed first.

    Raises:
        UsageError: there is no store.
        StoreError: the state cannot be used.
    """
    with store.open() as (folder, state):
        catch_up(state, folder)
        mask = mask_of(state, now, override)
        found = [
            (mask.name(each.target), mask.name(each.address), each) for each in state.servers()
        ]
    for target, address, each in sorted(found, key=lambda row: (*row[:2], row[2].ports)):
        yield SeenServer(
            target,
            address,
            each.ports,
            each.state.value,
            each.since,
            each.first_at,
            each.last_at,
            len(each.nodes),
            each.asn,
        )


def mask_of(state: State, now: datetime, override: Path | None = None) -> Mask:
    """What replaces names by pseudonyms under the current key."""
    products = {each.name for each in knowledge.load(override).fingerprints}
    return Mask(state.pseudonym_key(now).secret, products)


# Check


@dataclass(slots=True)
class Checked:
    """What a check found, and what it set right (or would, in a dry run)."""

    files: int = 0
    rows: int = 0
    defects: list[Defect] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)

    @property
    def is_fine(self) -> bool:
        """True when nothing is damaged, missing or foreign."""
        return all(each.trouble is Trouble.IN_USE for each in self.defects)


def check(store: Store, *, dry_run: bool) -> Checked:
    """Verify every file; unless in a dry run, set right what can be.

    Raises:
        UsageError: there is no store.
        StoreError: it cannot be written.
    """
    if dry_run:
        return _looked_at(store)
    with store.open() as (folder, state), quiet(folder) as busy:
        done = Checked(defects=[*busy])
        names = [Path(each.path).name for each in busy]
        done.sealed = [relative(folder, path) for path in seal_journals(folder, but=names)]
        left = leftovers(folder, but=names)
        remove_leftovers(left)
        done.removed = [relative(folder, path) for path in left]
        _verify(folder, {each.path: each for each in state.files()}, done)
        _set_right(folder, state, done)
        done.defects += _journal_defects(state)
    return done


def _looked_at(store: Store) -> Checked:
    folder = Folder.open(store.root)
    with quiet(folder) as busy:
        done = Checked(defects=[*busy])
        names = [Path(each.path).name for each in busy]
        done.removed = [relative(folder, path) for path in leftovers(folder, but=names)]
    if read_plan(folder) is not None:
        done.sealed.append("plan.json")
    noted: dict[str, StoredFile] = {}
    if store.has_state():
        with State.open(store.url) as state:
            noted = {each.path: each for each in state.files()}
            done.defects += _journal_defects(state)
    _verify(folder, noted, done)
    return done


def _verify(folder: Folder, noted: dict[str, StoredFile], done: Checked) -> None:
    for each in look_through(folder, {name: file.rows for name, file in noted.items()}):
        if isinstance(each, Defect):
            done.defects.append(each)
            if each.trouble in _ASIDE:
                done.aside.append(each.path)
        else:
            done.files += 1
            done.rows += each.rows if each.file.table == "observations" else 0
        name = each.path if isinstance(each, Defect) else relative(folder, each.file.path)
        wrong = isinstance(each, Defect) and each.trouble is Trouble.ROWS
        if wrong or (isinstance(each, Sound) and name not in noted):
            done.noted.append(name)


def _set_right(folder: Folder, state: State, done: Checked) -> None:
    """Move damaged files aside, and write into the state what is really there."""
    for defect in done.defects:
        if defect.trouble in _ASIDE:
            move_aside(folder, defect)
    state.forget_files(done.aside)
    state.record_files(_stored(folder, state, done.noted))


def _journal_defects(state: State) -> list[Defect]:
    try:
        state.verify_journal()
    except StoreError as error:
        return [Defect("disclosures", Trouble.ALTERED, str(error))]
    return []


def _stored(folder: Folder, state: State, names: Iterable[str]) -> list[StoredFile]:
    """Facts of files for the state, from the files themselves."""
    known = {each.id for each in state.batches()}
    found = [file for name in names if (file := read_name(folder.root / name)) is not None]
    facts = [stored_file(folder, each) for each in found]
    return [each if each.batch in known else replace(each, batch=None) for each in facts]


# Purge


@dataclass(frozen=True, slots=True)
class Purged:
    """One month of raw answers that went (or would go)."""

    table: str
    month: str
    files: int
    bytes: int


def purge(store: Store, today: date, raw_days: int, *, dry_run: bool) -> list[Purged]:
    """Remove raw answers older than `raw_days`, by month.

    Raises:
        UsageError: there is no store, or the number of days is negative.
        StoreError: it cannot be written.
    """
    if raw_days < 0:
        raise UsageError(f"--raw-days {raw_days}: a number of days is not negative")
    if dry_run:
        return _by_month(outdated(Folder.open(store.root), today, raw_days))
    with store.open() as (folder, state):
        old = outdated(folder, today, raw_days)
        found = _by_month(old)
        # Struck off first: a file that is not noted is no damage, a noted one that is gone is.
        state.forget_files([relative(folder, each.path) for each in old])
        remove_leftovers(each.path for each in old)
    return found


def _by_month(files: Iterable[TableFile]) -> list[Purged]:
    found: dict[tuple[str, str], list[int]] = {}
    for each in files:
        found.setdefault((each.table, each.month), []).append(each.path.stat().st_size)
    return [Purged(*key, len(sizes), sum(sizes)) for key, sizes in sorted(found.items())]


# Erase


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed; `aside` damaged files may still hold it and cannot be read."""

    pseudonyms: tuple[str, ...]
    rows: int
    servers: int
    files: int
    aside: tuple[str, ...]


def erase(store: Store, targets: Sequence[str], reason: str, now: datetime) -> Erased:
    """Erase servers by name or address from all that is kept, and note that under pseudonyms.

    Raises:
        UsageError: no store, no target, no reason, or a run is working on the store.
        StoreError: it cannot be written; nothing is half erased, run it again.
    """
    if not targets or not reason.strip():
        raise UsageError("store erase wants the TARGET to erase, and the --reason")
    _refuse_no_names(targets)
    names = Names(targets)
    with store.open() as (folder, state), quiet(folder) as busy:
        if busy:
            raise UsageError(f"a run is working on {busy[0].path}; erase when it has ended")
        seal_journals(folder)
        key = state.pseudonym_key(now).secret
        pseudonyms = tuple(pseudonym(key, name) for name in names.exact)
        servers = sum(state.forget_servers(name) for name in names.exact)
        rows, files = _from_files(folder, names, _note(pseudonyms, reason, now))
        clear(folder)  # derived tables name servers too; they are made anew
        _finish(folder, state)
        aside = tuple(_kept_aside(folder))
    _scrubbed(store, names)
    return Erased(pseudonyms, rows, servers, files, aside)


def _refuse_no_names(targets: Sequence[str]) -> None:
    """A mistyped address must not be reported as erased."""
    for target in targets:
        if canonical(target) is None:
            raise UsageError(f"{target[:60]!r} is no name and no address; name each server")


def _note(pseudonyms: Sequence[str], reason: str, now: datetime) -> dict[str, str]:
    return {"pseudonyms": " ".join(pseudonyms), "reason": reason, "at": now.isoformat()}


def _from_files(folder: Folder, names: Names, note: dict[str, str]) -> tuple[int, int]:
    """Prepare and decide; the numbers of rows and of files that change."""
    try:
        erasure = prepare_erasure(folder, names)
        erase_from_scans(folder, names)
        decide(folder, erasure.changes, note | {"rows": str(erasure.rows)})
    except StoreError:
        remove_leftovers(leftovers(folder))  # the new files, which nobody has decided for
        raise
    return erasure.rows, len(erasure.changes)


def _scrubbed(store: Store, names: Names) -> None:
    database = Database(store.url)
    try:
        database.write(lambda connection: blot_nodes(connection, names))
        scrub(database)
    finally:
        database.close()


def _kept_aside(folder: Folder) -> Iterator[str]:
    for path in sorted((folder.root / DAMAGED).rglob("*")):
        if path.is_file():
            yield relative(folder, path)


def _finish(folder: Folder, state: State) -> None:
    """Carry out what was decided, if a crash came between; doing it again changes nothing."""
    plan = read_plan(folder)
    if plan is None:
        return
    carry_out(folder, plan)
    new = [change.new for change in plan.changes if change.new is not None]
    old = [change.old for change in plan.changes if change.old not in new]
    state.replace_files(old, _stored(folder, state, new))
    at = datetime.fromisoformat(plan.note["at"])
    for name in plan.note["pseudonyms"].split():
        state.add_erasure(Erasure(name, at, plan.note["reason"], int(plan.note["rows"])))
    forget_plan(folder)
