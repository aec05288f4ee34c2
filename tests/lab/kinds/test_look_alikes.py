"""What is no Exchange server, and how it can be told."""

import base64
from collections.abc import Callable

import pytest
from tests.lab.conversation import ask, said

from patchstand.lab import Lab, Server

OfKind = Callable[[str], list[Server]]
LOOK_ALIKES = [
    "exchange_online", "zpush", "sogo", "gromox", "decoy_c2", "decoy_nginx", "phishing",
    "postfix_dovecot", "iis_smtp",
]  # fmt: skip


@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_none_of_them_is_exchange(of_kind: OfKind, kind: str) -> None:
    """Their truth says no, and they have no nodes with builds."""
    for server in of_kind(kind):
        assert server.kind.is_exchange is False
        assert server.nodes == ()


@pytest.mark.parametrize(
    ("kind", "path", "mark"),
    [
        ("exchange_online", "/owa/", ("X-OWA-Version", "15.20.9115.16")),
        ("zpush", "/Microsoft-Server-ActiveSync", ("MS-Server-ActiveSync", "14.0")),
        ("sogo", "/Microsoft-Server-ActiveSync", ("MS-Server-ActiveSync", "14.1")),
        ("gromox", "/mapi/emsmdb", ("X-ServerApplication", "Exchange/15.00.0847.4040")),
        ("decoy_c2", "/owa/", ("request-id", "6cfcf35d-0680-4853-98c4-b16723708fc9")),
        ("decoy_nginx", "/owa/", ("X-OWA-Version", "15.20.7595.016")),
    ],
)
def test_marks(zoo: Lab, of_kind: OfKind, kind: str, path: str, mark: tuple[str, str]) -> None:
    """Each shows the mark by which it was told in the field."""
    assert mark in ask(zoo, of_kind(kind)[0], path).headers


@pytest.mark.parametrize("kind", ["decoy_c2", "decoy_nginx"])
def test_decoys_say_the_same_everywhere(zoo: Lab, of_kind: OfKind, kind: str) -> None:
    """A random path gets the reply of /owa/."""
    server = of_kind(kind)[0]

    first, second = ask(zoo, server, "/owa/"), ask(zoo, server, "/a-random-path")

    assert first.status == second.status == 200
    assert first.first("X-OWA-Version") == second.first("X-OWA-Version")


def test_phishing_copies_point_elsewhere(zoo: Lab, of_kind: OfKind) -> None:
    """The icon is that of a foreign host, the form goes to a script."""
    body = ask(zoo, of_kind("phishing")[0], "/").body

    assert b'href="https://mail.victim.invalid/owa/auth/15.1.2507/themes/' in body
    assert b'action="login.php"' in body


def test_exchange_online_names_its_host_in_the_greeting(zoo: Lab, of_kind: OfKind) -> None:
    """The IMAP greeting ends with base64 of the host in UTF-16; the banner names EOP."""
    server = of_kind("exchange_online")[0]

    greeting = said(server.address, zoo.ports.imap)[0]

    name = base64.b64decode(greeting.split(b"[")[1].split(b"]")[0]).decode("utf-16-le")
    assert name.endswith(".PROD.OUTLOOK.COM")
    assert b".mail.protection.outlook.com " in said(server.address, zoo.ports.smtp)[0]


def test_other_mail_servers_greet_in_their_own_words(zoo: Lab, of_kind: OfKind) -> None:
    """Postfix and Dovecot."""
    address = of_kind("postfix_dovecot")[0].address

    assert b" ESMTP Postfix " in said(address, zoo.ports.smtp)[0]
    assert b"Dovecot" in said(address, zoo.ports.imap)[0]
    assert b"Dovecot" in said(address, zoo.ports.pop)[0]
