"""The mail side of Exchange, compared with what was recorded."""

import re
import ssl
from collections.abc import Callable
from contextlib import suppress

import pytest
from tests.lab.conversation import client_context, connected, read_until, said

from patchstand.lab import Lab, Server

OfKind = Callable[[str], list[Server]]


@pytest.mark.parametrize(
    ("kind", "last", "absent"),
    [
        ("2007", "XEXCH50", "XSHADOW"),
        ("2010", "XSHADOW", "SMTPUTF8"),
        ("2013", "XRDST", "SMTPUTF8"),
        ("2016", "XRDST", "XEXCH50"),
        ("2019", "XRDST", "XEXCH50"),
        ("SE", "XRDST", "XSHADOW"),
    ],
)
def test_ehlo_tells_the_generation(
    zoo: Lab, of_kind: OfKind, kind: str, last: str, absent: str
) -> None:
    """The keywords end as recorded for the generation; the banner names no version."""
    server = of_kind(kind)[0]

    banner, ehlo, bye = said(server.address, zoo.ports.smtp, "EHLO me.test.invalid", "QUIT")

    assert re.match(
        rb"220 \S+ Microsoft ESMTP MAIL Service ready at "
        rb"\w{3}, \d+ \w{3} \d{4} [\d:]{8} [+-]\d{4}\r",
        banner,
    )
    lines = ehlo.decode().splitlines()
    assert lines[0] == f"250-{server.nodes[0].host} Hello [127.0.0.1]"
    assert lines[-1] == f"250 {last}"
    assert f"-{absent}" not in ehlo.decode()
    assert ("250-SMTPUTF8" in lines) is (kind in {"2019", "SE"})
    assert bye.startswith(b"221 2.0.0 ")


def test_exchange_2003_shows_the_version_of_windows(zoo: Lab, of_kind: OfKind) -> None:
    """Its banner has the version of SMTPSVC; X-LINK2STATE tells it from plain IIS."""
    banner, ehlo = said(of_kind("2003")[0].address, zoo.ports.smtp, "EHLO me")
    plain_banner, plain_ehlo = said(of_kind("iis_smtp")[0].address, zoo.ports.smtp, "EHLO me")

    assert b"Microsoft ESMTP MAIL Service, Version: 6.0.3790.4675 ready at" in banner
    assert b"Version: 6.0.3790" in plain_banner
    assert b"X-LINK2STATE" in ehlo
    assert b"X-LINK2STATE" not in plain_ehlo


@pytest.mark.parametrize(("kind", "version"), [("2019", "TLSv1.2"), ("2003", None)])
def test_starttls_works_where_offered(
    zoo: Lab, of_kind: OfKind, kind: str, version: str | None
) -> None:
    """After STARTTLS the session goes on encrypted, with the server's certificate."""
    server = of_kind(kind)[0]
    with connected(server.address, zoo.ports.smtp) as plain:
        read_until(plain, b"\r\n")
        plain.sendall(b"STARTTLS\r\n")
        answer = read_until(plain, b"\r\n")
        if version is None:
            assert answer.startswith(b"500 ")
            return
        assert answer == b"220 2.0.0 SMTP server ready\r\n"
        with client_context().wrap_socket(plain) as sock:
            assert sock.version() == version
            assert sock.getpeercert(binary_form=True)
            sock.sendall(b"EHLO me\r\n")
            assert read_until(sock, b"250 XRDST\r\n").startswith(b"250-")


def test_starttls_many_times(zoo: Lab, of_kind: OfKind) -> None:
    """Nothing is lost between the answer and the handshake, however fast the client is."""
    server, context = of_kind("SE")[0], client_context()
    for _ in range(30):
        with connected(server.address, zoo.ports.smtp) as plain:
            read_until(plain, b"\r\n")
            plain.sendall(b"STARTTLS\r\n")
            read_until(plain, b"\r\n")
            with context.wrap_socket(plain) as sock:
                sock.sendall(b"NOOP\r\n")
                assert read_until(sock, b"\r\n") == b"250 2.0.0 OK\r\n"


@pytest.mark.parametrize(
    ("service", "command", "ready"),
    [("imap", "a1 STARTTLS", b"a1 OK"), ("pop", "STLS", b"+OK Begin")],
)
def test_mailbox_services_start_tls(
    zoo: Lab, of_kind: OfKind, service: str, command: str, ready: bytes
) -> None:
    """IMAP and POP offer TLS and keep it."""
    server, port = of_kind("2016")[0], getattr(zoo.ports, service)
    with connected(server.address, port) as plain:
        read_until(plain, b"\r\n")
        plain.sendall(f"{command}\r\n".encode())
        assert read_until(plain, b"\r\n").startswith(ready)
        with client_context().wrap_socket(plain) as sock:
            assert isinstance(sock, ssl.SSLSocket)
            sock.sendall(b"a2 LOGOUT\r\n" if service == "imap" else b"QUIT\r\n")
            assert b"signing off" in read_until(sock, b"signing off")


def test_imap_greets_and_names_itself(zoo: Lab, of_kind: OfKind) -> None:
    """From 2013 on ID is offered and answers with two parts of the version."""
    server = of_kind("SE")[0]

    _, capability, identity, bye = said(
        server.address, zoo.ports.imap, "1 CAPABILITY", "2 ID NIL", "3 LOGOUT"
    )

    assert b" ID " in capability
    assert capability.endswith(b"1 OK CAPABILITY completed.\r\n")
    assert b'"Microsoft.Exchange.Imap4.Imap4Server" "version" "15.2"' in identity
    assert bye.startswith(b"* BYE Microsoft Exchange Server IMAP4 server signing off.")


def test_pop_lists_its_capabilities(zoo: Lab, of_kind: OfKind) -> None:
    """CAPA ends with a dot, QUIT says goodbye."""
    _, capabilities, bye = said(of_kind("2013")[0].address, zoo.ports.pop, "CAPA", "QUIT")

    assert capabilities.startswith(b"+OK\r\n")
    assert capabilities.endswith(b"\r\n.\r\n")
    assert b"STLS\r\n" in capabilities
    assert bye == b"+OK Microsoft Exchange Server POP3 server signing off.\r\n"


@pytest.mark.parametrize("service", ["imap", "pop"])
def test_greetings_of_2003_print_the_build(zoo: Lab, of_kind: OfKind, service: str) -> None:
    """The greeting of 2003 has all four parts, in German too."""
    for server in of_kind("2003"):
        greeting = said(server.address, getattr(zoo.ports, service))[0].decode("latin-1")

        assert "Microsoft Exchange Server 2003 " in greeting
        assert server.nodes[0].shown in greeting
        assert server.nodes[0].shown.startswith("6.5.765") or ".1 (" in greeting


def test_greetings_are_localised(zoo: Lab) -> None:
    """Greetings come in the language of the set-up, as bytes of its code page."""
    expected = {
        "en": b"The Microsoft Exchange IMAP4 service is ready.",
        "de": b"verf\xfcgbar.",
        "fr": b"pr\xeat.",
        "zh": "服务已就绪。".encode("gbk"),
    }
    seen = set()
    for server in zoo.estate.servers:
        if server.kind.name in {"2010", "2013", "2016", "2019", "SE"}:
            language = server.nodes[0].language
            seen.add(language)
            assert expected[language] in said(server.address, zoo.ports.imap)[0]
    assert {"en", "de"} <= seen


def test_unknown_commands_are_refused_and_long_lines_end_the_session(
    zoo: Lab, of_kind: OfKind
) -> None:
    """500 as Exchange says it; a line without end closes the connection."""
    address = of_kind("2019")[0].address
    assert said(address, zoo.ports.smtp, "HACK")[1] == b"500 5.3.3 Unrecognized command\r\n"

    with connected(address, zoo.ports.smtp) as sock:
        read_until(sock, b"\r\n")
        sock.sendall(b"x" * 20_000)
        with suppress(ConnectionResetError):
            assert read_until(sock, b"never") == b""
