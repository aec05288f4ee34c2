"""Support phase of a cumulative update at a date, and when a line's support ended."""

from datetime import date

from patchstand.model import Knowledge, PhaseName, ProductLine, Support

UNSUPPORTED = frozenset({PhaseName.ESU, PhaseName.ENDED})
"""Phases that count as unsupported: extended security updates are not public, and from
outside nobody can see who is entitled to them (docs/results.md)."""


def support_at(knowledge: Knowledge, line: ProductLine, cu: str, as_of: date) -> Support:
    """The support phase of one CU on a day.

    Between two phases (2026-04-15 to 30, between the periods of the extended security
    updates) and after the last one it is `ended`, since the last day of public support.
    """
    phases = knowledge.support.get((line, cu), ())
    last_end = None
    for phase in phases:
        if as_of <= phase.until and (phase.since <= as_of or phase is phases[0]):
            return Support(phase.phase, phase.until, phase.public)
        if phase.public and phase.until < as_of:
            last_end = phase.until
    return Support(PhaseName.ENDED, last_end, public=False)


def public_support_end(knowledge: Knowledge, line: ProductLine) -> date | None:
    """The last day on which any CU of the line got public updates; None if none is known."""
    return _last_day(knowledge, line, public_only=True)


def last_examined(knowledge: Knowledge, line: ProductLine) -> date | None:
    """The last day on which the vendor examined the line for new CVEs, ESU included."""
    return _last_day(knowledge, line, public_only=False)


def _last_day(knowledge: Knowledge, line: ProductLine, *, public_only: bool) -> date | None:
    ends = [
        phase.until
        for (of_line, _), phases in knowledge.support.items()
        if of_line is line
        for phase in phases
        if phase.public or not public_only
    ]
    return max(ends, default=None)
