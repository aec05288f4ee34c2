"""How the tests of the lab talk to it: plain sockets, short timeouts, and made-up updates."""

import http.client
import socket
import ssl
import warnings
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random

from patchstand.lab import Estate, Lab, Server, estate, parse_population
from patchstand.model import Build, Precision, ProductLine, Update, UpdateKind

SECONDS = 5.0
TODAY = date(2026, 11, 22)
# line, CU, build, released; the first build of a CU is the CU itself.
ROWS = """
2003 SP2 6.5.7638 2005-10-11
2003 SP2 6.5.7654.4 2008-08-12
2007 SP3 8.3.83.6 2010-06-07
2007 SP3 8.3.485.1 2016-03-07
2007 SP3 8.3.517.0 2017-03-21
2010 SP2 14.2.247.5 2011-12-04
2010 SP3 14.3.123.4 2013-02-12
2010 SP3 14.3.468.0 2019-09-04
2010 SP3 14.3.496.0 2020-02-11
2013 CU22 15.0.1473.3 2019-02-12
2013 CU23 15.0.1497.2 2019-06-18
2013 CU23 15.0.1497.15 2021-03-16
2013 CU23 15.0.1497.26 2021-11-09
2013 CU23 15.0.1497.48 2023-03-14
2016 CU2 15.1.466.34 2016-06-21
2016 CU19 15.1.2176.2 2020-12-15
2016 CU23 15.1.2507.6 2022-04-20
2016 CU23 15.1.2507.27 2023-06-13
2016 CU23 15.1.2507.72 2026-08-11
2019 Preview 15.2.196.0 2018-07-24
2019 CU9 15.2.858.5 2021-03-16
2019 CU9 15.2.858.10 2021-04-13
2019 CU14 15.2.1544.4 2024-02-13
2019 CU14 15.2.1544.11 2024-04-23
2019 CU15 15.2.1748.10 2025-02-10
2019 CU15 15.2.1748.49 2026-08-11
SE RTM 15.2.2562.17 2025-07-01
SE RTM 15.2.2562.46 2026-08-11
SE RTM 15.2.2562.99 2027-01-12
"""


def _update(row: str) -> Update:
    line, cu, build, released = row.split()
    day = date.fromisoformat(released)
    return Update(
        line=ProductLine(line),
        cu=cu,
        build=Build.parse(build),
        name=f"{cu} {build}",
        family=cu,
        kind=UpdateKind.SU,
        released=day,
        released_from=day,
        released_to=day,
        precision=Precision.DAY,
        security=True,
        kb=None,
        withdrawn_on=None,
        reissue_of=None,
        esu=False,
        source="made up",
        note=None,
    )


UPDATES = [_update(row) for row in ROWS.strip().splitlines()]


def an_estate(servers: int, population: str, *, seed: int = 1, as_of: date = TODAY) -> Estate:
    """An estate of the made-up updates; `population` is JSON text or just its shares."""
    if "schema" not in population:
        offers = '"offers": {"smtp": 1, "imap": 1, "pop": 1}'
        population = f'{{"schema": "patchstand/population/1", {offers}, "shares": {population}}}'
    return estate(servers, UPDATES, parse_population(population.encode()), Random(seed), as_of)


@dataclass(frozen=True)
class Reply:
    """One HTTP answer: `headers` in order and case as sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header, whatever its case."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def first(self, name: str) -> str | None:
        """The first value of a header, None when it is absent."""
        return next(iter(self.all(name)), None)


@lru_cache(maxsize=1)
def client_context() -> ssl.SSLContext:
    """A client that takes any certificate and every TLS version from 1.0 on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
    return context


def connected(address: str, port: int) -> socket.socket:
    """A TCP connection with the tests' timeout, sending at once as clients do."""
    sock = socket.create_connection((address, port), timeout=SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def encrypted(address: str, port: int) -> ssl.SSLSocket:
    """A TLS connection with the tests' timeout."""
    return client_context().wrap_socket(connected(address, port))


def ask(lab: Lab, server: Server, path: str, *, method: str = "GET") -> Reply:
    """One request over a connection of its own."""
    return asked_over(encrypted(server.address, lab.ports.https), path, method=method)


def asked_over(sock: socket.socket, *paths: str, method: str = "GET") -> Reply:
    """Several requests over one connection, which is closed; the last reply."""
    reply = Reply(0, [], b"")
    with closing(http.client.HTTPConnection("mail.test.invalid")) as connection:
        connection.sock = sock
        for path in paths:
            connection.request(method, path)
            answer = connection.getresponse()
            reply = Reply(answer.status, answer.getheaders(), answer.read())
    return reply


def read_until(sock: socket.socket, end: bytes) -> bytes:
    """Read until `end` was seen or the server closed."""
    text = b""
    while end not in text:
        part = sock.recv(65536)
        if not part:
            break
        text += part
    return text


def said(address: str, port: int, *commands: str) -> list[bytes]:
    """Greeting and answers of a mail service, one item each, then the connection is closed."""
    answers = []
    with connected(address, port) as sock:
        answers.append(read_until(sock, b"\r\n"))
        for command in commands:
            sock.sendall(f"{command}\r\n".encode())
            answers.append(_answer(sock))
    return answers


def _answer(sock: socket.socket) -> bytes:
    """One line, or the lines up to the last of a multi-line answer."""
    text = read_until(sock, b"\r\n")
    while not _is_whole(text.splitlines()):
        part = sock.recv(65536)
        if not part:
            break
        text += part
    return text


def _is_whole(lines: list[bytes]) -> bool:
    last = lines[-1]
    if lines[0].startswith(b"250-"):
        return last.startswith(b"250 ")
    if lines[0].startswith(b"* "):
        return not last.startswith(b"* ")
    return not (lines[0] == b"+OK" and last != b".")
