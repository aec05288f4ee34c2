"""The verb `lab`: an estate of simulated servers on loopback, until it is told to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random

import msgspec

from patchstand.lab import Estate, Lab, Ports, estate, fastest_loop, population, running
from patchstand.model import Knowledge, Scope
from patchstand.workflow.files import write_whole

LOOPBACK = "127.0.0.0/8"
CONTACT = "lab@lab.invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabOptions:
    """What `patchstand lab` is asked for; a path of None writes no such file.

    `population` is a name (default, clean, hostile) or the path of a JSON file. The estate
    shows builds released on or before `as_of`. `texts` are TXT records by name.
    """

    servers: int
    as_of: date
    population: str = "default"
    seed: int = 0
    ports: Ports = field(default_factory=Ports)
    targets_out: Path | None = None
    scope_out: Path | None = None
    truth_out: Path | None = None
    counts_out: Path | None = None
    texts: dict[str, tuple[str, ...]] = field(default_factory=dict)


def run_lab(options: LabOptions, knowledge: Knowledge, on_ready: Callable[[Lab], None]) -> None:
    """Make the estate, write its files, serve until SIGINT or SIGTERM; then return.

    The files are complete before `on_ready` is called; the counts follow at the end.

    Raises:
        UsageError: the population or the number of servers is wrong, or a file cannot be
            written.
        LabError: the machine does not allow it.
    """
    made = estate(
        options.servers,
        knowledge.updates,
        population(options.population),
        Random(options.seed),  # noqa: S311 # a repeatable estate, no secret
        options.as_of,
    )
    with asyncio.Runner(loop_factory=fastest_loop) as runner:
        runner.run(_until_stopped(made, options, on_ready))


async def _until_stopped(
    made: Estate, options: LabOptions, on_ready: Callable[[Lab], None]
) -> None:
    stop = asyncio.Event()
    async with running(made, options.ports, texts=options.texts) as lab:
        with _stopped_by_signals(stop):
            _write_files(options, lab)
            on_ready(lab)
            await stop.wait()
    if options.counts_out is not None:
        write_whole(options.counts_out, [msgspec.json.encode(lab.tally.record())])


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM set `stop`; Windows keeps its KeyboardInterrupt."""
    loop = asyncio.get_running_loop()
    taken = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not on Windows, and not beside the main thread.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
            taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


def lab_scope() -> Scope:
    """The scope that permits probing the lab: all of 127.0.0.0/8, our own servers."""
    return Scope(
        authority="own",
        legal_basis="simulated servers on this machine",
        purposes=("inform", "census", "publish"),
        contact=CONTACT,
        networks=(LOOPBACK,),
    )


def _write_files(options: LabOptions, lab: Lab) -> None:
    if options.targets_out is not None:
        write_whole(options.targets_out, (line.encode() for line in lab.targets()))
    if options.scope_out is not None:
        write_whole(options.scope_out, [msgspec.json.encode(lab_scope())])
    if options.truth_out is not None:
        write_whole(options.truth_out, map(msgspec.json.encode, lab.truth()))
