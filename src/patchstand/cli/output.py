"""Where commands write: JSON lines on stdout, or text for people."""

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def write_json(document: dict[str, Any], *, flush: bool = True) -> None:
    """Write one JSON document as a line on stdout; `flush` False where very many follow."""
    from patchstand.report.as_json import encode

    sys.stdout.buffer.write(encode(document) + b"\n")
    if flush:
        sys.stdout.buffer.flush()  # whoever reads along sees each server when it is done


def console() -> "Console":
    """The terminal for people; plain when it is none, without colour when so asked."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=not sys.stdout.isatty())


def leave_stdout() -> None:
    """Let everything written from here on go nowhere: whoever read it has gone."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
