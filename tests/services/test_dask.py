"""A real Dask scheduler with two workers: the same records as here, and a worker may die."""

import contextlib
import datetime
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.services.looking import (
    AT_ONCE,
    BUDGET,
    REQUESTS,
    SERVERS,
    SLOW,
    a_lab,
    batches_for,
    comparable,
    looked_at_here,
    most_asked,
    records_of,
    scanned,
)
from tests.services.servers import END_SECONDS, START_SECONDS, free_port, started

from patchstand.cli.command import now
from patchstand.errors import UsageError
from patchstand.lab.tally import Tally
from patchstand.workflow.beyond.batches import LookResult
from patchstand.workflow.beyond.executor import ClusterTls, executor, through_executor
from patchstand.workflow.beyond.remote import Edge

pytestmark = pytest.mark.services

DASK = Path(sys.executable).with_name("dask")
Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Cluster:
    """A running scheduler and its workers."""

    url: str
    workers: list[Process]


@contextlib.contextmanager
def cluster(folder: Path, tls: ClusterTls | None = None, workers: int = 2) -> Iterator[Cluster]:
    """A scheduler and workers of one process and one thread each, as the handbook starts them."""
    port, options = free_port(), _options(tls)
    url = f"{'tls' if tls else 'tcp'}://127.0.0.1:{port}"
    scheduler: list[str | Path] = [
        DASK,
        "scheduler",
        "--host",
        f"{url.partition(':')[0]}://127.0.0.1",
    ]
    with contextlib.ExitStack() as stack:
        scheduler += ["--port", str(port), "--no-dashboard", *options]
        stack.enter_context(started(scheduler, [port], folder))
        running = [stack.enter_context(_worker(url, folder, options)) for _ in range(workers)]
        yield Cluster(url, running)


def _options(tls: ClusterTls | None) -> list[str]:
    if tls is None:
        return []
    named = (("ca-file", tls.authority), ("cert", tls.certificate), ("key", tls.key))
    return [word for name, path in named for word in (f"--tls-{name}", str(path))]


@contextlib.contextmanager
def _worker(url: str, folder: Path, options: Sequence[str]) -> Iterator[Process]:
    fixed = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    if options:
        fixed[-1] = "tls://127.0.0.1"
    with (folder / "workers.log").open("ab") as output:
        process = subprocess.Popen(
            [DASK, "worker", url, *fixed, "--local-directory", str(folder), *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)


@contextlib.contextmanager
def workers_are_there(url: str, count: int, tls: ClusterTls | None = None) -> Iterator[None]:
    """Wait for the workers to have signed on."""
    until = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(UsageError), executor(url, tls) as pool:
            if len(pool._client.scheduler_info(n_workers=-1)["workers"]) >= count:  # type: ignore[attr-defined]
                break
        assert time.monotonic() < until, "the workers do not sign on"
        time.sleep(0.3)
    yield


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with (
        cluster(tmp_path_factory.mktemp("dask")) as running,
        workers_are_there(running.url, 2),
    ):
        yield running


def test_two_workers_see_what_one_machine_sees(two_workers: Cluster) -> None:
    """The records of all servers are those of a look without Dask, times and keys aside."""
    with a_lab() as lab:
        here = looked_at_here(lab)
    with a_lab() as lab, executor(two_workers.url) as pool:
        results = list(through_executor(batches_for(lab, "d"), pool, Edge(now), AT_ONCE))
        asked = most_asked(lab)
        assert _until_forgotten(pool)

    assert len(here) == SERVERS
    assert comparable(records_of(results)) == comparable(here)
    assert max(asked) <= REQUESTS
    assert {result.attempt for result in results} == {1}


def _until_forgotten(pool: Executor) -> bool:
    """Whether the ledger on the scheduler forgets what has been fetched."""
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        left = pool._client.run_on_scheduler(  # type: ignore[attr-defined]
            lambda dask_scheduler: len(dask_scheduler.plugins["patchstand-ledger"]._attempts)
        )
        if left == 0:
            return True
        time.sleep(0.1)
    return False


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    """kill -9 of a worker in the middle: every record is there, no budget is exceeded."""
    with a_lab() as lab:
        here = looked_at_here(lab)
    with a_lab() as lab, cluster(tmp_path) as running, workers_are_there(running.url, 2):
        killer = threading.Thread(target=_kill_when_busy, args=(lab.tally, running.workers[0]))
        killer.start()
        with executor(running.url) as pool:
            batches = batches_for(lab, "k", SLOW)
            results: list[LookResult] = list(through_executor(batches, pool, Edge(now), AT_ONCE))
        killer.join()
        asked = most_asked(lab)

    assert running.workers[0].returncode == -signal.SIGKILL
    assert max(result.attempt for result in results) == 2
    assert comparable(records_of(results)) == comparable(here)
    assert max(asked) <= BUDGET


def _kill_when_busy(tally: Tally, worker: Process) -> None:
    """Kill a worker once an eighth of the servers has been visited: in its first batch."""
    until = time.monotonic() + 60
    while len(tally.visits) < SERVERS // 8 and time.monotonic() < until:
        time.sleep(0.02)
    worker.kill()
    worker.wait(END_SECONDS)


def test_a_scan_over_the_cluster_stores_the_same(two_workers: Cluster, tmp_path: Path) -> None:
    """`scan --cluster` stores, row by row, what a scan on this machine stores."""
    with a_lab() as lab:
        here = scanned(lab, tmp_path / "here")
    with a_lab() as lab:
        there = scanned(lab, tmp_path / "there", "--cluster", two_workers.url)
        asked = most_asked(lab)

    assert len(here) == SERVERS
    assert there == here
    assert max(asked) <= REQUESTS


def test_a_scheduler_without_workers_is_wrong_usage(tmp_path: Path) -> None:
    """Waiting for ever for workers nobody started helps nobody: one line says how to start one."""
    with cluster(tmp_path, workers=0) as running:
        with pytest.raises(UsageError, match="no worker") as caught, executor(running.url):
            pass
        assert running.url in str(caught.value)


HANDBOOK = Path(__file__).resolve().parents[2] / "docs" / "cluster.md"


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_the_commands_of_the_handbook_start_a_cluster(scheme: str, tmp_path: Path) -> None:
    """The two lines of the handbook, on other ports, give a cluster that works."""
    tls = certificates(tmp_path) if scheme == "tls" else None
    port = free_port()
    lines = re.findall(rf"^\$ (dask .*{scheme}://.*)$", HANDBOOK.read_text("utf-8"), re.MULTILINE)
    here = [line.replace("scheduler.example", "127.0.0.1") for line in lines]
    scheduler, workers = ([DASK, *line.replace("8786", str(port)).split()[1:]] for line in here)
    (tmp_path / "workers").mkdir()
    relative = [tmp_path / word if str(word).endswith(".pem") else word for word in workers]
    url = f"{scheme}://127.0.0.1:{port}"
    with (
        started(scheduler, [port], tmp_path),
        started(relative, [], tmp_path / "workers"),
        workers_are_there(url, 2, tls),
    ):
        done = run_script(url, tmp_path if tls else None)

    assert (done.returncode, done.stdout, done.stderr) == (0, "55\n", "")


SCRIPT = """
import sys
from pathlib import Path
from patchstand.workflow.beyond.executor import ClusterTls, executor

folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
tls = ClusterTls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem") if folder else None
with executor(sys.argv[1], tls) as pool:
    print(sum(pool.map(abs, range(-10, 0))))
"""


def run_script(url: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Map ten numbers over the cluster in a process of its own."""
    words = [sys.executable, "-c", SCRIPT, url, *([str(folder)] if folder else [])]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_a_client_ends_without_noise(two_workers: Cluster) -> None:
    """A process that used the cluster ends with its result on stdout and nothing on stderr."""
    done = run_script(two_workers.url)

    assert (done.returncode, done.stdout, done.stderr) == (0, "55\n", "")


def test_tls_works_and_is_demanded(tmp_path: Path) -> None:
    """With certificates the cluster works over tls://; without them nobody is let in."""
    tls = certificates(tmp_path)
    with cluster(tmp_path, tls, workers=1) as running, workers_are_there(running.url, 1, tls):
        done = run_script(running.url, tmp_path)
        with pytest.raises(UsageError), executor(running.url.replace("tls", "tcp")):
            pass

    assert (done.returncode, done.stdout, done.stderr) == (0, "55\n", "")


def certificates(folder: Path) -> ClusterTls:
    """An authority and a certificate of it for 127.0.0.1."""
    key, authority_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _signed("authority", authority_key, authority_key, "authority", is_authority=True)
    mine = _signed("cluster", key, authority_key, "authority", is_authority=False)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(authority.public_bytes(pem))
    (folder / "cert.pem").write_bytes(mine.public_bytes(pem))
    private = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, private, plain))
    (folder / "key.pem").chmod(0o600)
    return ClusterTls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")


def _signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    is_authority: bool,
) -> x509.Certificate:
    today = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        .add_extension(address, critical=False)
        .sign(signer, hashes.SHA256())
    )
