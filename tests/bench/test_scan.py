"""A scan of 10,000 servers into a store: beside OpenSSL's client, and beside nmap."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.bench.conftest import RunningLab, lab_process
from tests.bench.floor import Floor
from tests.bench.measured import Spent, median, patchstand, report, spent, verdict

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

SERVERS = 10_000
ROUNDS = 3
TIMES_OPENSSL = 1.6
NMAP_VERSIONS = 200


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """10,000 ordinary Exchange servers."""
    with lab_process("clean", SERVERS, tmp_path_factory.mktemp("lab")) as running:
        yield running


@pytest.fixture(scope="module")
def scope(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scope that permits the lab."""
    path = tmp_path_factory.mktemp("scope") / "scope.json"
    fields = {"authority": "own", "purposes": ["census"], "contact": "lab@lab.invalid"}
    path.write_text(json.dumps({**fields, "networks": ["127.0.0.0/8"]}))
    return path


def scan(lab: RunningLab, scope: Path, store: Path) -> Spent:
    """Two requests to each server; identified, judged and stored."""
    command = patchstand(
        "scan", "--store", str(store), "--targets", str(lab.targets), "--scope", str(scope),
        "--probes", "web", "--requests", "2", "--quiet", "--json",
    )  # fmt: skip
    return spent(command, store.parent)


def floor_of(store: Path, port: int) -> Floor:
    """The mixture of handshakes that a scan met; the suite tells the kind of the key."""
    rows = [
        row
        for path in (store / "answers").rglob("*.parquet")
        for row in pq.read_table(
            path, columns=["target", "tls_version", "tls_cipher", "question"]
        ).to_pylist()
        if row["question"] == "GET /owa/"
    ]
    return Floor((((row["tls_version"], row["tls_cipher"]), row["target"]) for row in rows), port)


@dataclass
class Rounds:
    """Milliseconds of the processor for each server."""

    ours: list[float] = field(default_factory=list)
    openssl: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)


def test_processor_time_of_a_scan(lab: RunningLab, scope: Path, tmp_path: Path) -> None:
    """Asked twice, identified, judged and stored: at most 1.6 times a handshake of OpenSSL."""
    first = tmp_path / "store-first"
    done = scan(lab, scope, first)
    assert (done.code, done.complaints) == (0, b"")
    counts = json.loads(done.said.splitlines()[-1])
    assert counts["observed"] == SERVERS
    assert counts["outcomes"] == {"answered": SERVERS}
    floor = floor_of(first, lab.https)
    rounds = Rounds()
    for number in range(ROUNDS):  # in turns: a disturbance of the machine meets both
        rounds.openssl.append(floor.milliseconds(tmp_path))
        run = scan(lab, scope, tmp_path / f"store-{number}")
        rounds.ours.append(run.cpu / SERVERS * 1000)
        rounds.megabytes.append(run.megabytes)
    ours, openssl = median(rounds.ours), median(rounds.openssl)
    size = sum(path.stat().st_size for path in (first / "observations").rglob("*.parquet"))
    report(f"scan, {SERVERS} servers, 2 requests each, JSON, into a new store, start-up included")
    report(f"openssl s_time -new, the same mixture: {openssl:.3f} ms per connection")
    report(f"scan: {ours:.3f} ms per server, {max(rounds.megabytes):.0f} MB")
    report(f"ratio {ours / openssl:.2f}, target {TIMES_OPENSSL}: {_said(ours / openssl)}")
    report(f"observations: {size / SERVERS:.1f} bytes a row")
    assert ours / openssl < 3


def _said(ratio: float) -> str:
    return verdict(ratio, TIMES_OPENSSL)


def test_beside_nmap(lab: RunningLab, tmp_path: Path) -> None:
    """nmap asks the same servers for their headers, and 200 of them for their version."""
    nmap = shutil.which("nmap") or pytest.skip("nmap is not installed")
    addresses = [line.split()[0] for line in lab.targets.read_text().splitlines()]
    listed = tmp_path / "addresses"
    for options, number in ((("--script", "http-headers"), SERVERS), (("-sV",), NMAP_VERSIONS)):
        listed.write_text("\n".join(addresses[:number]))
        command = [
            nmap, "-Pn", "-n", "-T4", "-p", str(lab.https), *options, "-iL", str(listed),
            "-oX", str(tmp_path / "out.xml"),
        ]  # fmt: skip
        run = spent(command, tmp_path)
        assert run.code == 0, run.complaints
        report(f"nmap {' '.join(options)}, {number} servers: {run.cpu / number * 1000:.2f} ms each")
