"""`patchstand import FILE...`: rows of somebody else's reports into a store."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.command import OK, Command, add_places, add_state, as_of, now
from patchstand.cli.output import console, write_json

if TYPE_CHECKING:
    from patchstand.workflow.importing import Imported, ImportPlan

_SHOWN = 20
"""Rejected rows told on the terminal; --rejected FILE has them all."""


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="+", type=Path, metavar="FILE", help="reports to import")
    parser.add_argument("--store", type=Path, metavar="DIR", required=True, help="where to keep it")
    add_state(parser)
    parser.add_argument("--format", metavar="NAME", help="the format, where it is not recognised")
    parser.add_argument(
        "--rejected", type=Path, metavar="FILE", help="write every rejected row there, as CSV"
    )
    add_places(parser)


def _run(options: argparse.Namespace) -> int:
    from patchstand.cli.progress import counted
    from patchstand.observe.importers import importer_for
    from patchstand.workflow.importing import import_file, note_import
    from patchstand.workflow.register import state_of

    chosen = [(path, importer_for(path, options.format)) for path in options.file]
    plan = _plan(options)
    done = []
    with state_of(plan.folder, options.state) as state:
        for path, importer in chosen:
            with counted(path.name, quiet=options.quiet) as step:
                done.append(import_file(path, importer, plan, step))
            note_import(state, plan, done[-1], now())
            if options.rejected is not None and not done[-1].already:
                _write_rejected(options.rejected, done)
            _tell(options, done[-1])
    return OK


def _plan(options: argparse.Namespace) -> "ImportPlan":
    from patchstand import knowledge
    from patchstand.store.folder import Folder
    from patchstand.store.places import Places
    from patchstand.workflow.importing import ImportPlan

    place_of = Places.load(options.places).of if options.places else None
    known = knowledge.load(options.knowledge)
    folder = Folder.open(options.store, now())
    return ImportPlan(folder, known, as_of(options), now(), place_of)


def _tell(options: argparse.Namespace, done: "Imported") -> None:
    from patchstand.report.catalog import catalog
    from patchstand.report.imported import import_document, print_import

    if options.json:
        write_json(import_document(done.path.name, done))
        return
    print_import(console(), done.path.name, done, catalog(options.lang))
    for row in done.rejected[:_SHOWN]:
        print(f"{done.path.name}, line {row.line}: {row.reason}", file=sys.stderr)


def _write_rejected(path: Path, done: list["Imported"]) -> None:
    import csv
    import io

    from patchstand.workflow.files import write_whole

    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("file", "line", "reason"))
    rows.writerows((each.path.name, row.line, row.reason) for each in done for row in each.rejected)
    write_whole(path, text.getvalue().encode().splitlines())


COMMAND = Command("import", "rows of somebody else's reports into a store", _configure, _run)
