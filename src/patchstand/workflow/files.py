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

    Raises:
        UsageError: the folder is missing or not writable.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)
