"""Replaces immutable files by others, all or none, through a plan that survives a crash.

First the new files are written under temporary names; then the plan is written, which is the
moment of decision; then new files get their names and old ones go. A crash before the plan
changes nothing; after it, `finish_plan` carries on where it stopped.
"""

import os
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from patchstand.errors import StoreError
from patchstand.store.folder import (
    DIGITS,
    TEMPORARY,
    Folder,
    TableFile,
    sync_folder,
    unwritable,
    write_whole,
)
from patchstand.store.integrity import relative

_PLAN = "plan.json"


class Change(msgspec.Struct, frozen=True):
    """One file goes; `new`, if any, takes its place. Paths within the store."""

    old: str
    waiting: str | None = None
    new: str | None = None
    rows: int = 0


class Plan(msgspec.Struct, frozen=True):
    """What was decided; `note` is what to write down once it is done."""

    changes: list[Change]
    note: dict[str, str]


def prepare(folder: Folder, old: TableFile, content: bytes | None, rows: int) -> Change:
    """Write what replaces a file under a temporary name; None: nothing replaces it.

    Raises:
        StoreError: the disk is full.
    """
    if content is None:
        return Change(relative(folder, old.path))
    digits = sha256(content).hexdigest()[:DIGITS]
    stem = old.path.name.removesuffix(".parquet").rpartition(".")[0]
    new = old.path.with_name(f"{stem}.{digits}.parquet")
    waiting = old.path.with_name(f"{TEMPORARY}-{os.getpid()}-new-{new.name}")
    write_whole(waiting, content)
    names = [relative(folder, each) for each in (old.path, waiting, new)]
    return Change(names[0], names[1], names[2], rows)


def decide(folder: Folder, changes: Sequence[Change], note: dict[str, str]) -> None:
    """Write the plan; from here on it will be carried out.

    Raises:
        StoreError: the disk is full; nothing is decided.
    """
    write_whole(folder.root / _PLAN, msgspec.json.encode(Plan([*changes], note)))


def read_plan(folder: Folder) -> Plan | None:
    """The plan that is not carried out yet, if there is one.

    Raises:
        StoreError: it cannot be read.
    """
    path = folder.root / _PLAN
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(path, error) from error
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}") from error


def carry_out(folder: Folder, plan: Plan) -> None:
    """Put the files in place; doing it again changes nothing.

    Raises:
        StoreError: the folder is not writable; do it again.
    """
    for change in plan.changes:
        old = folder.root / change.old
        try:
            # The new one first: a row seen twice for a moment is better than one not seen.
            if change.waiting and change.new and (folder.root / change.waiting).exists():
                (folder.root / change.waiting).replace(folder.root / change.new)
            if change.old != change.new:
                old.unlink(missing_ok=True)
            sync_folder(old.parent)
        except OSError as error:
            raise unwritable(old, error) from error


def forget_plan(folder: Folder) -> None:
    """Remove a plan that is carried out and noted.

    Raises:
        StoreError: the folder is not writable.
    """
    path = folder.root / _PLAN
    try:
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
