"""Exchange behind something, as told from outside."""

import re
from collections.abc import Callable

import pytest
from tests.lab.conversation import ask, said

from patchstand.lab import Lab, Server
from patchstand.model import IdentityPrecision

OfKind = Callable[[str], list[Server]]


def test_stripped_leaves_the_path(zoo: Lab, of_kind: OfKind) -> None:
    """No X-* header and no IIS; the CU stays in the paths of the page."""
    for server in of_kind("stripped"):
        page = ask(zoo, server, "/owa/auth/logon.aspx")

        assert not any(name.lower().startswith("x-") for name, _ in page.headers)
        assert page.first("request-id") is None
        assert page.first("Server") == "Apache"
        assert f"/owa/auth/{server.nodes[0].cu_path}/".encode() in page.body
        assert server.visible is IdentityPrecision.CU


def test_ehlo_only_leaves_the_keywords(zoo: Lab, of_kind: OfKind) -> None:
    """Nothing on the web side names a version; EHLO still says 2019 or SE."""
    server = of_kind("ehlo_only")[0]

    page = ask(zoo, server, "/owa/auth/logon.aspx")

    assert re.search(rb"15\.\d", page.body) is None
    assert not any("15." in value for _, value in page.headers)
    assert b"SMTPUTF8" in said(server.address, zoo.ports.smtp, "EHLO me")[1]
    assert server.visible is IdentityPrecision.LINE


def test_rewritten_is_zero_padded(zoo: Lab, of_kind: OfKind) -> None:
    """A rewrite rule puts zeros into the version, as recorded (15.02.2562.037)."""
    for server in of_kind("rewritten"):
        node, value = server.nodes[0], ask(zoo, server, "/owa/").first("x-owa-version")
        if node.says_version:
            assert value is not None
            assert re.fullmatch(r"\d\d\.\d\d\.\d{4}\.\d{3}", value)
            assert [int(part) for part in value.split(".")] == list(node.build.parts)


@pytest.mark.parametrize(
    ("kind", "status", "mark"),
    [
        ("kemp", 302, "/lm_auth_proxy?LMLogon"),
        ("adfs", 307, "/adfs/ls"),
        ("f5", 401, "BIGipServer"),
        ("netscaler", 401, "NSC_"),
        ("waf", 403, "Apache"),
        ("nginx_front", 401, "nginx"),
    ],
)
def test_fronts_show_their_marks(
    zoo: Lab, of_kind: OfKind, kind: str, status: int, mark: str
) -> None:
    """Each front is recognisable by what the field says of it."""
    reply = ask(zoo, of_kind(kind)[0], "/EWS/Exchange.asmx")

    assert reply.status == status
    assert any(mark in value for _, value in reply.headers)


@pytest.mark.parametrize("kind", ["kemp", "adfs", "waf"])
def test_hiding_fronts_show_no_version(zoo: Lab, of_kind: OfKind, kind: str) -> None:
    """Fronts that ask for a sign-in first or filter show no full version anywhere."""
    for path in ("/owa/", "/owa/auth/logon.aspx", "/EWS/Exchange.asmx"):
        assert ask(zoo, of_kind(kind)[0], path).first("X-OWA-Version") is None


def test_nginx_sends_lower_case_names(zoo: Lab, of_kind: OfKind) -> None:
    """What comes from Exchange passes in lower case."""
    server = of_kind("nginx_front")[0]

    names = [name for name, _ in ask(zoo, server, "/owa/").headers]

    assert names[:2] == ["Server", "Date"]
    assert "x-feserver" in names


def test_a_mail_gateway_hides_the_mail_side_only(zoo: Lab, of_kind: OfKind) -> None:
    """The banner is that of another product; the web side is Exchange."""
    server = of_kind("mail_gateway")[0]

    assert said(server.address, zoo.ports.smtp)[0].endswith(b" ESMTP ready.\r\n")
    assert ask(zoo, server, "/owa/").first("X-FEServer") == server.nodes[0].name
