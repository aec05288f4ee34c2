"""`patchstand identify`: evidence texts, from the argument, stdin or a file."""

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import BinaryIO

from patchstand.cli.command import OK, USAGE, Command, as_of
from patchstand.cli.output import console, write_json
from patchstand.errors import UsageError

_LONGEST_TEXT = 4 << 20
_LONGEST_LINE = 16 << 20
"""Bytes read of one text and of one line of a file; what tells a build stands far before."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text, or - for stdin")
    parser.add_argument("--kind", default="auto", help="kind of the text (default: auto)")
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="FILE.jsonl",
        help='one {"kind": ..., "text": ...} per line',
    )


def _run(options: argparse.Namespace) -> int:
    day = as_of(options)
    if options.source is not None:
        if options.text is not None:
            raise UsageError("give a TEXT or --from FILE, not both")
        return _from_file(options, day)
    if options.text is None:
        raise UsageError("give a TEXT, - for stdin, or --from FILE.jsonl")
    if options.text != "-" and _is_file(options.text):
        raise UsageError(f"{options.text} is a file; use: patchstand identify - < {options.text}")
    text = _stdin() if options.text == "-" else options.text
    _show(text, options.kind, day, options)
    return OK


def _is_file(text: str) -> bool:
    """True for the name of a file; a header is no possible name of one."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _stdin() -> str:
    if sys.stdin is None:
        raise UsageError("there is no stdin to read from")
    return _decode(sys.stdin.buffer.read(_LONGEST_TEXT))


def _decode(text: bytes) -> str:
    """UTF-8, else Latin-1: greetings of old servers are not UTF-8."""
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _from_file(options: argparse.Namespace, day: date) -> int:
    rejected = 0
    read = 0
    try:
        with options.source.open("rb") as lines:
            for number, line in _lines(lines):
                read += 1
                problem = _one_line(number, line, options, day)
                if problem:
                    rejected += 1
                    print(f"patchstand: {options.source}:{number}: {problem}", file=sys.stderr)
    except BrokenPipeError:
        raise  # the reader of our output has gone; the input is fine
    except OSError as error:
        raise UsageError(f"{options.source}: {error.strerror}") from error
    if not read:
        raise UsageError(f"{options.source} is empty")
    return USAGE if rejected else OK


def _lines(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines with their number; of a line that is too long only the beginning."""
    number = 0
    while line := source.readline(_LONGEST_LINE):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):  # skip what is left of an endless line
            rest = source.readline(_LONGEST_LINE)
        if line.strip():
            yield number, line


def _one_line(number: int, line: bytes, options: argparse.Namespace, day: date) -> str | None:
    """Identify one line; what is wrong with it, or None."""
    try:
        row = json.loads(_decode(line))
    except ValueError:
        return "not a JSON object" if len(line) < _LONGEST_LINE else "longer than 16 MiB"
    except RecursionError:
        return "nested too deeply"
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        return 'no "text"'
    kind = row.get("kind", options.kind)
    try:
        _show(row["text"], kind if isinstance(kind, str) else "", day, options, number)
    except UsageError as error:
        return str(error)
    return None


def _show(
    text: str, kind: str, day: date, options: argparse.Namespace, line: int | None = None
) -> None:
    from patchstand import knowledge
    from patchstand.workflow.identify import identify_text

    known = knowledge.load(options.knowledge)
    sighted, used = identify_text(text, kind, day, known)
    if options.json:
        from patchstand.report.as_json import identity_document

        write_json(identity_document(sighted, used.value, line))
    else:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal import print_identity

        print_identity(console(), sighted, catalog(options.lang))


COMMAND = Command(
    "identify", "which builds an evidence text is compatible with, offline", _configure, _run
)
