"""Scans keep to scope, opt-outs, budgets and rates: the servers of a lab count who called."""

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from pathlib import Path
from random import Random

import pytest
from tests.lab.conversation import an_estate
from tests.services.scanning import (
    LOOK,
    Fields,
    asked,
    complete,
    connections,
    end_of,
    kill,
    observed_once,
    rows,
    running,
    seen_of,
    wait_until,
    write_scope,
    write_targets,
)
from tests.services.test_dask import cluster, workers_are_there
from tests.services.test_queue import PostgreSQL, postgresql, worker

from patchstand.lab import Lab, Service, lab_in_thread
from patchstand.lab.tally import Tally

__all__ = ["postgresql"]
pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

Arguments = tuple[str | Path, ...]
CLEAN = '{"2016": 1, "2019": 1}'
HOSTILE = '{"silent": 2, "slow": 2, "reset": 1, "broken_tls": 1, "refused": 1, "endless_header": 1}'
SERVERS = 400
KILLS = 4
SPAN = 1.0
SLACK = 0.3
"""Seconds by which calls may bunch between a scan and a lab that share a busy machine."""


@contextmanager
def a_lab(servers: int = SERVERS, shares: str = CLEAN) -> Iterator[Lab]:
    """Servers from 127.1.0.1 on, with nothing counted yet."""
    with lab_in_thread(an_estate(servers, shares)) as lab:
        yield lab


def scan(
    lab: Lab, folder: Path, fields: Fields, *more: str, lines: list[str] | None = None
) -> Path:
    """Scan a lab to the end under a scope with these fields; the store."""
    targets = write_targets(folder, lines or lab.targets())
    scope, store = write_scope(folder, fields), folder / "store"
    command: Arguments = (
        "scan",
        "--store",
        store,
        "--targets",
        targets,
        "--scope",
        scope,
        *LOOK,
        *more,
    )
    complete(*command, folder=folder)
    return store


def interrupted(
    lab: Lab, folder: Path, fields: Fields, moments: Random, *more: str, kills: int = KILLS
) -> Path:
    """The same, killed some times on its way."""
    targets = write_targets(folder, lab.targets())
    scope, store = write_scope(folder, fields), folder / "store"
    begin: Arguments = (
        "scan",
        "--store",
        store,
        "--targets",
        targets,
        "--scope",
        scope,
        *LOOK,
        *more,
    )
    where = more if "--cluster" in more else ()
    resume: Arguments = ("scan", "--store", store, "--resume", "--quiet", *where)
    command = begin
    for _ in range(kills):
        calls = connections(lab) + moments.randrange(1, 40)
        with running(*command, folder=folder) as process:
            wait_until(lambda: any(store.glob("scans/*/scan.json")), process)
            if not wait_until(lambda at=calls: connections(lab) >= at, process):  # type: ignore[misc]
                assert end_of(process).code == 0  # it came to its end before
                return store
            kill(process)
        command = resume
    complete(*resume, folder=folder)
    return store


def covered(address: str, *networks: str) -> bool:
    """True when one of the networks covers the address."""
    return any(ip_address(address) in ip_network(each) for each in networks)


@pytest.mark.parametrize("on_its_way", ["undisturbed", "killed"])
def test_nobody_outside_the_scope_is_called(tmp_path: Path, on_its_way: str) -> None:
    """Neither outside the networks, nor denied, nor opted out: those are recorded as such;
    all others are asked."""
    (tmp_path / "opt-outs.txt").write_text("127.1.0.200  # 2026-11-20, by mail\n127.1.1.8/30\n")
    networks = ["127.1.0.0/24", "127.1.1.0/26"]
    denied = ["127.1.0.64/26", "127.1.1.3/32"]
    opt_outs = ["127.1.0.5", "127.1.1.16/28"]
    fields: Fields = {
        "networks": networks,
        "denied_networks": denied,
        "opt_outs": opt_outs,
        "opt_out_file": "opt-outs.txt",
    }
    never = [*denied, *opt_outs, "127.1.0.200", "127.1.1.8/30"]
    with a_lab() as lab:
        if on_its_way == "killed":
            store = interrupted(lab, tmp_path, fields | {"rate": 300}, Random(1))
        else:
            store = scan(lab, tmp_path, fields)
        observed_once(store, lab, outcome=None)
        servers = {server.address for server in lab.estate.servers}
        called = asked(lab).addresses

    allowed = {
        address
        for address in servers
        if covered(address, *networks) and not covered(address, *never)
    }
    assert 0 < len(allowed) < len(servers) - 100
    assert called == allowed
    outcomes = {row["target"]: row for row in rows(store)}
    assert {name for name, row in outcomes.items() if row["outcome"] == "answered"} == allowed
    refused = [row for name, row in outcomes.items() if name not in allowed]
    assert {(row["outcome"], row["requests"]) for row in refused} == {("out_of_scope", 0)}


def test_who_opts_out_on_the_way_is_not_called_any_more(tmp_path: Path) -> None:
    """A network added to the opt-outs between a kill and --resume is left alone from then on."""
    fields: Fields = {"opt_out_file": "opt-outs.txt", "rate": 150}
    opted_out = tmp_path / "opt-outs.txt"
    opted_out.write_text("# none yet\n")
    with a_lab(200) as lab:
        targets, store = write_targets(tmp_path, lab.targets()), tmp_path / "store"
        scope = write_scope(tmp_path, fields)
        begin = ("scan", "--store", store, "--targets", targets, "--scope", scope, *LOOK)
        with running(*begin, folder=tmp_path) as process:
            wait_until(lambda: connections(lab) >= 40, process)
            kill(process)
        opted_out.write_text("127.1.0.0/25\n")
        before = {at for at in asked(lab).addresses if covered(at, "127.1.0.0/25")}
        counts = asked(lab).servers
        complete("scan", "--store", store, "--resume", "--quiet", folder=tmp_path)
        observed_once(store, lab, outcome=None)
        after = asked(lab)

    assert {at for at in after.addresses if covered(at, "127.1.0.0/25")} == before
    assert all(after.servers[at, "requests"] == counts[at, "requests"] for at in before)
    outcomes = {row["target"]: row["outcome"] for row in rows(store)}
    late = {at for at in outcomes if covered(at, "127.1.0.0/25")} - before
    assert len(late) > 30
    assert {outcomes[at] for at in late} == {"out_of_scope"}


def weight(lab: Lab) -> Counter[tuple[str, str]]:
    """Connections, and HTTP requests with mail sessions, of each address."""
    counts: Counter[tuple[str, str]] = Counter()
    for address, visits in lab.tally.visits.items():
        counts[address, "connections"] = visits.connections.total()
        sessions = visits.connections.total() - visits.connections[Service.HTTPS.value]
        counts[address, "requests"] = sessions + visits.requests[Service.HTTPS.value]
    return counts


@pytest.mark.parametrize("budget", [1, 3, 4])
def test_a_budget_holds_for_an_address_with_all_its_ports(tmp_path: Path, budget: int) -> None:
    """Several targets on one address share its budget, whatever their ports and services."""
    with a_lab(60) as lab:
        ports = lab.ports
        lines = [
            line
            for server in lab.estate.servers
            for line in (
                f"{server.address} https={ports.https}",
                f"{server.address} https={ports.https} smtp={ports.smtp}",
                f"{server.address} imap={ports.imap} pop={ports.pop}",
                f"{server.address} https={ports.https}  # and again",
                f"{server.address} https={ports.refused}",
            )
        ]
        options = ("--probes", "all", "--requests", "8", "--nodes", "3", "--retries", "2")
        store = scan(lab, tmp_path, {"requests_per_server": budget}, *options, lines=lines)
        counts = weight(lab)

    found = Counter((row["target"], row["ports"]) for row in rows(store))
    assert set(found.values()) == {1}
    assert len(found) == 60 * 4  # the fourth line says what the first says
    assert max(counts.values(), default=0) <= budget
    if budget > 1:  # the one connection may go to the port that nobody serves
        assert {address for address, _ in counts} == set(lab.estate.by_address)


@pytest.mark.parametrize("on_its_way", ["undisturbed", "killed"])
def test_a_budget_holds_for_a_network(tmp_path: Path, on_its_way: str) -> None:
    """No /24 gets more than its budget; who was not asked any more is recorded too."""
    fields: Fields = {"requests_per_server": 3, "requests_per_network": 60}
    with a_lab() as lab:
        if on_its_way == "killed":
            store = interrupted(lab, tmp_path, fields | {"rate": 150}, Random(2))
        else:
            store = scan(lab, tmp_path, fields)
        observed_once(store, lab, outcome=None)
        per_server, per_network = asked(lab).most()

    assert per_server <= 3
    assert per_network <= 60
    outcomes = Counter(row["outcome"] for row in rows(store))
    assert outcomes["answered"] >= 20
    assert set(outcomes) - {"answered"}


@pytest.mark.parametrize("budget", [2])
def test_a_small_budget_holds_over_many_runs(tmp_path: Path, budget: int) -> None:
    """Killed again and again: no server gets more than its budget, each has one observation."""
    fields: Fields = {"requests_per_server": budget, "rate": 200}
    with a_lab(120) as lab:
        store = interrupted(lab, tmp_path, fields, Random(budget), "--concurrency", "30")
        observed_once(store, lab, outcome=None)
        assert asked(lab).most()[0] <= budget


def test_retries_stay_within_the_budget(tmp_path: Path) -> None:
    """Servers that never answer are asked again, never more often than allowed; and are still
    recorded as what they are."""
    with a_lab(32, HOSTILE) as lab:
        options = ("--timeout", "2", "--retries", "2")
        store = scan(lab, tmp_path, {"requests_per_server": 2}, *options)
        observed_once(store, lab, outcome=None)
        counts = asked(lab)
        kinds = {server.address: server.kind.name for server in lab.estate.servers}
        mute = {at for at, kind in kinds.items() if kind == "silent"}

    assert counts.most()[0] <= 2
    assert {counts.servers[at, "connections"] for at in mute} == {2}
    outcomes = {row["target"]: row["outcome"] for row in rows(store)}
    assert {outcomes[at] for at in mute} == {"timed_out"}


class TimedTally(Tally):
    """Counts, and keeps when each connection and each request came."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, str]] = []

    def connected(self, address: str, service: Service) -> None:
        super().connected(address, service)
        self.times.append((time.monotonic(), address))

    def asked(self, address: str, service: Service, question: str, agent: str = "") -> None:
        super().asked(address, service, question, agent)
        self.times.append((time.monotonic(), address))


def most_within(times: list[float], seconds: float) -> int:
    """The most events in any span of so many seconds."""
    return max(bisect_right(times, at + seconds) - number for number, at in enumerate(times))


def test_rates_hold(tmp_path: Path) -> None:
    """Neither altogether nor for a /24 is more asked in a second than the scope allows."""
    with a_lab(300) as lab:
        lab.tally = tally = TimedTally()
        scan(lab, tmp_path, {"rate": 150, "rate_per_network": 100})
    times = sorted(tally.times)
    one_network = [at for at, address in times if covered(address, "127.1.0.0/24")]

    assert len(times) >= 300 * 3
    assert most_within([at for at, _ in times], SPAN) <= 150 * (SPAN + SLACK)
    assert most_within(one_network, SPAN) <= 100 * (SPAN + SLACK)
    assert len(times) / (times[-1][0] - times[0][0]) <= 150 * 1.02


CLUSTER_SCOPE: Fields = {
    "networks": ["127.1.0.0/24"],
    "denied_networks": ["127.1.0.64/28"],
    "opt_outs": ["127.1.0.7"],
    "requests_per_server": 4,
    "requests_per_network": 1000,
}


def is_polite(lab: Lab, store: Path, folder: Path) -> None:
    """Assert what every scan elsewhere must hold: scope, opt-outs, budgets, one observation
    each, and what a scan from here sees."""
    observed_once(store, lab, outcome=None)
    counts = asked(lab)
    per_server, per_network = counts.most()
    assert per_server <= 4
    assert per_network <= 1000
    assert not {at for at in counts.addresses if not covered(at, "127.1.0.0/24")}
    assert not {at for at in counts.addresses if covered(at, "127.1.0.64/28", "127.1.0.7")}
    here = folder / "here"
    here.mkdir()
    assert seen_of(store) == seen_of(scan(lab, here, CLUSTER_SCOPE))


def test_two_dask_workers_are_polite(tmp_path: Path) -> None:
    """A scan on a cluster keeps to the scope and sees what a scan from here sees."""
    with a_lab(300) as lab, cluster(tmp_path) as dask, workers_are_there(dask.url, 2):
        store = scan(lab, tmp_path, CLUSTER_SCOPE, "--cluster", dask.url)
        is_polite(lab, store, tmp_path)


@pytest.mark.parametrize(("budget", "kills"), [(2, KILLS), (24, 1)])
def test_a_scan_on_a_cluster_killed_is_polite(tmp_path: Path, budget: int, kills: int) -> None:
    """What its workers were told to ask counts as asked; where the budget allows it, servers
    that they were asking are asked again."""
    fields = CLUSTER_SCOPE | {"requests_per_server": budget, "requests_per_network": 5000}
    with a_lab(150) as lab, cluster(tmp_path) as dask, workers_are_there(dask.url, 2):
        more = {"rate": 200, "denied_networks": [], "opt_outs": []}
        elsewhere = ("--cluster", dask.url)
        store = interrupted(lab, tmp_path, fields | more, Random(9), *elsewhere, kills=kills)
        observed_once(store, lab, outcome="answered" if kills == 1 else None)
        assert asked(lab).most()[0] <= budget


def test_two_queue_workers_are_polite(tmp_path: Path, postgresql: PostgreSQL) -> None:
    """A scan through the queue keeps to the scope and sees what a scan from here sees."""
    with a_lab(300) as lab, worker(postgresql.url, tmp_path), worker(postgresql.url, tmp_path):
        store = scan(lab, tmp_path, CLUSTER_SCOPE, "--queue", postgresql.url)
        is_polite(lab, store, tmp_path)
