"""The vulnerable servers of a store, judged anew as of a day.

What was identified is taken from the store; the verdict is drawn with the knowledge in use,
once for each distinct set of builds and not once for each server.
"""

from dataclasses import replace
from datetime import date

from patchstand.assess import Subject, findings, judge
from patchstand.model import (
    Build,
    Identity,
    IdentityPrecision,
    Knowledge,
    ProductLine,
    ServerClass,
    Severity,
)
from patchstand.model.judged import JudgedServer, Verdict
from patchstand.store.export import Selection
from patchstand.store.folder import Folder
from patchstand.store.present import PresentServer, present
from patchstand.store.pseudonym import Mask

_Key = tuple[tuple[str, ...], tuple[str, ...], bool, str, str | None]


class Judging:
    """Judges what was identified as of a day; the same identity is judged once."""

    def __init__(self, known: Knowledge, as_of: date) -> None:
        """Nothing is judged yet."""
        self._known, self._as_of = known, as_of
        self._made: dict[_Key, Verdict] = {}

    def of(self, server: PresentServer) -> Verdict:
        """The verdict on its builds; the same object for the same identity."""
        key = (server.lines, server.builds, server.or_later, server.precision, server.reason)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._judge(_identity(server))
        return found

    def _judge(self, identity: Identity) -> Verdict:
        assessment = judge(self._known, identity, self._as_of)
        found = findings(Subject(self._known, identity, assessment))
        severity = found[0].severity if found else Severity.INFO
        return Verdict(identity, replace(assessment, findings=found), severity)


def _identity(server: PresentServer) -> Identity:
    return Identity(
        is_exchange=True,
        lines=tuple(map(ProductLine, server.lines)),
        builds=tuple(map(Build.parse, server.builds)),
        or_later=server.or_later,
        precision=IdentityPrecision(server.precision),
        reason=server.reason,
    )


def vulnerable(
    folder: Folder, selection: Selection, known: Knowledge, mask: Mask | None
) -> list[JudgedServer]:
    """The vulnerable servers present in a `window`, sorted by what is shown of them.

    They are judged as of the last day of the selection; without a mask they are named.

    Raises:
        UsageError: no Exchange server was observed in that window.
        StoreError: the store cannot be read.
    """
    assert selection.until is not None  # `window` sets it
    judging = Judging(known, selection.until)
    found: list[JudgedServer] = []
    for server in present(folder, selection):
        verdict = judging.of(server)
        if verdict.assessment.server_class is ServerClass.VULNERABLE:
            found.append(_shown(server, verdict, mask))
    return sorted(found, key=lambda each: (each.address or "", each.target, each.ports))


def _shown(server: PresentServer, verdict: Verdict, mask: Mask | None) -> JudgedServer:
    return JudgedServer(
        target=mask.name(server.target) if mask else server.target,
        address=mask.name(server.address) if mask and server.address else server.address,
        ports=server.ports,
        observed_at=server.observed_at,
        source=server.source,
        verdict=verdict,
        place=server.place,
        nodes=() if mask else server.nodes,
        named=mask is None,
    )
