"""`patchstand simulate`: observations of a country that has published figures, into a store."""

import argparse
from pathlib import Path

from patchstand.cli.command import OK, Command, add_state, now, number
from patchstand.cli.output import console, write_json
from patchstand.cli.progress import months


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--population",
        metavar="NAME",
        required=True,
        help="such as de-2024-09 (docs/published-figures.md)",
    )
    parser.add_argument("--store", type=Path, metavar="DIR", required=True, help="where to keep it")
    add_state(parser)
    parser.add_argument(
        "--servers", type=number(10, 2_000_000), default=1000, metavar="N",
        help="servers that are there on any day (default: 1000)",
    )  # fmt: skip
    parser.add_argument(
        "--days", type=number(1, 10_000), default=365, metavar="D",
        help="days, the last one that of the figures (default: 365)",
    )  # fmt: skip
    parser.add_argument(
        "--seed",
        type=number(0),
        default=1,
        metavar="S",
        help="same seed, same country (default: 1)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be written")


def _run(options: argparse.Namespace) -> int:
    from patchstand.report.catalog import catalog
    from patchstand.report.simulated import print_simulated, simulated_document
    from patchstand.workflow.simulate import Simulation, preview, simulate

    wanted = Simulation(
        population=options.population,
        servers=options.servers,
        days=options.days,
        seed=options.seed,
        store=options.store,
        state=options.state,
        override=options.knowledge,
    )
    if options.dry_run:
        done = preview(wanted)
    else:
        with months(quiet=options.quiet) as on_month:
            done = simulate(wanted, now(), on_month)
    document = simulated_document(
        options.population,
        (done.batch, done.first, done.last),
        {
            "servers": options.servers,
            "days": options.days,
            "seed": options.seed,
            "observations": done.rows,
            "servers_ever": done.servers,
            "builds": done.builds,
            "bytes": done.bytes,
        },
    )
    if options.json:
        write_json(document)
    else:
        print_simulated(console(), document, catalog(options.lang))
    return OK


COMMAND = Command(
    "simulate", "observations of a country that has published figures", _configure, _run
)
