import gzip
import random
import socket
import time

import pytest
from tests.observe import servers
from tests.observe.conftest import Run, approach, look_at
from tests.observe.servers import head_then, says, server_tls, serving

from patchstand.model import Observation, Outcome, Target
from patchstand.observe import look as looking
from patchstand.observe.limits import Limits
from patchstand.observe.look import look_at_all

OK = b"HTTP/1.1 200 OK\r\nX-OWA-Version: 15.2.1544.11\r\n"
BOMB = gzip.compress(bytes(10_000_000))

IN_TLS: list[tuple[str, servers.Behaviour, Outcome, bool]] = [
    ("never answers", servers.silent, Outcome.TIMED_OUT, False),
    ("a byte at a time", says(b"H", pause=0.02, forever=True), Outcome.PROTOCOL_ERROR, True),
    (
        "a good head, a byte at a time",
        says(*(bytes([each]) for each in OK), pause=0.05, forever=True),
        Outcome.TIMED_OUT,
        True,
    ),
    ("endless head", head_then(OK, b"X-Filler: 1\r\n" * 50), Outcome.TOO_LARGE, True),
    ("endless header", head_then(OK + b"X-Filler: ", b"x" * 500), Outcome.TOO_LARGE, True),
    (
        "a body of a gigabyte",
        head_then(OK + b"Content-Length: 1073741824\r\n\r\n", b"x" * 65536),
        Outcome.ANSWERED,
        True,
    ),
    ("a body without end", head_then(OK + b"\r\n", b"x" * 65536), Outcome.ANSWERED, True),
    (
        "a body that stalls",
        head_then(OK + b"Content-Length: 100000\r\n\r\n", b"x", pause=0.1),
        Outcome.ANSWERED,
        True,
    ),
    ("random bytes", says(random.Random(5).randbytes(3000)), Outcome.PROTOCOL_ERROR, True),
    ("another protocol", says(b"SSH-2.0-x\r\n\r\n\n\n", pause=9), Outcome.PROTOCOL_ERROR, True),
    ("closes", says(b""), Outcome.RESET, False),
    ("resets", servers.resets, Outcome.RESET, False),
    ("breaks TLS", servers.breaks_tls(OK), Outcome.TLS_FAILED, True),
    (
        "a chunk size that is none",
        says(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc"),
        Outcome.ANSWERED,
        True,
    ),
]
WITHOUT_TLS: list[tuple[str, servers.Behaviour, Outcome]] = [
    ("plain HTTP", says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Outcome.TLS_FAILED),
    ("random bytes", says(b"\x80rubbish" * 100), Outcome.TLS_FAILED),
    ("closes", says(b""), Outcome.TLS_FAILED),
    ("resets", servers.resets, Outcome.RESET),
    ("never answers", servers.silent, Outcome.TIMED_OUT),
]


@pytest.mark.parametrize(
    ("behaviour", "outcome", "keeps"), [row[1:] for row in IN_TLS], ids=[row[0] for row in IN_TLS]
)
def test_a_hostile_web_server_ends_in_an_outcome(
    run: Run, behaviour: servers.Behaviour, outcome: Outcome, keeps: bool
) -> None:
    """Whatever it sends, the first answer has the right outcome, soon, within the limits."""

    async def main() -> Observation:
        async with serving(behaviour, server_tls()) as port:
            return await look_at(port, requests=1, nodes=1)

    started = time.monotonic()
    seen = run(main())
    first = seen.transcripts[0]

    assert first.outcome is outcome
    assert bool(first.answer) is keeps
    assert first.truncated
    assert len(first.answer) <= (32 + 64) * 1024
    assert time.monotonic() - started < 3


@pytest.mark.parametrize(
    ("behaviour", "outcome"), [row[1:] for row in WITHOUT_TLS], ids=[r[0] for r in WITHOUT_TLS]
)
def test_a_port_without_tls(run: Run, behaviour: servers.Behaviour, outcome: Outcome) -> None:
    """Something else than TLS on the web port is told from a reset and from silence."""

    async def main() -> Observation:
        async with serving(behaviour) as port:
            return await look_at(port)

    seen = run(main())

    assert seen.outcome is outcome
    assert seen.requests == 0
    assert len(seen.transcripts) == 1


def test_a_compressed_bomb_is_kept_packed(run: Run) -> None:
    """A compressed body is neither asked for nor unpacked; the transcript says so."""
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    web = servers.Web(otherwise=head + BOMB)

    async def main() -> Observation:
        async with serving(web, server_tls()) as port:
            return await look_at(port, requests=1)

    first = run(main()).transcripts[0]

    assert first.answer == head + BOMB
    assert first.detail == "content-encoding gzip"
    assert "Accept-Encoding: identity" in web.heads[0]


def test_a_closed_port_is_refused(run: Run) -> None:
    """Nobody listening is `refused`, and no request is counted."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    seen = run(look_at(port))

    assert (seen.outcome, seen.requests) == (Outcome.REFUSED, 0)


def test_the_whole_target_has_a_deadline(run: Run) -> None:
    """A server that is slow on each answer ends at the target's limit, answers kept."""
    slow = servers.script(b"* OK hello\r\n", b"* CAPABILITY IMAP4\r\n" * 2)
    limits = Limits(connect=1, answer=5, target=1.0)

    async def main() -> Observation:
        async with serving(slow) as port:
            return await look_at(port, service="imap", limits=limits)

    started = time.monotonic()
    seen = run(main())

    assert time.monotonic() - started < 2
    assert seen.detail == "the target's time is up"
    assert seen.outcome is Outcome.ANSWERED
    assert seen.transcripts[0].answer.startswith(b"* OK hello")


def test_one_bad_server_does_not_harm_the_others(run: Run) -> None:
    """Beside hostile servers the good ones are all answered."""

    async def main() -> list[Outcome]:
        good = servers.Web({"/owa/": servers.REDIRECT})
        async with (
            serving(good, server_tls()) as good_port,
            serving(servers.silent, server_tls()) as silent_port,
            serving(servers.resets) as reset_port,
            serving(head_then(OK + b"\r\n", b"x" * 65536), server_tls()) as flood_port,
        ):
            ports = [good_port, silent_port, reset_port, flood_port] * 10
            targets = [Target("127.0.0.1", https=port) for port in ports]
            approached = approach("web", requests=2)
            return [
                seen.outcome
                async for seen in look_at_all(targets, approached, concurrency=8)
                if seen.target.https == good_port
            ]

    assert run(main()) == [Outcome.ANSWERED] * 10


def test_our_own_mistake_is_an_outcome_too(run: Run) -> None:
    """An exception nobody expected ends one target, not the run."""

    class Broken:
        is_loopback = True

        async def addresses(self, name: str) -> None:
            raise ZeroDivisionError(name)

    async def main() -> list[Observation]:
        targets = [Target("a.example"), Target("b.example")]
        settings = approach(resolver=Broken())
        return [seen async for seen in look_at_all(targets, settings, concurrency=1)]

    assert [seen.outcome for seen in run(main())] == [Outcome.PROTOCOL_ERROR] * 2


def test_the_deadline_keeps_the_answer_under_way(run: Run) -> None:
    """An answer cut by the target's limit is kept as far as it came."""
    slow = head_then(OK + b"Content-Length: 100000\r\n\r\n", b"x", pause=0.05)
    limits = Limits(connect=1, answer=5, target=0.6)

    async def main() -> Observation:
        async with serving(slow, server_tls()) as port:
            return await look_at(port, limits=limits)

    seen = run(main())

    (first,) = seen.transcripts
    assert (first.outcome, first.truncated) == (Outcome.ANSWERED, True)
    assert first.answer.startswith(OK)
    assert seen.requests == 1


def test_few_files_lower_the_number_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process may open few files, fewer servers are asked at once, all of them."""
    monkeypatch.setattr("resource.getrlimit", lambda _: (20, 20))
    names = [Target("127.1"), Target("2130706433"), Target("a b")]

    async def main() -> list[Outcome]:
        return [seen.outcome async for seen in look_at_all(names, approach(), 500)]

    assert looking.run(main()) == [Outcome.NO_ADDRESS] * 3
