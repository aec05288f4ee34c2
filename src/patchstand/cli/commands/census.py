"""`patchstand census`: national figures over a store, as of a day, with rule and bounds."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchstand.cli.command import OK, Command, as_of, number
from patchstand.cli.elsewhere import add_cluster, pool
from patchstand.cli.output import console, write_json
from patchstand.cli.progress import months

if TYPE_CHECKING:
    from patchstand.workflow.census import CensusPlan

_MOST_MONTHS = 1200


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="DIR", required=True, help="the store")
    what = parser.add_argument_group("what to count")
    what.add_argument(
        "--months", type=_months, default=(1, 3, 6, 12, 24), metavar="N,N",
        help="months behind (default: 1,3,6,12,24)",
    )  # fmt: skip
    what.add_argument(
        "--days", type=number(1, 3660), default=30, metavar="N",
        help="days in which new, gone, back and moved are counted (default: 30)",
    )  # fmt: skip
    what.add_argument("--country", metavar="CC", help="servers of this country only, such as DE")
    what.add_argument(
        "--only", type=_names, default=(), metavar="NAME,NAME",
        help="these statistics only (docs/census.md)",
    )  # fmt: skip
    what.add_argument("--series", action="store_true", help="every day up to now as well")
    what.add_argument("--rule", metavar="NAME", help="compare with published figures: de-2024-09")
    what.add_argument(
        "--advisory", type=Path, action="append", default=[], metavar="FILE",
        help="show what an authority published (CSAF)",
    )  # fmt: skip
    _configure_output(parser)
    how = parser.add_argument_group("how")
    how.add_argument(
        "--skip-damaged", action="store_true", help="leave damaged months out, and say which"
    )
    how.add_argument("--rebuild", action="store_true", help="make the derived tables anew")
    how.add_argument(
        "--jobs", type=number(1, 64), default=1, metavar="N", help="processes (default: 1)"
    )
    add_cluster(how)


def _configure_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output, besides the terminal or --json")
    output.add_argument("--sql", action="store_true", help="show how each figure was asked for")
    output.add_argument(
        "--sentences", action="store_true", help="the figures as sentences of a notice"
    )
    output.add_argument("--csv", type=Path, metavar="FILE", help="write every figure as a row")
    output.add_argument("--html", type=Path, metavar="FILE", help="write one self-contained page")
    output.add_argument("--charts", type=Path, metavar="DIR", help="write the charts there")
    output.add_argument(
        "--chart-format", choices=("svg", "png"), default="svg", help="default: svg"
    )
    output.add_argument("--prometheus", type=Path, metavar="FILE", help="write gauges")


def _months(text: str) -> tuple[int, ...]:
    """Months behind from the command line: whole numbers, by commas."""
    read = number(1, _MOST_MONTHS)
    return tuple(sorted({read(each) for each in text.split(",")}))


def _names(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _run(options: argparse.Namespace) -> int:
    from patchstand.workflow.census import census
    from patchstand.workflow.census_report import (
        Wanted,
        beside,
        census_report,
        check_places,
        write_files,
    )

    plan, files = _plan(options), _files(options)
    check_places(files, options.store)
    wanted = Wanted(options.rule, tuple(options.advisory), with_sql=options.sql)
    shown = beside(wanted, plan)
    for path in shown.left_out:
        print(f"{path}: of a later day than the census; left out", file=sys.stderr)
    with pool(options) as others, months(quiet=options.quiet) as on_month:
        counted = census(plan, others, on_month)
    document = census_report(counted, plan, shown)
    for path in write_files(document, files, options.lang):
        if not options.quiet:
            print(path, file=sys.stderr)
    _show(options, document)
    return OK


def _plan(options: argparse.Namespace) -> "CensusPlan":
    from patchstand.census.statistic import Asked
    from patchstand.workflow.census import CensusPlan

    drawn = options.html is not None or options.charts is not None
    return CensusPlan(
        store=options.store,
        as_of=as_of(options),
        override=options.knowledge,
        asked=Asked(options.months, options.days),
        country=options.country,
        only=options.only,
        with_series=options.series or drawn,
        skip_damaged=options.skip_damaged,
        rebuild=options.rebuild,
    )


def _files(options: argparse.Namespace) -> dict[str, Path]:
    """What to write where, by form."""
    found = {
        "csv": options.csv,
        "html": options.html,
        options.chart_format: options.charts,
        "prometheus": options.prometheus,
    }
    return {form: path for form, path in found.items() if path is not None}


def _show(options: argparse.Namespace, document: dict[str, Any]) -> None:
    if options.json:
        write_json(document)
        return
    from patchstand.report.catalog import catalog
    from patchstand.report.census_sentences import sentences
    from patchstand.report.census_terminal import print_census
    from patchstand.report.clean import fold

    cat = catalog(options.lang)
    if options.sentences:
        for sentence in sentences(document, cat):
            print(fold(sentence, sys.stdout.encoding or "utf-8"))
    else:
        print_census(console(), document, cat)


COMMAND = Command(
    "census", "national figures over a store, with rule, denominator and bounds", _configure, _run
)
