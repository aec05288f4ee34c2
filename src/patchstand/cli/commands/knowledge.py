"""`patchstand knowledge show`: what is known, and until when."""

import argparse

from patchstand.cli.command import OK, Command, as_of
from patchstand.cli.output import console, write_json


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("show",), help="show: version, coverage, counts")


def _run(options: argparse.Namespace) -> int:
    from patchstand.workflow.knowledge import summary

    shown = summary(options.knowledge, as_of(options))
    if options.json:
        write_json(shown)
    else:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal import print_knowledge

        print_knowledge(console(), shown, catalog(options.lang))
    return OK


COMMAND = Command("knowledge", "what is known: version, coverage, newest builds", _configure, _run)
