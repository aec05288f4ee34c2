"""The web side of Exchange: which doors are there, and what each says without a log-in."""

from patchstand.model import Outcome
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
    port = session.target.https
    if port is None:
        return
    wire: Wire | None = None
    silent = 0
    for path in PATHS:
        if session.budget.spent:
            session.note("https", f"GET {path}", Failed(Outcome.BUDGET_SPENT))
            return
        if wire is None or not wire.is_open:
            connected = await session.connect(port, tls=True)
            if isinstance(connected, Failed):
                session.note("https", f"GET {path}", connected)
                return
            wire = connected
        transcript = await session.get(wire, path)
        silent = 0 if transcript.outcome is Outcome.ANSWERED else silent + 1
        if silent >= SILENT_PATHS:
            return


PROBE = Probe("https", "web", rank=10, requests_at_most=len(PATHS), run=_run)
