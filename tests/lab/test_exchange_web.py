"""The web side of Exchange, compared with what was recorded."""

import re
from collections.abc import Callable

import pytest
from tests.lab.conversation import Reply, ask, asked_over, encrypted

from patchstand.lab import Lab, Server

OfKind = Callable[[str], list[Server]]
MODERN = ["2013", "2016", "2019", "SE"]
WITH_VERSION = ["/owa/", "/owa/auth/logon.aspx", "/EWS/Exchange.asmx", "/ecp/", "/mapi/", "/oab/"]


def _names(reply: Reply) -> list[str]:
    return [name for name, _ in reply.headers]


@pytest.mark.parametrize("kind", MODERN)
def test_the_version_is_on_the_redirect(zoo: Lab, of_kind: OfKind, kind: str) -> None:
    """/owa/ redirects to the sign-in page; the version is there from mid-2021 on."""
    for server in of_kind(kind):
        node = server.nodes[0]

        reply = ask(zoo, server, "/owa/")

        assert reply.status == 302
        assert "/owa/auth/logon.aspx?url=https%3a%2f%2f" in (reply.first("Location") or "")
        assert reply.all("X-OWA-Version") == ([str(node.build)] if node.says_version else [])
        assert reply.first("X-FEServer") == node.name
        assert reply.first("Server") == f"Microsoft-IIS/{node.iis}"


@pytest.mark.parametrize("kind", MODERN)
def test_the_sign_in_page_names_the_cu(zoo: Lab, of_kind: OfKind, kind: str) -> None:
    """The page of about 15 KB carries three parts of the build in its paths, never four."""
    server = of_kind(kind)[0]

    reply = ask(zoo, server, "/owa/auth/logon.aspx")

    paths = set(re.findall(rb"/owa/auth/([0-9.]+)/", reply.body))
    assert paths == {server.nodes[0].cu_path.encode()}
    assert b'<link rel="shortcut icon" href="/owa/auth/15.' in reply.body
    assert 13_000 < len(reply.body) < 18_000


@pytest.mark.parametrize(("kind", "folder"), [("2007", "base"), ("2010", "resources")])
def test_classic_pages_carry_four_parts(zoo: Lab, of_kind: OfKind, kind: str, folder: str) -> None:
    """2007 and 2010 show four parts in header and paths, sometimes a little below the build."""
    for server in of_kind(kind):
        shown = server.nodes[0].shown

        page = ask(zoo, server, "/owa/auth/logon.aspx")

        assert f"/owa/{shown}/themes/{folder}/".encode() in page.body
        assert page.first("X-OWA-Version") == shown
        assert ask(zoo, server, "/owa/").first("X-OWA-Version") == shown
        assert page.first("X-AspNet-Version") == "2.0.50727"
        assert page.first("X-FEServer") is None


@pytest.mark.parametrize("path", WITH_VERSION)
def test_several_paths_say_the_version(zoo: Lab, of_kind: OfKind, path: str) -> None:
    """Every path that was recorded with the header has it."""
    server = of_kind("SE")[0]

    assert ask(zoo, server, path).first("X-OWA-Version") == str(server.nodes[0].build)


@pytest.mark.parametrize(
    ("path", "offers"),
    [
        ("/EWS/Exchange.asmx", ["Negotiate", "NTLM"]),
        ("/mapi/", ["Negotiate", "NTLM"]),
        ("/oab/", ["Negotiate", "NTLM"]),
        ("/autodiscover/autodiscover.xml", ["Negotiate", "NTLM", "Basic"]),
        ("/Microsoft-Server-ActiveSync", ["Basic"]),
        ("/rpc/rpcproxy.dll", ["Negotiate", "NTLM", "Basic"]),
    ],
)
def test_directories_ask_for_credentials(
    zoo: Lab, of_kind: OfKind, path: str, offers: list[str]
) -> None:
    """401 with the methods in the order of IIS."""
    reply = ask(zoo, of_kind("2019")[0], path)

    assert reply.status == 401
    assert [value.split(" ")[0] for value in reply.all("WWW-Authenticate")] == offers


def test_headers_keep_order_and_case(zoo: Lab, of_kind: OfKind) -> None:
    """As recorded: Server, request-id, version; X-Powered-By, X-FEServer, Date last."""
    names = _names(ask(zoo, of_kind("SE")[0], "/EWS/Exchange.asmx"))

    assert names[:3] == ["Server", "request-id", "X-OWA-Version"]
    assert names[-4:] == ["X-Powered-By", "X-FEServer", "Date", "Content-Length"]


def test_request_ids_differ(zoo: Lab, of_kind: OfKind) -> None:
    """A constant request-id is a mark of decoys; real ones never repeat."""
    server = of_kind("SE")[0]

    assert len({ask(zoo, server, "/owa/").first("request-id") for _ in range(5)}) == 5


def test_the_manifest_is_on_some_servers(zoo: Lab) -> None:
    """Where the export tool is published, its manifest has the build; elsewhere sign-in."""
    path = "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application"
    servers = [s for s in zoo.estate.servers if s.kind.name in MODERN]
    for server in servers:
        node, reply = server.nodes[0], ask(zoo, server, path)
        if node.has_manifest:
            assert (
                f'version="{node.build}" publicKeyToken="b1d1a6c45aa418ce"'.encode() in reply.body
            )
            assert reply.first("X-CalculatedBETarget") == node.host
        else:
            assert reply.status == 302


def test_powershell_varies(zoo: Lab, of_kind: OfKind) -> None:
    """Reachable with 401, forbidden or absent, as drawn."""
    for server in of_kind("2016"):
        assert ask(zoo, server, "/powershell/").status == server.nodes[0].powershell


def test_other_paths_are_not_found(zoo: Lab, of_kind: OfKind) -> None:
    """A random path gets 404: a server that answers everything alike is a decoy."""
    assert ask(zoo, of_kind("2019")[0], "/a-random-path").status == 404


def test_version_folders_exist_for_the_own_cu_only(zoo: Lab, of_kind: OfKind) -> None:
    """The icon of the own CU is there, that of another is not."""
    server = of_kind("2019")[0]
    icon = "/owa/auth/{}/themes/resources/favicon.ico"

    assert ask(zoo, server, icon.format(server.nodes[0].cu_path)).status == 200
    assert ask(zoo, server, icon.format("15.2.1")).status == 404


def test_one_connection_serves_several_requests(zoo: Lab, of_kind: OfKind) -> None:
    """HTTP/1.1 keeps the connection, and HEAD gets no body."""
    server = of_kind("2019")[0]
    sock = encrypted(server.address, zoo.ports.https)

    reply = asked_over(sock, "/owa/", "/ecp/", "/owa/auth/logon.aspx", method="HEAD")

    assert reply.status == 200
    assert reply.body == b""
    assert int(reply.first("Content-Length") or 0) > 10_000


def test_exchange_2003_leads_to_its_own_page(zoo: Lab, of_kind: OfKind) -> None:
    """/exchange/ redirects to owalogon.asp; no header names a version."""
    reply = ask(zoo, of_kind("2003")[0], "/exchange/")

    assert "/exchweb/bin/auth/owalogon.asp" in (reply.first("Location") or "")
    assert reply.first("Server") == "Microsoft-IIS/6.0"
    assert reply.first("X-OWA-Version") is None


def test_without_a_host_the_internal_address_shows(zoo: Lab, of_kind: OfKind) -> None:
    """HTTP/1.0 without Host is redirected to an address inside."""
    with encrypted(of_kind("2013")[0].address, zoo.ports.https) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: sock.recv(4096), b""))

    assert b"Location: https://192.168." in answer
