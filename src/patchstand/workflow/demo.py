"""demo: the main job on a simulated estate, scored against what its servers truly are."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from random import Random

from patchstand.lab import estate, population, running
from patchstand.model import Build, CheckedServer, Knowledge
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.workflow.check import CheckOptions, check
from patchstand.workflow.lab import CONTACT, lab_scope
from patchstand.workflow.targets import parse_target


class Mark(StrEnum):
    """How an answer compares with the truth."""

    RIGHT = "right"
    WIDE = "wide"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """How big the estate is, which one, and the day it is seen and judged on."""

    as_of: date
    servers: int = 200
    seed: int = 0
    population: str = "default"
    concurrency: int = 50


@dataclass(frozen=True, slots=True)
class DemoResult:
    """The checked servers in address order, and the score per kind of server.

    `score` rows: kind, servers, right, wide, wrong.
    """

    servers: tuple[CheckedServer, ...]
    score: tuple[tuple[str, int, int, int, int], ...]
    mistakes: tuple[str, ...]


async def demo(
    options: DemoOptions, known: Knowledge, version: str, on_step: Callable[[], None]
) -> DemoResult:
    """Start an estate, check all of it through real sockets, score it, stop it.

    Everything is judged as of `options.as_of`, so nothing depends on today.
    """
    day = options.as_of
    chance = Random(options.seed)  # noqa: S311  repeatable, not secret
    made = estate(options.servers, known.updates, population(options.population), chance, day)
    found: dict[str, CheckedServer] = {}
    async with running(made) as lab:
        targets = [parse_target(line) for line in lab.targets()]
        judging = CheckOptions(day, options.concurrency)
        async for server in check(targets, _approach(version, day), known, judging):
            found[server.observation.target.name] = server
            on_step()
        truths = lab.truth()
    return _scored(found, truths)


def _approach(version: str, day: date) -> Approach:
    def now() -> datetime:
        return datetime.combine(day, time(12), UTC)

    return Approach(
        gate=Gate(now, scope=lab_scope()),
        resolver=Resolver(),
        prober=Prober(version, CONTACT),
        now=now,
        nodes=4,
        limits=Limits(answer=5.0, target=20.0),
    )


def _scored(found: dict[str, CheckedServer], truths: list[dict[str, object]]) -> DemoResult:
    counts: dict[str, list[int]] = {}
    mistakes = []
    marks = list(Mark)
    for truth in truths:
        name = str(truth["target"]).split()[0]
        mark = mark_of(found[name], truth)
        row = counts.setdefault(str(truth["kind"]), [0, 0, 0])
        row[marks.index(mark)] += 1
        if mark is Mark.WRONG:
            mistakes.append(f"{name} ({truth['kind']})")
    servers = tuple(found[str(truth["target"]).split()[0]] for truth in truths)
    score = tuple((kind, sum(row), *row) for kind, row in sorted(counts.items()))
    return DemoResult(servers, score, tuple(mistakes))  # type: ignore[arg-type]  # rows of three


def mark_of(server: CheckedServer, truth: dict[str, object]) -> Mark:
    """Compare one answer with its truth record.

    Wrong: it says Exchange where there is none or none where there is, or its set lacks
    the true build of a node it claims to know. Wide: honest, but wider than was visible.
    """
    is_exchange = truth["is_exchange"]
    if server.is_exchange is not None and server.is_exchange is not is_exchange:
        return Mark.WRONG
    if is_exchange is not True:
        return Mark.RIGHT
    if server.is_exchange is None:
        return Mark.RIGHT if truth["hostile"] or truth["visible"] == "none" else Mark.WIDE
    nodes = truth["nodes"]
    assert isinstance(nodes, list)
    true_builds = {_published(Build.parse(str(node["build"]))) for node in nodes}
    sets = [
        {_published(build) for build in node.identity.builds}
        for node in server.nodes
        if node.identity.is_exchange
    ]
    if any(members and not members & true_builds for members in sets):
        return Mark.WRONG
    shown = set[Build]().union(*sets)
    lines = {line for node in server.nodes for line in node.identity.lines}
    if not shown and not {build.line for build in true_builds} & lines:
        return Mark.WRONG
    exact = truth["visible"] == "exact"
    return Mark.WIDE if exact and shown != true_builds else Mark.RIGHT


def _published(build: Build) -> Build:
    """The build as tables list it: up to 2003 they have three parts, greetings print four."""
    return Build(build.cu_key) if build.is_printed_in_full else build
