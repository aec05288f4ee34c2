"""What must hold of the whole package, whatever its modules do."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.observe.servers import rsa_certificate

from patchstand import observe
from patchstand.errors import UsageError
from patchstand.observe.limits import REQUESTS_PER_SERVER, Budget
from patchstand.observe.probe import all_probes, select
from patchstand.observe.session import Prober

PACKAGE = Path(observe.__file__).parent
MODULES = {str(path.relative_to(PACKAGE)): path for path in PACKAGE.rglob("*.py")}
OPENS = {
    "create_connection", "open_connection", "create_datagram_endpoint", "sock_connect",
    "create_unix_connection", "open_unix_connection", "start_tls",
}  # fmt: skip
NETWORK = {"socket", "http", "urllib", "smtplib", "imaplib", "poplib", "ftplib", "subprocess"}


def words(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_only_the_wire_opens_connections() -> None:
    """No other module names a function that opens one, or imports a module that has some."""
    openers = {name for name, path in MODULES.items() if OPENS & set(words(path))}
    starters = {"wire.py", "dialogue.py", "probes/smtp.py"}  # these ask the wire for STARTTLS

    assert openers <= starters
    for name, path in MODULES.items():
        assert not {each.partition(".")[0] for each in imports(path)} & NETWORK
        assert name == "wire.py" or not (OPENS - {"start_tls"}) & set(words(path))


def test_only_the_resolver_asks_dns() -> None:
    """DNS is asked by one module."""
    asking = {n for n, path in MODULES.items() if any(i.startswith("dns") for i in imports(path))}

    assert asking == {"resolve.py"}


def test_only_the_gate_grants_permits() -> None:
    """`Permit(...)` is written in scope.py and nowhere else."""
    granting = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Permit"
    }

    assert granting == {"scope.py"}


def test_probes_are_found_and_ordered() -> None:
    """Each file of the folder is a probe; together they fit into the default budget."""
    names = [probe.name for probe in all_probes()]

    assert names == ["https", "smtp", "imap", "pop", "nodes"]
    assert sum(probe.requests_at_most for probe in all_probes()) <= REQUESTS_PER_SERVER


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (["web"], ["https", "nodes"]),
        (["mail"], ["smtp", "imap", "pop"]),
        (["all"], ["https", "smtp", "imap", "pop", "nodes"]),
        (["web", "pop"], ["https", "pop", "nodes"]),
    ],
)
def test_probes_are_chosen_by_group_or_name(asked: list[str], chosen: list[str]) -> None:
    """`--probes` takes groups and names."""
    assert [probe.name for probe in select(asked)] == chosen


@pytest.mark.parametrize("asked", [[], ["ftp"], ["web", ""]])
def test_an_unknown_probe_is_refused(asked: list[str]) -> None:
    """A misspelt probe is a usage error that lists the known ones."""
    with pytest.raises(UsageError, match="smtp"):
        select(asked)


@pytest.mark.parametrize(
    "contact", ["", "a b", "x\r\nCookie:1", "übel@example.org", "a)", "a" * 300]
)
def test_a_contact_cannot_break_a_request(contact: str) -> None:
    """The contact goes into a header, so it is one word of printable ASCII."""
    with pytest.raises(UsageError):
        Prober("1.0", contact)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_budget_is_at_least_one(limit: int) -> None:
    """A budget without requests is a usage error."""
    with pytest.raises(UsageError):
        Budget(limit)


@pytest.mark.bench
@pytest.mark.parametrize("at_once", [200, 500])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_cost_of_two_requests(loop: str, at_once: int, tmp_path: Path) -> None:
    """1,000 servers, two requests each: processor time of the client, and memory."""
    pair = tmp_path / "pair.pem"
    pair.write_bytes(b"".join(rsa_certificate()))
    here = Path(__file__).parent
    paths = os.pathsep.join([str(PACKAGE.parents[1]), str(here.parents[1])])
    environment = os.environ | {"PYTHONPATH": paths}
    server = subprocess.Popen(
        [sys.executable, here / "bench_server.py", pair], stdout=subprocess.PIPE, env=environment
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().decode().strip()
        client = [sys.executable, str(here / "bench_client.py"), loop, port, "1000", str(at_once)]
        printed = subprocess.run(client, check=True, capture_output=True, env=environment)
    finally:
        server.terminate()
        server.communicate()
    figures = json.loads(printed.stdout)
    print(f"\n{loop}, {at_once} at once: {figures}")

    assert figures["answered"] == 1000
    assert figures["milliseconds_per_server"] <= 2.0
    assert figures["megabytes"] <= 250
