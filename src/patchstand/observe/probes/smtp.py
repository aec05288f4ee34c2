"""SMTP: the greeting, what EHLO offers, and both again inside STARTTLS."""

import re

from patchstand.observe.dialogue import Dialogue, smtp_reply
from patchstand.observe.probe import Probe
from patchstand.observe.session import MailService, Session

_STARTTLS = re.compile(rb"(?im)^250[ -]STARTTLS[ \t]*\r?$")
_GREETING = re.compile(rb"[2-5]\d\d[ -]")


async def _speak(dialogue: Dialogue, name: bytes) -> None:
    """Greeting, EHLO, STARTTLS where offered, EHLO, QUIT; no mail, no log-in."""
    greeting = await dialogue.ask(b"", smtp_reply)
    if greeting is None:
        return
    if greeting.startswith(b"220"):
        offered = await dialogue.ask(b"EHLO " + name, smtp_reply)
        if offered and _STARTTLS.search(offered) and dialogue.wire.tls is None:
            ready = await dialogue.ask(b"STARTTLS", smtp_reply)
            if ready and ready.startswith(b"220") and await dialogue.start_tls():
                await dialogue.ask(b"EHLO " + name, smtp_reply)
    await dialogue.ask(b"QUIT", smtp_reply)


SERVICE = MailService("smtp", 465, lambda answer: bool(_GREETING.match(answer)), _speak)


async def _run(session: Session, _nodes: int) -> None:
    if session.target.smtp is not None:
        await session.converse(SERVICE, session.target.smtp)


PROBE = Probe("smtp", "mail", rank=20, requests_at_most=1, run=_run)
