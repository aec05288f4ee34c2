"""Hostile servers do what they say, and ending the lab ends them."""

import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator

import pytest
from tests.lab.conversation import an_estate, client_context, connected, encrypted, read_until

from patchstand.lab import Lab, Server, lab_in_thread
from patchstand.lab.hostile import GIGABYTE, gzip_bomb

OfKind = Callable[[str], list[Server]]
REQUEST = b"GET /owa/ HTTP/1.1\r\nHost: mail.test.invalid\r\n\r\n"


@pytest.fixture
def asked(zoo: Lab, of_kind: OfKind) -> Iterator[Callable[[str], ssl.SSLSocket]]:
    """A request was sent to a server of the kind, its answer not yet read."""
    opened: list[ssl.SSLSocket] = []

    def ask(kind: str) -> ssl.SSLSocket:
        opened.append(encrypted(of_kind(kind)[0].address, zoo.ports.https))
        opened[-1].sendall(REQUEST)
        return opened[-1]

    yield ask
    for sock in opened:
        sock.close()


def test_silent_accepts_and_never_answers(zoo: Lab, of_kind: OfKind) -> None:
    """The TCP connection stands, the TLS handshake never ends, no banner comes."""
    address = of_kind("silent")[0].address
    with connected(address, zoo.ports.https) as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client_context().wrap_socket(sock)
    with connected(address, zoo.ports.smtp) as sock:
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_slow_sends_a_byte_a_second(asked: Callable[[str], ssl.SSLSocket]) -> None:
    """After two and a half seconds three bytes have come."""
    sock = asked("slow")
    sock.settimeout(0.1)
    received, until = b"", time.monotonic() + 2.5
    while time.monotonic() < until:
        try:
            received += sock.recv(100)
        except TimeoutError:
            continue
    assert received == b"HTT"


def test_endless_header_never_ends(asked: Callable[[str], ssl.SSLSocket]) -> None:
    """A megabyte of header lines, and no empty line."""
    sock, received = asked("endless_header"), b""
    while len(received) < 1_000_000:
        received += sock.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    assert b"\r\n\r\n" not in received


def test_huge_body_announces_and_sends_a_gigabyte(asked: Callable[[str], ssl.SSLSocket]) -> None:
    """Content-Length says 1 GB, and it comes as fast as it is read."""
    sock = asked("huge_body")
    head = read_until(sock, b"\r\n\r\n")
    assert b"Content-Length: 1073741824\r\n" in head
    received = 0
    while received < 5_000_000:
        received += len(sock.recv(65536))


def test_the_gzip_bomb_inflates_to_a_gigabyte(asked: Callable[[str], ssl.SSLSocket]) -> None:
    """About one megabyte on the wire, correct gzip, 1 GB inside."""
    head = read_until(asked("gzip_bomb"), b"\r\n\r\n")
    assert b"Content-Encoding: gzip\r\n" in head
    assert len(gzip_bomb()) < 1_500_000

    inflate, size, rest = zlib.decompressobj(31), 0, gzip_bomb()
    while not inflate.eof:
        size += len(inflate.decompress(rest, 1 << 24))
        rest = inflate.unconsumed_tail
    assert size == GIGABYTE


def test_broken_tls_is_no_tls(zoo: Lab, of_kind: OfKind) -> None:
    """The handshake fails at once, on the web port and after STARTTLS."""
    address = of_kind("broken_tls")[0].address
    with pytest.raises(ssl.SSLError):
        encrypted(address, zoo.ports.https)
    with connected(address, zoo.ports.smtp) as sock:
        read_until(sock, b"\r\n")
        sock.sendall(b"STARTTLS\r\n")
        assert read_until(sock, b"\r\n").startswith(b"220 ")
        with pytest.raises(OSError):
            client_context().wrap_socket(sock)


def test_random_bytes_are_no_http(asked: Callable[[str], ssl.SSLSocket]) -> None:
    """64 KB of noise, the same for the same server, then the end."""
    sock = asked("random_bytes")
    received = b"".join(iter(lambda: sock.recv(65536), b""))
    assert len(received) == 1 << 16
    assert not received.startswith(b"HTTP")


def test_reset_resets(zoo: Lab, of_kind: OfKind) -> None:
    """RST instead of an answer, on the mail side instead of a greeting."""
    address = of_kind("reset")[0].address
    with connected(address, zoo.ports.https) as sock, pytest.raises(ConnectionResetError):
        client_context().wrap_socket(sock)
    # The reset may be there before `connect` has returned.
    with pytest.raises(ConnectionResetError), connected(address, zoo.ports.smtp) as sock:
        sock.recv(1)


def test_plain_http_on_the_https_port(zoo: Lab, of_kind: OfKind) -> None:
    """A TLS hello gets an HTTP 400; a plain request gets an answer."""
    address = of_kind("plain_http_on_443")[0].address
    with pytest.raises(ssl.SSLError):
        encrypted(address, zoo.ports.https)
    with connected(address, zoo.ports.https) as sock:
        sock.sendall(REQUEST)
        assert read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 302 ")


def test_refused_refuses(zoo: Lab, of_kind: OfKind) -> None:
    """Its target line names a port on which nobody listens."""
    address = of_kind("refused")[0].address
    line = next(line for line in zoo.targets() if line.startswith(f"{address} "))
    assert line.endswith(f"https={zoo.ports.refused} smtp={zoo.ports.refused}")
    with pytest.raises(ConnectionRefusedError):
        connected(address, zoo.ports.refused)


def test_the_lab_ends_quickly_with_connections_open() -> None:
    """Slow, endless and silent connections do not hold up the end, and are cut."""
    shares = '{"silent": 1, "slow": 1, "endless_header": 1, "huge_body": 1, "SE": 1}'
    opened: list[socket.socket] = []
    with lab_in_thread(an_estate(5, shares)) as lab:
        for server in lab.estate.servers:
            if server.kind.name == "silent":
                opened.append(connected(server.address, lab.ports.https))
            else:
                opened.append(encrypted(server.address, lab.ports.https))
                opened[-1].sendall(REQUEST)
        started = time.monotonic()
    assert time.monotonic() - started < 1
    for sock in opened:
        sock.close()
