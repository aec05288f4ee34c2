"""`patchstand build BUILD`: what a build number means."""

import argparse

from patchstand.cli.command import OK, Command, as_of
from patchstand.cli.output import console, write_json


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "build", metavar="BUILD", help="four parts (15.2.1118.40), or three for the whole CU"
    )


def _run(options: argparse.Namespace) -> int:
    from patchstand import knowledge
    from patchstand.workflow.build import judge_number

    known = knowledge.load(options.knowledge)
    identity, assessment, note = judge_number(options.build, known, as_of(options))
    if options.json:
        from patchstand.report.as_json import build_document

        write_json(build_document(options.build, identity, assessment, note))
    else:
        from patchstand.report.catalog import catalog
        from patchstand.report.terminal import print_build

        out = console()
        print_build(out, assessment, catalog(options.lang))
        if note:
            out.print(note, markup=False)
    return OK


COMMAND = Command("build", "what a build number means at a date", _configure, _run)
