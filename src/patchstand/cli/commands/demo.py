"""`patchstand demo`: the main job on a simulated estate, scored against the truth."""

import argparse
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand import __version__
from patchstand.cli.command import OK, Command, as_of
from patchstand.cli.output import console, write_json
from patchstand.cli.progress import progress

if TYPE_CHECKING:
    from patchstand.workflow.demo import DemoResult


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--servers", type=int, default=200, metavar="N", help="how many (200)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same estate")
    parser.add_argument("--population", default="default", metavar="NAME|FILE")
    parser.add_argument(
        "--html",
        type=Path,
        default=Path("patchstand-demo.html"),
        metavar="FILE",
        help="where the page for people goes (patchstand-demo.html)",
    )


def _run(options: argparse.Namespace) -> int:
    from patchstand import knowledge
    from patchstand.observe.look import run
    from patchstand.report.html import render_check
    from patchstand.workflow.check import worst_first
    from patchstand.workflow.demo import DemoOptions, demo
    from patchstand.workflow.files import write_whole

    known = knowledge.load(options.knowledge)
    day = as_of(options) if options.as_of else known.covered_until
    wanted = DemoOptions(day, options.servers, options.seed, options.population)
    started = time.monotonic()
    with progress(options.servers, quiet=options.quiet) as step:
        result = run(demo(wanted, known, __version__, step))
    seconds = time.monotonic() - started
    write_whole(
        options.html, [render_check(worst_first(result.servers), options.lang, day).encode()]
    )
    if options.json:
        names = ("kind", "servers", "right", "wide", "wrong")
        write_json(
            {
                "schema": "patchstand/demo/1",
                "as_of": str(day),
                "servers": len(result.servers),
                "score": [dict(zip(names, row, strict=True)) for row in result.score],
                "mistakes": list(result.mistakes),
                "html": str(options.html),
            }
        )
        return OK
    _show(options, result, day, seconds)
    return OK


def _show(options: argparse.Namespace, result: "DemoResult", day: date, seconds: float) -> None:
    from patchstand.report.catalog import catalog
    from patchstand.report.terminal import print_score, print_summary
    from patchstand.workflow.check import worst_first

    out, texts = console(), catalog(options.lang)
    print_summary(out, worst_first(result.servers), texts)
    print_score(out, result.score, texts)
    done = texts.text(
        "demo.done", day=texts.date(day), seconds=f"{seconds:.0f}", file=str(options.html)
    )
    out.print(done, markup=False)


COMMAND = Command("demo", "the main job on simulated servers, scored", _configure, _run)
