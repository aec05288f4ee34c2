from asyncio import StreamReader, StreamWriter

import pytest
from tests.observe import servers
from tests.observe.conftest import Run, approach, look_at
from tests.observe.servers import script, serving, smtp_with_tls

from patchstand.model import Observation, Outcome, Target
from patchstand.observe.look import look


def look_at_mail(run: Run, service: str, behaviour: servers.Behaviour) -> Observation:
    async def main() -> Observation:
        async with serving(behaviour) as port:
            return await look_at(port, service=service, probes="mail")

    return run(main())


def test_starttls_shows_the_certificate_and_the_second_ehlo(run: Run) -> None:
    """One session, one request: greeting, EHLO, STARTTLS, certificate, EHLO again, QUIT."""
    seen = look_at_mail(run, "smtp", smtp_with_tls())

    (session,) = seen.transcripts
    assert session.outcome is Outcome.ANSWERED
    assert session.detail == ""
    assert seen.requests == 1
    assert session.answer.startswith(b"220 mail01 Microsoft ESMTP MAIL Service ready\r\n250-")
    assert session.answer.count(b"250-mail01 Hello") == 2
    assert b"250-AUTH NTLM LOGIN" in session.answer
    assert session.answer.endswith(b"221 2.0.0 Service closing transmission channel\r\n")
    assert session.tls is not None
    assert session.tls.certificate


def test_bytes_before_the_handshake_do_not_count_as_encrypted(run: Run) -> None:
    """What is slipped in behind the 220 of STARTTLS is kept, but answers no later question."""
    slipped = b"220 2.0.0 SMTP server ready\r\n250 slipped in\r\n"

    (session,) = look_at_mail(run, "smtp", smtp_with_tls(slipped)).transcripts

    assert session.outcome is Outcome.ANSWERED
    assert session.answer.count(b"250-mail01 Hello") == 2
    assert session.answer.count(b"slipped in") == 1


def test_starttls_that_fails_leaves_the_greeting(run: Run) -> None:
    """A server that offers STARTTLS and then speaks rubbish has answered all the same."""
    behaviour = script(
        b"220 mail01 ready\r\n", b"250-mail01\r\n250 STARTTLS\r\n", b"220 go\r\n", end=b"rubbish"
    )

    (session,) = look_at_mail(run, "smtp", behaviour).transcripts

    assert session.outcome is Outcome.ANSWERED
    assert session.detail.startswith("tls_failed")
    assert session.answer.endswith(b"220 go\r\n")


def test_a_refusing_mail_server_has_answered(run: Run) -> None:
    """A 554 greeting is an answer; no EHLO follows."""
    (session,) = look_at_mail(run, "smtp", script(b"554 no\r\n", b"221 bye\r\n")).transcripts

    assert session.outcome is Outcome.ANSWERED
    assert session.answer == b"554 no\r\n221 bye\r\n"


def test_imap_gives_its_id_where_it_offers_one(run: Run) -> None:
    """Greeting, capabilities and ID are kept in one transcript."""
    behaviour = script(
        b"* OK The Microsoft Exchange IMAP4 service is ready.\r\n",
        b"* CAPABILITY IMAP4rev1 AUTH=NTLM ID\r\np1 OK done\r\n",
        b'* ID ("version" "15.2")\r\np2 OK done\r\n',
        b"* BYE\r\np3 OK done\r\n",
    )

    (session,) = look_at_mail(run, "imap", behaviour).transcripts

    assert session.outcome is Outcome.ANSWERED
    assert b'"version" "15.2"' in session.answer
    assert session.answer.endswith(b"p3 OK done\r\n")


def test_a_latin_1_pop_greeting_is_kept_byte_for_byte(run: Run) -> None:
    """A greeting that is not UTF-8 is neither refused nor changed."""
    greeting = "+OK Microsoft Exchange Server 2003 POP3-Server-Version 6.5.7638.1 für".encode(
        "latin-1"
    )
    behaviour = script(greeting + b"\r\n", b"+OK\r\nTOP\r\nUIDL\r\n.\r\n", b"+OK bye\r\n")

    (session,) = look_at_mail(run, "pop", behaviour).transcripts

    assert session.answer == greeting + b"\r\n+OK\r\nTOP\r\nUIDL\r\n.\r\n+OK bye\r\n"


HOSTILE = [
    ("smtp", servers.says(b"220-x\r\n", forever=True), Outcome.ANSWERED),
    ("imap", servers.head_then(b"* OK ", b"x" * 1000), Outcome.TOO_LARGE),
    ("pop", script(b"+OK\r\n", b"x\r\n" * 200), Outcome.ANSWERED),
    ("pop", script(b"HTTP/1.1 400 Bad Request\r\n\r\n"), Outcome.PROTOCOL_ERROR),
    ("smtp", script(b"* OK imap\r\n"), Outcome.PROTOCOL_ERROR),
    ("smtp", script(b"220 mail01\r\n"), Outcome.ANSWERED),
    ("imap", servers.silent, Outcome.TIMED_OUT),
    ("imap", script(), Outcome.RESET),
]


@pytest.mark.parametrize(("service", "behaviour", "outcome"), HOSTILE)
def test_a_hostile_mail_server_ends_in_an_outcome(
    run: Run, service: str, behaviour: servers.Behaviour, outcome: Outcome
) -> None:
    """Endless, foreign, silent or broken dialogues end within limits, with what was said."""

    async def greets_first(reader: StreamReader, writer: StreamWriter) -> None:
        reader.feed_data(b"\r\n")  # these speak when spoken to; here the server greets
        await behaviour(reader, writer)

    (session,) = look_at_mail(run, service, greets_first).transcripts

    assert session.outcome is outcome
    assert len(session.answer) <= 32 * 1024


def test_mail_sessions_share_the_budget(run: Run) -> None:
    """With one request left one mail service is asked, the others are said to be unasked."""

    async def main() -> Observation:
        async with serving(script(b"+OK\r\n", b"-ERR\r\n", b"+OK\r\n")) as port:
            target = Target("127.0.0.1", https=None, smtp=None, imap=port, pop=port)
            return await look(target, approach(requests=1))

    seen = run(main())

    assert seen.requests == 1
    assert [each.outcome for each in seen.transcripts] == [
        Outcome.PROTOCOL_ERROR,
        Outcome.BUDGET_SPENT,
    ]
