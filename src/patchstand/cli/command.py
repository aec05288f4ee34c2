"""The shape of a command: one file per command in `commands/`, found by `plugins`."""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from patchstand.errors import UsageError

OK, FINDINGS, USAGE, NOT_MEASURED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes (docs/commands.md)."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the product: `configure` adds its arguments, `run` returns the exit code.

    `run` imports what it needs when it is called, so that help stays quick.
    """

    name: str
    summary: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_common(parser: argparse.ArgumentParser) -> None:
    """The options every command has."""
    group = parser.add_argument_group("common options")
    group.add_argument("--json", action="store_true", help="machine-readable on stdout")
    group.add_argument("--lang", choices=("en", "de"), default="en", help="language for people")
    group.add_argument(
        "--as-of", type=day, metavar="DATE", help="judge as of this day (default: today)"
    )
    group.add_argument("--quiet", action="store_true", help="no progress on stderr")
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file with defaults for the options"
    )
    group.add_argument(
        "--knowledge", type=Path, metavar="DIR", help="folder whose knowledge files win"
    )


def add_state(parser: argparse.ArgumentParser) -> None:
    """The option of commands that keep state in a store."""
    parser.add_argument(
        "--state",
        metavar="URL",
        default=os.environ.get("PATCHSTAND_STATE"),
        help="postgresql+psycopg://... instead of SQLite in the store (or $PATCHSTAND_STATE)",
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    """The option of commands that note where servers are."""
    parser.add_argument(
        "--places",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="where servers are: mmdb, RIR delegated file, or CSV (docs/store.md)",
    )


def day(text: str) -> date:
    """An ISO date from the command line."""
    try:
        chosen = date.fromisoformat(text)
    except ValueError:
        chosen = None
    if chosen is None or text != str(chosen):  # other spellings of ISO 8601 are refused
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-10-13")
    return chosen


def port(text: str) -> int:
    """A port number from the command line."""
    if not (text.isascii() and text.isdigit()) or not 0 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port")
    return int(text)


def number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number from the command line, within limits."""

    def read(text: str) -> int:
        within = f"from {least} to {most}" if most is not None else f"of at least {least}"
        if not (text.isascii() and text.isdigit()) or len(text) > 40:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {within}")
        chosen = int(text)
        if chosen < least or (most is not None and chosen > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a number {within}")
        return chosen

    return read


def seconds(text: str) -> float:
    """A time from the command line: above 0, at most an hour."""
    try:
        chosen = float(text)
    except ValueError:
        chosen = 0.0
    if not 0 < chosen <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time above 0 and up to 3600 seconds")
    return chosen


def now() -> datetime:
    """The clock; read here and nowhere below the command line."""
    return datetime.now(UTC)


def as_of(options: argparse.Namespace) -> date:
    """The day to judge by: `--as-of`, else today.

    Raises:
        UsageError: the day lies in the future, where nothing is known.
    """
    today = now().date()
    chosen: date = options.as_of or today
    if chosen > today:
        raise UsageError(f"--as-of {chosen}: that day has not come yet")
    return chosen
