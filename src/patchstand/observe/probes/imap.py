"""IMAP: the greeting, the capabilities, and the server's ID (RFC 2971) where it offers one."""

from patchstand.observe.dialogue import Dialogue, one_line, tagged
from patchstand.observe.probe import Probe
from patchstand.observe.session import MailService, Session


async def _speak(dialogue: Dialogue, _name: bytes) -> None:
    """Greeting, CAPABILITY, ID where offered, LOGOUT; no log-in."""
    greeting = await dialogue.ask(b"", one_line)
    if greeting is None or not greeting.startswith(b"* "):
        return
    offered = await dialogue.ask(b"p1 CAPABILITY", tagged(b"p1"))
    if offered and b"ID" in offered.upper().split():
        await dialogue.ask(b"p2 ID NIL", tagged(b"p2"))
    await dialogue.ask(b"p3 LOGOUT", tagged(b"p3"))


SERVICE = MailService("imap", 993, lambda answer: answer.startswith(b"* "), _speak)


async def _run(session: Session, _nodes: int) -> None:
    if session.target.imap is not None:
        await session.converse(SERVICE, session.target.imap)


PROBE = Probe("imap", "mail", rank=30, requests_at_most=1, run=_run)
