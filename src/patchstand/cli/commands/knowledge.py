"""`patchstand knowledge show`, `vex`: what is known, until when, and as a CSAF document."""

import argparse
import sys
from pathlib import Path

from patchstand.cli.command import OK, Command, as_of
from patchstand.cli.output import console, write_json
from patchstand.errors import UsageError


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=tuple(_ACTIONS), help="what to do with it")
    document = parser.add_argument_group("vex: a CSAF 2.0 document of the profile VEX")
    document.add_argument("--out", type=Path, metavar="FILE", help="write it to this file")
    document.add_argument("--publisher", metavar="NAME", help="who publishes it")
    document.add_argument("--namespace", metavar="URL", help="a URL of the publisher")


def _run(options: argparse.Namespace) -> int:
    given = (options.out, options.publisher, options.namespace)
    if options.action != "vex" and any(each is not None for each in given):
        raise UsageError("--out, --publisher and --namespace belong to knowledge vex")
    return _ACTIONS[options.action](options)


def _show(options: argparse.Namespace) -> int:
    from patchstand.workflow.knowledge import summary

    shown = summary(options.knowledge, as_of(options))
    if options.json:
        write_json(shown)
    else:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal import print_knowledge

        print_knowledge(console(), shown, catalog(options.lang))
    return OK


def _vex(options: argparse.Namespace) -> int:
    from patchstand.report.as_json import encode
    from patchstand.workflow.files import write_whole
    from patchstand.workflow.vex import Publisher, knowledge_vex

    if options.json == (options.out is not None):
        raise UsageError("say where to write it: --out FILE, or --json for stdout")
    if options.publisher is None or options.namespace is None:
        raise UsageError("say who publishes it: --publisher NAME and --namespace URL")
    publisher = Publisher(options.publisher, options.namespace)
    made = knowledge_vex(options.knowledge, as_of(options), publisher)
    if options.json:
        write_json(made.document)
        return OK
    write_whole(options.out, [encode(made.document)])
    if options.out.name != made.file_name and not options.quiet:
        print(f"{options.out}: publish it as {made.file_name}", file=sys.stderr)
    return OK


_ACTIONS = {"show": _show, "vex": _vex}

COMMAND = Command(
    "knowledge", "what is known: version, coverage, newest builds; as CSAF", _configure, _run
)
