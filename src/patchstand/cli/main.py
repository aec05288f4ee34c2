"""Entry point: finds the command, maps errors to one line and an exit code."""

import argparse
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from patchstand import __version__
from patchstand.cli import commands
from patchstand.cli.command import INTERRUPTED, OK, USAGE, Command, add_common
from patchstand.errors import PatchstandError
from patchstand.plugins import declared


def run() -> None:
    """Run the command line of this process and exit."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code (DESIGN, section 5). Never a traceback for a user's error."""
    try:
        parser = _parser(arguments)
        options = parser.parse_args(arguments)
        if options.command is None:
            parser.print_help()
            return USAGE
        command: Command = options.run
        code = command.run(options)
        sys.stdout.flush()
    except SystemExit as leaving:  # argparse: --help, --version or a wrong argument
        return leaving.code if isinstance(leaving.code, int) else USAGE
    except PatchstandError as error:
        print(f"patchstand: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("patchstand: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone: nothing to tell anyone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="patchstand",
        description="Which build is an Exchange server, how far behind, what follows from that.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"patchstand {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in declared(commands, "COMMAND").values():
        own = subparsers.add_parser(
            command.name, help=command.summary, description=command.summary, allow_abbrev=False
        )
        command.configure(own)
        add_common(own)
        own.set_defaults(run=command, **_configured(own, command.name, arguments))
    return parser


def _configured(
    parser: argparse.ArgumentParser, name: str, arguments: Sequence[str]
) -> dict[str, object]:
    """Defaults from `--config FILE`: its top level and the table named after the command."""
    if name not in arguments[:1]:
        return {}
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--config", type=Path)
    path = finder.parse_known_args(arguments)[0].config
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        parser.error(f"--config {path}: {error.strerror}")
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        parser.error(f"--config {path}: {error}")
    own = content.get(name, {})
    tables = {key for key, value in content.items() if isinstance(value, dict)}
    values = {key: value for key, value in content.items() if key not in tables} | own
    return _checked(parser, path, values)


def _checked(
    parser: argparse.ArgumentParser, path: Path, values: dict[str, object]
) -> dict[str, object]:
    """Refuse keys that are no options: a misspelt one must not be ignored in silence."""
    actions = {action.dest: action for action in parser._actions if action.option_strings}  # noqa: SLF001  argparse has no public list
    defaults: dict[str, object] = {}
    for key, value in values.items():
        action = actions.get(key.replace("-", "_"))
        if action is None:
            parser.error(f"--config {path}: no option is called {key!r}")
        if action.choices is not None and value not in action.choices:
            parser.error(f"--config {path}: {key} must be one of {', '.join(action.choices)}")
        defaults[action.dest] = str(value) if action.type is not None else value
    return defaults
