import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest

from patchstand.cli.main import main
from patchstand.lab import estate, lab_in_thread, parse_population
from patchstand.model import CheckedServer, Knowledge, ServerClass
from patchstand.observe.look import Approach
from patchstand.observe.pace import Pace, PaceRules
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober
from patchstand.workflow.check import CheckOptions, check
from patchstand.workflow.demo import DemoOptions, Mark, demo, mark_of
from patchstand.workflow.lab import lab_scope
from patchstand.workflow.targets import parse_target

DAY = date(2026, 10, 13)


def population(**shares: float) -> bytes:
    return json.dumps({"schema": "patchstand/population/1", "shares": shares}).encode()


def now() -> datetime:
    return datetime(2026, 10, 13, 12, tzinfo=UTC)


async def checked(lines: list[str], known: Knowledge, **more: object) -> dict[str, CheckedServer]:
    approach = Approach(
        gate=Gate(now, scope=lab_scope()),
        resolver=Resolver(),
        prober=Prober("0", "lab@lab.invalid"),
        now=now,
        **more,  # type: ignore[arg-type]
    )
    targets = [parse_target(line) for line in lines]
    return {
        server.observation.target.name: server
        async for server in check(targets, approach, known, CheckOptions(DAY))
    }


def test_every_kind_of_server_is_judged_rightly(known: Knowledge) -> None:
    """Over an estate of all kinds no answer is wrong, and few are wider than need be."""
    wanted = DemoOptions(DAY, servers=120, seed=7)

    result = asyncio.run(demo(wanted, known, "0", lambda: None))

    assert result.mistakes == ()
    assert sum(row[1] for row in result.score) == 120
    assert sum(row[3] for row in result.score) <= 12


def test_worst_node_counts(known: Knowledge) -> None:
    """Of several back ends behind one address the worst one makes the server's class."""
    made = estate(6, known.updates, parse_population(population(mixed=1)), Random(3), DAY)
    with lab_in_thread(made) as lab:
        found = asyncio.run(checked(lab.targets(), known, nodes=8))

    order = list(ServerClass)
    for server in found.values():
        classes = [node.assessment.server_class for node in server.nodes if node.assessment]
        assert server.server_class is min(classes, key=order.index)
        assert server.worst is not None


def test_a_finding_of_several_nodes_is_told_once(known: Knowledge) -> None:
    """Of several back ends the worst one's findings are told, and of the others only those it
    has not: no second count of missing updates. Each node keeps its own."""
    made = estate(12, known.updates, parse_population(population(mixed=1)), Random(5), DAY)
    with lab_in_thread(made) as lab:
        found = asyncio.run(checked(lab.targets(), known, nodes=8))

    several = [server for server in found.values() if len(server.nodes) > 1]
    assert several
    for server in several:
        told = [f.id for f in server.findings]
        own = [node.assessment.findings if node.assessment else () for node in server.nodes]
        assert told.count("missing_security_updates") <= 1
        assert {f.id for each in own for f in each} <= set(told)
        assert set(own[server.worst or 0]) <= set(server.findings)


def test_hostile_servers_harm_nobody(
    known: Knowledge, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside hostile servers the others are measured; each hostile one ends as an outcome."""
    shares = {
        "SE": 4, "endless_header": 1, "huge_body": 1, "gzip_bomb": 1, "broken_tls": 1,
        "random_bytes": 1, "reset": 1, "plain_http_on_443": 1, "refused": 1,
    }  # fmt: skip
    made = estate(12, known.updates, parse_population(population(**shares)), Random(1), DAY)
    with lab_in_thread(made) as lab:
        targets = tmp_path / "targets"
        targets.write_text("\n".join(lab.targets()), encoding="utf-8")
        code = main(["check", "--targets", str(targets), "--json", "--quiet", "--timeout", "20"])
        truths = {str(row["target"]).split()[0]: row for row in lab.truth()}
    out, err = capsys.readouterr()
    documents = [json.loads(line) for line in out.splitlines()]

    assert code in {0, 1}
    assert err == ""
    assert {document["target"] for document in documents} == set(truths)
    for document in documents:
        if truths[document["target"]]["kind"] == "SE":
            assert document["is_exchange"] is True
        assert document["requests"] <= 24


def test_the_request_budget_is_kept(known: Knowledge) -> None:
    """No server is asked more often than allowed, by its own count."""
    made = estate(5, known.updates, parse_population(population(SE=1)), Random(2), DAY)
    with lab_in_thread(made) as lab:
        found = asyncio.run(checked(lab.targets(), known, pace=Pace(PaceRules(3)), nodes=6))
        counted = lab.tally.record()

    assert all(server.observation.requests <= 3 for server in found.values())
    assert json.dumps(counted)


def test_a_wrong_set_is_marked_wrong(known: Knowledge) -> None:
    """The score itself tells right from wrong: a truth that differs makes the mark wrong."""
    made = estate(1, known.updates, parse_population(population(SE=1)), Random(2), DAY)
    with lab_in_thread(made) as lab:
        found = asyncio.run(checked(lab.targets(), known))
        truth = lab.truth()[0]
    server = next(iter(found.values()))
    nodes = truth["nodes"]
    assert isinstance(nodes, list)
    lie = {**truth, "nodes": [{**nodes[0], "build": "15.1.2507.6", "line": "2016"}]}

    assert mark_of(server, truth) is Mark.RIGHT
    assert mark_of(server, lie) is Mark.WRONG
    assert mark_of(server, {**truth, "is_exchange": False}) is Mark.WRONG
