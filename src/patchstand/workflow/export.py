"""store export: observations leave the store under pseudonyms, or sealed, or are one's own."""

import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from patchstand import knowledge
from patchstand.errors import UsageError
from patchstand.report import shadowserver
from patchstand.report.as_json import encode
from patchstand.report.intelmq import event
from patchstand.store.disclosures import Disclosure
from patchstand.store.export import (
    COLUMNS,
    Selection,
    export_json,
    export_rows,
    not_own,
    write_parquet,
)
from patchstand.store.folder import TEMPORARY, Folder, sync_folder, unwritable
from patchstand.store.pseudonym import Mask
from patchstand.store.seal import Recipient, read_recipient, seal
from patchstand.store.spreadsheet import csv_lines
from patchstand.store.state import State
from patchstand.workflow.judged import vulnerable
from patchstand.workflow.store import Store, mask_of

FORMS = ("json", "csv", "parquet")
"""Forms with one row for each observation."""
JUDGED = ("shadowserver", "intelmq")
"""Forms with one row for each vulnerable server; their selection is a `window`."""
LARGEST_SEALED = 256 * 1024 * 1024
"""Bytes of a list before it is sealed: sealing happens in memory."""


@dataclass(frozen=True, slots=True)
class Naming:
    """What allows an export to name servers: sealed for recipients, or servers of one's own."""

    who: str
    reason: str
    tlp: str = ""
    recipients: tuple[Path, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class Export:
    """What leaves the store, in which form; without `naming` under pseudonyms.

    `form` is one of `FORMS` or `JUDGED`; those of `JUDGED` want a `window` as selection.
    """

    store: Store
    selection: Selection
    form: str = "json"
    naming: Naming | None = None
    knowledge: Path | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """What left: rows, bytes, and the number of the journal's entry if servers were named."""

    rows: int
    bytes: int
    sha256: str
    entry: int | None = None


class _Meter:
    """Hands bytes on, and keeps their number and digest."""

    def __init__(self, sink: BinaryIO | None, most: int | None = None) -> None:
        self._sink, self._most = sink, most
        self._digest = sha256()
        self.bytes = 0
        self.rows = 0

    def write(self, content: bytes) -> int:
        self.bytes += len(content)
        if self._most is not None and self.bytes > self._most:
            raise UsageError(
                f"more than {self._most >> 20} MB for one sealed file;"
                " choose less with --scan, --since or --until"
            )
        self._digest.update(content)
        if self._sink is not None:
            self._sink.write(content)
        return len(content)

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()


def export_to_stream(export: Export, sink: BinaryIO, now: datetime) -> Exported:
    """Write JSON or CSV to a stream; names only of one's own servers, after a journal entry.

    Raises:
        UsageError: no store, no server to judge, or servers of others would be named.
        StoreError: the store cannot be read.
    """
    with export.store.open() as (folder, state):
        entry = None
        if export.naming is not None:
            _check_own(folder, export)
            first = _Meter(None)  # what will leave, before any of it does
            _write(export, folder, None, first)
            entry = _journal(state, export, export.naming, first, now)
        meter = _Meter(sink)
        _write(export, folder, _mask(export, state, now), meter)
        return Exported(meter.rows, meter.bytes, meter.digest, entry)


def export_to_file(export: Export, path: Path, now: datetime) -> Exported:
    """Write a file, whole or not at all; if it names servers, the journal comes first.

    Raises:
        UsageError: no store, the file cannot be written, or servers of others would be named.
        StoreError: the store cannot be read.
    """
    with export.store.open() as (folder, state), _whole(path) as (file, show):
        meter = _Meter(file)
        entry = None
        if export.naming is not None:
            _check_own(folder, export)
        _write(export, folder, _mask(export, state, now), meter)
        if export.naming is not None:
            entry = _journal(state, export, export.naming, meter, now)
        show()
        return Exported(meter.rows, meter.bytes, meter.digest, entry)


def export_sealed(export: Export, naming: Naming, path: Path, now: datetime) -> Exported:
    """Write names, encrypted to the recipients; what is encrypted never touches the disk.

    Raises:
        UsageError: a recipient cannot be used, the list is too large, or a file not writable.
        StoreError: the store cannot be read.
    """
    recipients = [read_recipient(each, now) for each in naming.recipients]
    with export.store.open() as (folder, state):
        content = io.BytesIO()
        plain = _Meter(content, LARGEST_SEALED)
        _write(export, folder, None, plain)
        sealed = _Meter(io.BytesIO())
        with _whole(path) as (file, show):
            whole = seal(content.getvalue(), recipients)
            sealed.write(whole)
            sealed.rows = plain.rows
            file.write(whole)
            entry = _journal(state, export, naming, sealed, now, recipients=recipients)
            show()
    return Exported(plain.rows, sealed.bytes, sealed.digest, entry)


def _check_own(folder: Folder, export: Export) -> None:
    others = not_own(folder, export.selection)
    if others:
        raise UsageError(
            f"{others} of these observations were not made on servers of your own (their permit);"
            " leave --own away, or seal the list with --recipient"
        )


def _mask(export: Export, state: State, now: datetime) -> Mask | None:
    """Pseudonyms under the current key; None where names may be shown."""
    if export.naming is not None:
        return None
    return mask_of(state, now, export.knowledge)


def _write(export: Export, folder: Folder, mask: Mask | None, meter: _Meter) -> None:
    if export.form == "parquet":
        meter.rows = write_parquet(export_rows(folder, export.selection, mask), _File(meter))
        return
    judged = export.form in JUDGED
    lines = _judged(export, folder, mask) if judged else _observed(export, folder, mask)
    count = 0
    for line in lines:
        meter.write(line.encode())
        count += 1
    meter.rows = count - (export.form in _WITH_HEADER)


_WITH_HEADER = ("csv", "shadowserver")


def _observed(export: Export, folder: Folder, mask: Mask | None) -> Iterator[str]:
    """The lines of a form with one row for each observation."""
    tlp = export.naming.tlp if export.naming else ""
    if export.form == "json":
        return (line + "\n" for line in export_json(folder, export.selection, mask, tlp))
    rows = export_rows(folder, export.selection, mask)
    marked = ((*row, tlp) for row in rows) if tlp else rows
    return csv_lines((*COLUMNS, "tlp") if tlp else COLUMNS, marked)


def _judged(export: Export, folder: Folder, mask: Mask | None) -> Iterator[str]:
    """The lines of a form with one row for each vulnerable server."""
    found = vulnerable(folder, export.selection, knowledge.load(export.knowledge), mask)
    if export.form == "shadowserver":
        rows = map(shadowserver.row, found)
        return csv_lines(shadowserver.COLUMNS, rows, dialect="unix")
    tlp = export.naming.tlp if export.naming else ""
    return (encode(event(each, tlp)).decode() + "\n" for each in found)


class _File(io.RawIOBase):
    """A meter as a file that can only be written to, for the writer of Parquet."""

    def __init__(self, meter: _Meter) -> None:
        super().__init__()
        self._meter = meter

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        return self._meter.write(bytes(content))  # type: ignore[call-overload]


def _journal(
    state: State,
    export: Export,
    naming: Naming,
    output: _Meter,
    now: datetime,
    *,
    recipients: Sequence[Recipient] = (),
) -> int:
    """Write down that servers are named, before anybody can see them; the entry's number."""
    wanted = export.selection
    what = f"export {export.form}, scan {wanted.scan or 'all'}, days {wanted.since}..{wanted.until}"
    disclosure = Disclosure(
        at=now,
        who=naming.who,
        what=what if recipients else f"{what}, own servers",
        recipients=tuple(f"{each.subject} SHA256:{each.fingerprint}" for each in recipients),
        tlp=naming.tlp,
        reason=naming.reason,
        rows=output.rows,
        output=output.digest,
    )
    return state.add_disclosure(disclosure).number


@contextmanager
def _whole(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], None]]]:
    """A file under a temporary name, for its owner alone; `show` gives it its name."""
    beside = path.with_name(f"{TEMPORARY}-{os.getpid()}-{path.name}")
    try:
        number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(number, "wb") as file:
            yield file, partial(_show, file, beside, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def _show(file: BinaryIO, beside: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    beside.replace(path)
    sync_folder(path.parent)
