"""Several back ends behind one address: fresh connections without cookies, each asks `/owa/`.

Where that names no version the sign-in page is asked too. With n back ends, k connections
are expected to miss n(1-1/n)^k of them: of two, eight connections miss 0.8 %.
"""

from patchstand.model import Outcome
from patchstand.observe.probe import Probe
from patchstand.observe.session import Session
from patchstand.observe.wire import Failed

PATH = "/owa/"
SIGN_IN_PAGE = "/owa/auth/logon.aspx"
"""Asked on the same connection when the first answer names no version: it names the CU."""
VERSION_HEADER = b"x-owa-version"


async def _run(session: Session, nodes: int) -> None:
    """Open connections beyond the first until `nodes` have asked; none if the first failed."""
    port = session.target.https
    asked = [each for each in session.transcripts if each.question == f"GET {PATH}"]
    if port is None or not any(each.outcome is Outcome.ANSWERED for each in asked):
        return
    for _ in range(nodes - 1):
        if session.budget.spent:
            session.note("https", f"GET {PATH}", Failed(Outcome.BUDGET_SPENT))
            return
        wire = await session.connect(port, tls=True)
        if isinstance(wire, Failed):
            session.note("https", f"GET {PATH}", wire)
            return
        answer = (await session.get(wire, PATH)).answer
        if VERSION_HEADER not in answer.lower() and wire.is_open and not session.budget.spent:
            await session.get(wire, SIGN_IN_PAGE)
        wire.drop()


PROBE = Probe("nodes", "web", rank=90, requests_at_most=0, run=_run)
