import ssl
from typing import Any

import pytest
from cryptography import x509
from tests.observe.conftest import Run, approach, look_at
from tests.observe.servers import CHALLENGE, REDIRECT, Web, server_tls, serving

from patchstand.model import Observation, Outcome, Target
from patchstand.observe.http import HttpReader
from patchstand.observe.limits import Limits
from patchstand.observe.look import look
from patchstand.observe.probes.https import PATHS

LOGON = (
    b"HTTP/1.1 200 OK\r\nServer: Microsoft-IIS/10.0\r\nx-oWa-Version:15.2.1544.11\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def exchange() -> Web:
    return Web({"/owa/": REDIRECT, "/owa/auth/logon.aspx": LOGON + b"4\r\npage\r\n0\r\n\r\n"})


def look_at_web(run: Run, web: Web, **settings: Any) -> Observation:  # noqa: ANN401  # of Approach
    async def main() -> Observation:
        async with serving(web, server_tls()) as port:
            return await look_at(port, **settings)

    return run(main())


def test_an_ordinary_server(run: Run) -> None:
    """The published paths are asked in their order over one connection, heads kept exactly."""
    web = exchange()

    seen = look_at_web(run, web)

    assert seen.outcome is Outcome.ANSWERED
    assert web.paths == list(PATHS)
    assert web.connections == 1
    assert seen.requests == len(PATHS) == len(seen.transcripts)
    assert seen.transcripts[0].answer == REDIRECT
    assert seen.transcripts[1].answer == LOGON + b"page"
    assert seen.transcripts[2].answer == CHALLENGE
    assert not any(each.truncated for each in seen.transcripts)
    assert seen.permit is not None
    assert seen.permit.granted_by == "loopback"


def test_redirects_are_kept_and_not_followed_and_cookies_not_sent(run: Run) -> None:
    """A redirect with its cookie is an answer; nothing of it is used in later requests."""
    web = exchange()

    look_at_web(run, web, requests=2, nodes=3)

    assert not any("cookie" in head.lower() for head in web.heads)
    assert all("\r\nHost: 127.0.0.1:" in head for head in web.heads)
    assert "patchstand/0.0; +https://probe.example/)" in web.heads[0]
    assert set(web.paths) <= set(PATHS)


@pytest.mark.parametrize("limit", [1, 2, 5, 12])
def test_the_budget_counts_requests(run: Run, limit: int) -> None:
    """The server is asked exactly as often as allowed; the rest is said to be unasked."""
    web = exchange()

    seen = look_at_web(run, web, requests=limit, nodes=4)

    assert len(web.heads) == seen.requests == limit
    assert seen.transcripts[-1].outcome is Outcome.BUDGET_SPENT
    assert seen.outcome is Outcome.ANSWERED


def test_the_default_budget_holds_with_many_nodes(run: Run) -> None:
    """However many nodes are wanted, a server gets at most 24 requests."""
    web = exchange()

    seen = look_at_web(run, web, nodes=100)

    assert len(web.heads) == seen.requests == 24


def test_fresh_connections_find_several_back_ends(run: Run) -> None:
    """`nodes` connections are made, each asks /owa/ and is numbered apart."""
    node = b"HTTP/1.1 302 Found\r\nX-FEServer: EX@@\r\nContent-Length: 0\r\n\r\n"
    web = Web({"/owa/": node})

    seen = look_at_web(run, web, nodes=4)

    owa = [each for each in seen.transcripts if each.question == "GET /owa/"]
    assert [each.answer for each in owa] == [
        node.replace(b"@@", str(number).encode()) for number in (1, 2, 3, 4)
    ]
    assert len({each.connection for each in owa}) == web.connections == 4


def test_a_server_that_closes_each_time(run: Run) -> None:
    """A reply that ends with the connection is whole; the next goes over a new one."""
    closing = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nbody"
    web = Web(otherwise=closing)

    seen = look_at_web(run, web)

    assert [each.answer for each in seen.transcripts] == [closing] * len(PATHS)
    assert not any(each.truncated for each in seen.transcripts)
    assert web.connections == len(PATHS)


def test_an_unasked_answer_is_not_taken_for_the_next(run: Run) -> None:
    """After two answers to one question the connection is given up."""
    web = Web(otherwise=CHALLENGE + REDIRECT)

    seen = look_at_web(run, web, requests=3)

    assert [each.answer for each in seen.transcripts[:3]] == [CHALLENGE] * 3
    assert web.connections == 3


def test_the_certificate_is_taken_without_trust(run: Run) -> None:
    """A self-signed certificate is kept as DER with the TLS version and the cipher."""
    seen = look_at_web(run, exchange(), requests=1)

    tls = seen.transcripts[0].tls
    assert tls is not None
    assert tls.version == "TLSv1.3"
    assert tls.certificate is not None
    assert b"mail01" in x509.load_der_x509_certificate(tls.certificate).subject.public_bytes()


def test_tls_1_0_is_reachable(run: Run) -> None:
    """A server that speaks nothing newer than TLS 1.0 is read."""
    web = exchange()

    async def main() -> Observation:
        async with serving(web, server_tls(only_tls_1_0=True)) as port:
            return await look_at(port, requests=1)

    seen = run(main())

    assert seen.outcome is Outcome.ANSWERED
    assert seen.transcripts[0].tls is not None
    assert seen.transcripts[0].tls.version == "TLSv1"


def test_a_name_goes_into_host_and_sni(run: Run) -> None:
    """The name of the target is what the server is asked for, in TLS too."""
    web = exchange()
    asked: list[str | None] = []

    def note(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        asked.append(name)

    async def main() -> Observation:
        context = server_tls()
        context.sni_callback = note
        async with serving(web, context) as port:
            return await look(Target("Mail.LOCALHOST.", https=port), approach("web", requests=1))

    try:
        seen = run(main())
    finally:
        server_tls.cache_clear()

    assert seen.outcome is Outcome.ANSWERED
    assert "\r\nHost: mail.localhost:" in web.heads[0]
    assert asked == ["mail.localhost"]


PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
SHAPES = {
    "spaces before the colon": b"HTTP/1.1 200 OK\r\nX-OWA-Version : 1\r\nContent-Length: 4\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nX-OWA-Version: 1\nContent-Length: 4\n\n",
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 4\r\n\r\n",
    "Latin-1": b"HTTP/1.1 200 \xfcber\r\nX-N\xe4me: \xe4\r\nContent-Length: 4\r\n\r\n",
    "control bytes": b"HTTP/1.1 200 OK\r\nX-A: \x01\x02\r\nContent-Length: 4\r\n\r\n",
    "two spaces": b"HTTP/1.1  200 OK\r\nContent-Length: 4\r\n\r\n",
}


@pytest.mark.parametrize("head", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_malformed_heads_are_read_leniently(head: bytes, piece: int) -> None:
    """What the strict parser refuses is read all the same, in any pieces, bytes unchanged."""
    reader = HttpReader(Limits())
    sent = head + b"page"

    done = [reader.feed(sent[at : at + piece]) for at in range(0, len(sent), piece)]

    assert done[-1]
    assert not any(done[:-1])
    assert reader.is_usable
    assert reader.answer == sent
    assert not reader.truncated


def test_interim_replies_are_passed_over() -> None:
    """The answer begins with the final reply."""
    reader = HttpReader(Limits())

    assert reader.feed(b"HTTP/1.1 100 Continue\r\n\r\n" + PAGE + b"page")
    assert reader.answer == PAGE + b"page"
    assert reader.keep_alive


def test_a_body_cut_short_is_truncated() -> None:
    """The end of the stream before the stated length leaves a usable, truncated answer."""
    reader = HttpReader(Limits())

    assert not reader.feed(PAGE + b"pa")
    assert reader.end()
    assert reader.is_usable
    assert reader.truncated
