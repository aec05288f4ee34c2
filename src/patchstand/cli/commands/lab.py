"""`patchstand lab`: an estate of simulated servers on loopback, until Ctrl-C."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from patchstand.cli.command import OK, Command, as_of, port
from patchstand.cli.output import write_json

if TYPE_CHECKING:
    from patchstand.lab import Lab


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--servers", type=int, default=200, metavar="N", help="how many (200)")
    parser.add_argument(
        "--population",
        default="default",
        metavar="NAME|FILE",
        help="default, clean, hostile, or a JSON file (docs/lab.md)",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="same seed, same estate")
    for name, what in (
        ("targets", "one target a line"),
        ("scope", "a scope that permits asking them"),
        ("truth", "what each truly is, as JSON lines"),
        ("counts", "connections and requests per server, written at the end"),
    ):
        parser.add_argument(f"--{name}-out", type=Path, metavar="FILE", help=what)
    for service, number in (("https", 8443), ("smtp", 2525), ("imap", 1143), ("pop", 1110)):
        parser.add_argument(f"--{service}-port", type=port, default=number, metavar="PORT")
    parser.add_argument("--dns-port", type=port, default=5353, metavar="PORT")


def _run(options: argparse.Namespace) -> int:
    from patchstand import knowledge
    from patchstand.lab import Ports
    from patchstand.workflow.lab import LabOptions, run_lab

    known = knowledge.load(options.knowledge)
    ports = Ports(
        https=options.https_port,
        smtp=options.smtp_port,
        imap=options.imap_port,
        pop=options.pop_port,
        dns=options.dns_port,
    )
    wanted = LabOptions(
        servers=options.servers,
        as_of=min(as_of(options), known.covered_until),
        population=options.population,
        seed=options.seed,
        ports=ports,
        targets_out=options.targets_out,
        scope_out=options.scope_out,
        truth_out=options.truth_out,
        counts_out=options.counts_out,
    )
    run_lab(wanted, known, _say_ready if not options.json else _say_ready_json)
    return OK


def _say_ready(lab: "Lab") -> None:
    ports = lab.ports
    print(
        f"{len(lab.estate.servers)} servers on 127.0.0.0/8: https {ports.https}, smtp "
        f"{ports.smtp}, imap {ports.imap}, pop {ports.pop}, dns 127.0.0.1:{ports.dns}"
    )
    print("ready", flush=True)


def _say_ready_json(lab: "Lab") -> None:
    ports = lab.ports
    write_json(
        {
            "schema": "patchstand/lab/1",
            "state": "ready",
            "servers": len(lab.estate.servers),
            "ports": {
                name: getattr(ports, name) for name in ("https", "smtp", "imap", "pop", "dns")
            },
        }
    )
    import sys

    sys.stdout.flush()


COMMAND = Command("lab", "simulated servers on loopback, for trying and testing", _configure, _run)
