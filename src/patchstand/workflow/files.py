"""Writes files whole or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path

from patchstand.errors import UsageError


def write_whole(path: Path, lines: Iterable[bytes]) -> None:
    """Write lines to `path`; see `write_bytes`.

    Raises:
        UsageError: the folder is missing or not writable.
    """
    write_bytes(path, b"".join(line + b"\n" for line in lines))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `path` through a temporary file beside it, renamed at the end.

    A link is followed; what is no regular file (a pipe, a device) is written to as it is.

    Raises:
        UsageError: the name is empty or a folder's, its folder is missing or not writable.
    """
    try:
        target = path.resolve()
        if path.name == "" or target.is_dir():
            raise UsageError(f"cannot write {path}: it is a folder; name a file")
        if target.exists() and not target.is_file():
            target.write_bytes(content)
            return
        _replace(target, content)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error


def _replace(target: Path, content: bytes) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
