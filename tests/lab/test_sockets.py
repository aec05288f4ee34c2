"""Listening where nothing but loopback comes in."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.lab.conversation import an_estate, ask

from patchstand.errors import LabError
from patchstand.lab import Ports, lab_in_thread
from patchstand.lab.sockets import can_bind_to_device, open_listeners, raise_file_limit

NAMESPACE, OUTSIDE, INSIDE = "patchstand-lab", "10.213.77.2", "10.213.77.1"
needs_device = pytest.mark.skipif(
    not can_bind_to_device(), reason="binding to the device lo needs Linux 5.7 or root"
)


def _ip(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ip", *arguments], capture_output=True, check=False)


@pytest.fixture
def neighbour() -> Iterator[str]:
    """A network namespace with a cable to this one: a machine outside loopback."""
    if shutil.which("ip") is None or _ip("netns", "add", NAMESPACE).returncode:
        pytest.skip("no network namespaces here (needs root and iproute2)")
    try:
        cable = _ip("link", "add", "pslab0", "type", "veth", "peer", "name", "pslab1")
        if cable.returncode:
            pytest.skip("no virtual cables here")
        _ip("link", "set", "pslab1", "netns", NAMESPACE)
        _ip("addr", "add", f"{INSIDE}/24", "dev", "pslab0")
        _ip("link", "set", "pslab0", "up")
        _ip("-n", NAMESPACE, "addr", "add", f"{OUTSIDE}/24", "dev", "pslab1")
        _ip("-n", NAMESPACE, "link", "set", "pslab1", "up")
        _ip("-n", NAMESPACE, "link", "set", "lo", "up")
        yield NAMESPACE
    finally:
        _ip("link", "del", "pslab0")
        _ip("netns", "del", NAMESPACE)


def _reaches(namespace: str, address: str, port: int) -> bool:
    script = f"exec 3<>/dev/tcp/{address}/{port}"
    command = ["ip", "netns", "exec", namespace, "timeout", "2", "bash", "-c", script]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@needs_device
def test_nothing_outside_loopback_reaches_the_lab(neighbour: str) -> None:
    """A neighbour reaches an ordinary socket of this machine, and no port of the lab."""
    with lab_in_thread(an_estate(1, '{"SE": 1}')) as lab:
        with closing(socket.create_server(("0.0.0.0", 0))) as ordinary:
            assert _reaches(neighbour, INSIDE, ordinary.getsockname()[1])

        ports = (lab.ports.https, lab.ports.smtp, lab.ports.imap, lab.ports.pop)
        assert not any(_reaches(neighbour, INSIDE, port) for port in ports)


@needs_device
def test_listening_sockets_are_tied_to_the_loopback_device() -> None:
    """The kernel reports `lo` as the device of every listening socket."""
    with closing(open_listeners(["127.1.0.1"], Ports.free())) as listeners:
        assert listeners.by_device
        for _, sock in listeners.sockets:
            device = sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
            assert device.rstrip(b"\0") == b"lo"


def test_without_the_privilege_each_address_gets_its_socket() -> None:
    """The fallback binds loopback addresses only, and the servers answer the same."""
    estate = an_estate(3, '{"SE": 1}')
    addresses = [server.address for server in estate.servers]
    with closing(open_listeners(addresses, Ports.free(), by_device=False)) as listeners:
        bound = {sock.getsockname()[0] for _, sock in listeners.sockets}

    assert bound == set(addresses)


def test_a_fallback_that_is_too_large_says_so() -> None:
    """More sockets than files may be open: an error that says what to do."""
    many = ["127.1.0.1"] * raise_file_limit()

    with pytest.raises(LabError, match="fewer servers"):
        open_listeners(many, Ports.free(), by_device=False)


@pytest.mark.parametrize("by_device", [False, pytest.param(True, marks=needs_device)])
def test_a_taken_port_is_a_clear_error(by_device: bool) -> None:
    """The error names the port; nothing stays open."""
    with closing(socket.create_server(("0.0.0.0", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(LabError, match=str(port)):
            open_listeners(["127.0.0.1"], Ports(0, 0, port, 0, 0, 0), by_device=by_device)


def test_the_reserved_port_refuses() -> None:
    """Nobody listens on the port of the refused kind, and nobody else can take it."""
    with (
        closing(open_listeners(["127.1.0.1"], Ports.free())) as listeners,
        pytest.raises(ConnectionRefusedError),
    ):
        socket.create_connection(("127.1.0.1", listeners.ports.refused), timeout=2)


def test_an_address_without_a_server_is_dropped() -> None:
    """The wildcard socket accepts for all of 127/8; addresses of no server are reset."""
    with lab_in_thread(an_estate(1, '{"SE": 1}')) as lab:
        server = lab.estate.servers[0]
        assert ask(lab, server, "/owa/").status == 302
        with pytest.raises(ConnectionResetError):
            _first_byte("127.200.1.1", lab.ports.https)


def _first_byte(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=2) as sock:
        assert sock.recv(1) != b"", "closed in peace"
