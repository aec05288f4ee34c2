"""A real nginx: in front of Exchange as a reverse proxy, and as a plain web server."""

import contextlib
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.conversation import an_estate
from tests.services.conftest import Check
from tests.services.servers import certificate, free_port, program, started

from patchstand.lab import Server, lab_in_thread
from patchstand.model import Knowledge

pytestmark = pytest.mark.services

BUILD = "15.2.1118.40"
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 64; }}
http {{
  default_type text/html;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
  access_log {log};
  server {{
    listen 127.0.0.1:{port}{tls};
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    root {folder}/pages;
    {server}
  }}
}}
"""
EXCHANGE = """
  add_header X-FEServer EX01 always;
  location = /owa/ {
    %s
    add_header X-FEServer EX01 always;
    return 302 https://$host:$server_port/owa/auth/logon.aspx?url=x&reason=0;
  }
  location = /owa/auth/logon.aspx { %s }
  location ~ ^/(EWS|autodiscover|mapi|OAB|rpc|PowerShell)/ {
    add_header WWW-Authenticate Negotiate always;
    add_header WWW-Authenticate NTLM always;
    add_header X-FEServer EX01 always;
    return 401;
  }
"""
VERSION_HEADER = f"add_header X-OWA-Version {BUILD} always;"
PAGE = (
    "<!DOCTYPE html><html><head><title>Outlook</title>"
    '<link rel="shortcut icon" href="/owa/auth/15.2.1118/themes/resources/favicon.ico">'
    "</head><body>" + "<p>sign in</p>" * 400 + "</body></html>"
)
ANSWERS = {
    "length": "",
    "chunked": "ssi on;",  # a filtered page has no length beforehand
    "gzip": "gzip_static always;",  # compressed although nobody asked for it
}
CONNECTIONS = {"keep-alive": "", "close": "keepalive_timeout 0;"}


@contextlib.contextmanager
def nginx(
    folder: Path, server: str, *, http: str = "", tls: str = " ssl", log: str = "off"
) -> Iterator[str]:
    """Run nginx with one server; the port as a target."""
    port = free_port()
    certificate(folder)
    page = folder / "pages/owa/auth/logon.aspx"
    page.parent.mkdir(parents=True)
    page.write_text(PAGE)
    page.with_name("logon.aspx.gz").write_bytes(gzip.compress(PAGE.encode()))
    text = CONFIGURATION.format(
        folder=folder, port=port, server=server, http=http, tls=tls, log=log
    )
    (folder / "nginx.conf").write_text(text)
    command: list[str | Path] = [
        program("nginx"),
        "-e",
        "stderr",
        "-p",
        folder,
        "-c",
        folder / "nginx.conf",
    ]
    with started(command, [port], folder):
        yield f"127.0.0.1 https={port}"


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_exchange_behind_nginx_is_identified(
    folder: Path, check: Check, answer: str, connection: str
) -> None:
    """The version header tells the build, the Server header the front, however it answers."""
    server = EXCHANGE % (VERSION_HEADER, ANSWERS[answer])
    with nginx(folder, server, http=CONNECTIONS[connection]) as target:
        checked = check(target)

    assert checked.code == 1
    assert checked.server["outcome"] == "answered"
    assert checked.server["is_exchange"] is True
    assert checked.server["class"] == "vulnerable"
    assert checked.identity["builds"] == [BUILD]
    assert checked.identity["precision"] == "exact"
    assert checked.identity["node"] == "EX01"
    assert checked.identity["fronts"] == ["nginx"]
    assert checked.exposure("owa")["status"] == "302"
    assert checked.exposure("ews") == {
        "service": "ews",
        "port": int(target.rpartition("=")[2]),
        "reachable": True,
        "status": "401",
        "login_methods": ["Negotiate", "NTLM"],
        "encrypted": True,
    }
    assert checked.exposure("activesync")["reachable"] is False


@pytest.mark.parametrize("answer", ["length", "chunked"])
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_the_page_tells_the_cu_where_the_header_is_hidden(
    folder: Path, check: Check, known: Knowledge, answer: str, connection: str
) -> None:
    """Without X-OWA-Version, the paths in the sign-in page give every build of the CU."""
    with nginx(folder, EXCHANGE % ("", ANSWERS[answer]), http=CONNECTIONS[connection]) as target:
        checked = check(target)

    whole = {str(row.build) for row in known.updates if str(row.build).startswith("15.2.1118.")}
    assert set(checked.identity["builds"]) == whole
    assert checked.identity["precision"] == "cu"
    assert checked.identity["line"] == "2019"


def test_a_page_compressed_unasked_does_no_harm(folder: Path, check: Check) -> None:
    """A gzip page is not unpacked: headers still say Exchange, but no build is claimed."""
    with nginx(folder, EXCHANGE % ("", ANSWERS["gzip"])) as target:
        checked = check(target)

    assert checked.server["is_exchange"] is True
    assert checked.identity["builds"] == []
    assert checked.server["class"] == "undetermined"


def test_an_exchange_server_behind_a_reverse_proxy(folder: Path, check: Check) -> None:
    """Through nginx, a simulated Exchange 2019 shows its true build, its node and the front."""
    with lab_in_thread(an_estate(1, '{"2019": 1}')) as lab:
        (behind,) = lab.estate.servers
        passed = f"""location / {{
            proxy_pass https://{behind.address}:{lab.ports.https};
            proxy_set_header Host $http_host;
            proxy_http_version 1.1;
        }}"""
        with nginx(folder, passed) as target:
            checked = check(target)

    assert checked.server["is_exchange"] is True
    assert checked.identity["builds"] == [_true_build(behind)]
    assert checked.identity["node"] == behind.nodes[0].name
    assert checked.identity["fronts"] == ["nginx"]
    assert checked.server["certificate"]["subject"] == "mail.example.org"


def _true_build(server: Server) -> str:
    return str(server.nodes[0].build)


@pytest.mark.parametrize("protocols", ["TLSv1.2", "TLSv1.3"])
def test_a_plain_web_server_is_no_exchange_server(
    folder: Path, check: Check, protocols: str
) -> None:
    """nginx with its own pages: measured, certificate and TLS version seen, not Exchange."""
    with nginx(folder, f"ssl_protocols {protocols};") as target:
        (folder / "pages/owa/auth/logon.aspx").write_text("<html><title>Welcome</title></html>")
        checked = check(target)

    assert checked.code == 0
    assert checked.server["outcome"] == "answered"
    assert checked.server["is_exchange"] is not True
    assert checked.server["class"] is None
    assert checked.server["tls_versions"] == [protocols]
    certificate_facts = checked.server["certificate"]
    assert certificate_facts["names"] == ["mail.example.org"]
    assert certificate_facts["key"] == "EC secp256r1"
    assert certificate_facts["self_signed"] is True


def test_the_same_answer_to_every_path_is_no_exchange_server(folder: Path, check: Check) -> None:
    """A server that says 200 and the same page to every path has no Exchange services."""
    with nginx(folder, "location / { return 200 '<html><title>Hello</title></html>'; }") as target:
        checked = check(target)

    assert checked.server["is_exchange"] is not True
    assert checked.findings == set()


def test_a_server_without_tls(folder: Path, check: Check) -> None:
    """Plain HTTP on the asked port: TLS failed, nothing measured, exit code 3."""
    with nginx(folder, "", tls="") as target:
        checked = check(target)

    assert checked.code == 3
    assert checked.server["outcome"] == "tls_failed"
    assert checked.server["is_exchange"] is None
    assert checked.server["certificate"] is None


def test_a_server_that_closes_without_an_answer(folder: Path, check: Check) -> None:
    """A connection closed after the request is a result of its own; the certificate is kept."""
    with nginx(folder, "return 444;") as target:
        checked = check(target)

    assert checked.code == 3
    assert checked.server["outcome"] == "reset"
    assert checked.server["is_exchange"] is None
    assert checked.server["certificate"]["subject"] == "mail.example.org"


def test_no_more_is_asked_than_announced(folder: Path, check: Check) -> None:
    """The access log holds the published paths, each once, from one named client."""
    log = folder / "access.log"
    form = """log_format json escape=json '{"uri":"$request_uri","agent":"$http_user_agent"}';"""
    server = EXCHANGE % (VERSION_HEADER, "")
    with nginx(folder, server, http=form, log=f"{log} json") as target:
        checked = check(target, "--contact", "https://probe.example/", "--nodes", "1")
    asked = [json.loads(line) for line in log.read_text().splitlines()]

    assert len(asked) == checked.server["requests"] == len({row["uri"] for row in asked})
    assert all("+https://probe.example/" in row["agent"] for row in asked)
