"""`patchstand scope ACTION SCOPE`: what a scope file allows, who opted out, GDPR documents."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchstand import __version__
from patchstand.cli.command import FINDINGS, OK, Command, now
from patchstand.cli.output import console, write_json
from patchstand.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

_DOCUMENTS = ("record", "dpia")


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("show", "check", "opt-out", *_DOCUMENTS),
        help="show: what it allows; check: would TARGET be asked; opt-out: add, remove, list;"
        " record, dpia: templates for the GDPR",
    )
    parser.add_argument("scope", type=Path, metavar="SCOPE", help="the scope file")
    parser.add_argument(
        "word",
        nargs="*",
        metavar="WORD",
        help="check: targets; opt-out: add NAME, remove NAME or list",
    )
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for opt-out add")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="record, dpia: write here"
    )


def _run(options: argparse.Namespace) -> int:
    if options.action in {"show", *_DOCUMENTS} and options.word:
        raise UsageError(f"scope {options.action} takes the scope file only")
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "show": _show,
        "check": _check,
        "opt-out": _opt_out,
    }
    return actions.get(options.action, _document)(options)


def _show(options: argparse.Namespace) -> int:
    from patchstand.workflow.scope import show

    shown = show(options.scope, __version__, now().date())
    if options.json:
        write_json(shown)
    else:
        from patchstand.report.terminal_scope import print_scope

        print_scope(console(), shown, _texts(options))
    return OK


def _check(options: argparse.Namespace) -> int:
    from patchstand.report.terminal_scope import print_decision
    from patchstand.workflow.scope import check_targets, load_scope

    if not options.word:
        raise UsageError("name the targets to be checked: scope check SCOPE TARGET...")
    decisions = check_targets(load_scope(options.scope), options.word, now().date())
    out, texts = console(), _texts(options)
    for each in decisions:
        if options.json:
            write_json({"schema": "patchstand/scope-check/1", **asdict(each)})
        else:
            print_decision(out, each.target, each.rule, each.entry, texts)
    return OK if all(each.permitted for each in decisions) else FINDINGS


def _opt_out(options: argparse.Namespace) -> int:
    from patchstand.workflow.scope import opt_out, opted_out

    rows: list[dict[str, Any]]
    if options.word == ["list"]:
        rows = [
            {
                "name": each.name,
                "state": "listed",
                "since": each.since and str(each.since),
                "reason": each.reason,
            }
            for each in opted_out(options.scope)
        ]
    else:
        changes = opt_out(options.scope, options.word, options.reason, now().date())
        rows = [{"name": each.name, "state": each.outcome} for each in changes]
    for row in rows:
        if options.json:
            write_json({"schema": "patchstand/scope-opt-out/1", **row})
        else:
            from patchstand.report.terminal_scope import print_opt_out

            print_opt_out(console(), row, _texts(options))
    return OK


def _document(options: argparse.Namespace) -> int:
    from patchstand.workflow.files import write_whole
    from patchstand.workflow.gdpr import gdpr_document

    made = gdpr_document(options.action, options.scope, __version__, options.lang, now().date())
    if options.output is not None:
        write_whole(options.output, [made["text"].rstrip("\n").encode()])
    if options.json:
        write_json(made)
    elif options.output is None:
        print(made["text"], end="")
    return OK


def _texts(options: argparse.Namespace) -> Any:  # noqa: ANN401  # Catalog, imported when needed
    from patchstand.report.catalog import catalog

    return catalog(options.lang)


COMMAND = Command(
    "scope", "what a scope file allows, who opted out, GDPR documents", _configure, _run
)
