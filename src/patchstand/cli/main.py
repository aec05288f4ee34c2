"""Entry point: finds the command, maps errors to one line and an exit code."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from patchstand import __version__
from patchstand.cli import commands
from patchstand.cli.command import INTERRUPTED, OK, USAGE, Command, add_common
from patchstand.cli.config import configure
from patchstand.cli.output import leave_stdout
from patchstand.errors import PatchstandError
from patchstand.plugins import declared


def run() -> None:
    """Run the command line of this process and exit."""
    if sys.stdout is None:  # started with its output closed
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code (docs/commands.md). Never a traceback for a user's error."""
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
    except (PatchstandError, ModuleNotFoundError) as error:
        print(f"patchstand: {_said(error)}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("patchstand: interrupted", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        return _output_failed(error)
    return code


_EXTRAS = {
    "store": ("alembic", "duckdb", "maxminddb", "pyarrow", "sqlalchemy"),
    "census": ("numpy",),
    "cluster": ("dask", "distributed", "procrastinate", "psycopg"),
    "report": ("font_lato", "resvg_py"),
}


def _said(error: PatchstandError | ModuleNotFoundError) -> str:
    """What to do: the error's own line, or which extra has the library that is not there.

    Raises:
        ModuleNotFoundError: it belongs to no extra: the installation is broken.
    """
    if isinstance(error, PatchstandError):
        return str(error)
    top = (error.name or "").partition(".")[0]
    extra = next((name for name, libraries in _EXTRAS.items() if top in libraries), None)
    if extra is None:
        raise error
    return f"this needs the extra `{extra}`: pip install 'patchstand[{extra}]'"


def _output_failed(error: OSError) -> int:
    """Writing failed: a reader that has gone is no error, a full disk is one."""
    leave_stdout()  # nothing more can be flushed
    if isinstance(error, BrokenPipeError):
        return OK
    print(f"patchstand: cannot write the result: {error.strerror}", file=sys.stderr)
    return USAGE


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and where to read more."""

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with the exit code of wrong usage."""
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="patchstand",
        description="Which build is an Exchange server, how far behind, what follows from that.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"patchstand {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    known: dict[str, argparse.ArgumentParser] = {}
    for command in declared(commands, "COMMAND").values():
        own = subparsers.add_parser(
            command.name, help=command.summary, description=command.summary, allow_abbrev=False
        )
        command.configure(own)
        add_common(own)
        own.set_defaults(run=command)
        known[command.name] = own
    configure(known, arguments)
    return parser
