"""Where commands write: JSON lines on stdout, or text for people."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchstand.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console


def write_json(document: dict[str, Any]) -> None:
    """Write one JSON document as a line on stdout."""
    from patchstand.report.as_json import encode

    sys.stdout.buffer.write(encode(document) + b"\n")


def console() -> "Console":
    """The terminal for people; plain when it is none, without colour when so asked."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def write_whole(path: Path, text: str) -> None:
    """Write a file all at once: a temporary file beside it, then renamed.

    Raises:
        UsageError: the file cannot be written.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
