"""The web side of Exchange: which doors are there, and what each says without a log-in."""

from patchstand.model import Outcome, Transcript
from patchstand.observe.probe import Probe
from patchstand.observe.session import Session
from patchstand.observe.wire import Failed, Wire

PATHS = (
    "/owa/",
    "/owa/auth/logon.aspx",
    "/EWS/Exchange.asmx",
    "/autodiscover/autodiscover.xml",
    "/ecp/",
    "/Microsoft-Server-ActiveSync",
    "/mapi/",
    "/OAB/",
    "/rpc/rpcproxy.dll",
    "/PowerShell/",
    "/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
    "/exchange/",
)
"""The published list: nothing else is ever asked. The first say most of the build; the
last is the web access of Exchange 2000 and 2003."""

SILENT_PATHS = 2
"""After so many failed answers in a row the rest is not asked: the server will not."""


async def _run(session: Session, _nodes: int) -> None:
    """Ask the paths over one connection, or over another when the server closes it."""
    if session.target.https is None:
        return
    wire: Wire | None = None
    silent = 0
    for path in PATHS:
        reused = wire
        wire = await _ask(session, path, wire)
        if wire is not None and wire is reused and _closed_meanwhile(session.transcripts[-1]):
            wire = await _ask(session, path, None)
        if wire is None:
            return
        silent = 0 if session.transcripts[-1].outcome is Outcome.ANSWERED else silent + 1
        if silent >= SILENT_PATHS:
            return


async def _ask(session: Session, path: str, wire: Wire | None) -> Wire | None:
    """Ask over `wire` while it is open, else over a new one; None when nothing can be asked."""
    if session.budget.spent:
        session.note("https", f"GET {path}", Failed(Outcome.BUDGET_SPENT))
        return None
    if wire is None or not wire.is_open:
        assert session.target.https is not None
        connected = await session.connect(session.target.https, tls=True)
        if isinstance(connected, Failed):
            session.note("https", f"GET {path}", connected)
            return None
        wire = connected
    await session.get(wire, path)
    return wire


def _closed_meanwhile(transcript: Transcript) -> bool:
    """True when the server closed a connection it had kept open, as it may: ask again."""
    return transcript.outcome is Outcome.RESET and not transcript.answer


PROBE = Probe("https", "web", rank=10, requests_at_most=len(PATHS), run=_run)
