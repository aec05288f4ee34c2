"""POP: the greeting, which up to Exchange 2003 carries the whole version, and CAPA."""

from patchstand.observe.dialogue import Dialogue, one_line, pop_list
from patchstand.observe.probe import Probe
from patchstand.observe.session import MailService, Session


async def _speak(dialogue: Dialogue, _name: bytes) -> None:
    """Greeting, CAPA, QUIT; no log-in."""
    greeting = await dialogue.ask(b"", one_line)
    if greeting is None or not greeting.startswith(b"+OK"):
        return
    await dialogue.ask(b"CAPA", pop_list)
    await dialogue.ask(b"QUIT", one_line)


SERVICE = MailService("pop", 995, lambda answer: answer.startswith((b"+OK", b"-ERR")), _speak)


async def _run(session: Session, _nodes: int) -> None:
    if session.target.pop is not None:
        await session.converse(SERVICE, session.target.pop)


PROBE = Probe("pop", "mail", rank=40, requests_at_most=1, run=_run)
