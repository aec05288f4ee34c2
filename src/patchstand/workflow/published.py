"""Published figures counted again by the rules behind them, and the builds of their cells."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from patchstand.assess import judge_build
from patchstand.model import (
    Build,
    BuildAssessment,
    Knowledge,
    PhaseName,
    Status,
    Update,
    Why,
)
from patchstand.model.published import Cell, PublishedFigure, PublishedPopulation

Sight = tuple[tuple[str, ...], tuple[Build, ...], int]
"""Possible lines, possible builds, and how many servers show them."""
Rule = Callable[[PublishedFigure, BuildAssessment], bool]

_HIDDEN = "CVE-2024-21410"
"""The flaw that Extended Protection closes: from outside nobody sees whether it is on."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure beside ours, counted by its own rule, and by ours where we have one.

    `agrees`: the intervals meet; None for a figure that cannot be derived.
    """

    figure: str
    published_low: float
    published_high: float
    ours_low: float | None
    ours_high: float | None
    derivable: bool
    agrees: bool | None
    why: str
    own_low: float | None = None
    own_high: float | None = None

    def row(self) -> dict[str, Any]:
        """As a row of the document."""
        return asdict(self)


def compare(
    population: PublishedPopulation, present: Iterable[Sight], known: Knowledge, as_of: date
) -> list[Comparison]:
    """Every figure of a population beside the same figure of the servers present."""
    seen = list(present)
    return [_compared(figure, seen, known, as_of) for figure in population.figures]


def _compared(
    figure: PublishedFigure, present: list[Sight], known: Knowledge, as_of: date
) -> Comparison:
    if not figure.derivable:
        return Comparison(
            figure.id, figure.low, figure.high, None, None, derivable=False, agrees=None,
            why=figure.why,
        )  # fmt: skip
    low, high = _share(figure, RULES[figure.rule], present, known, as_of)
    own = _share(figure, OWN[figure.rule], present, known, as_of) if figure.rule in OWN else None
    meets = low is not None and high is not None and low <= figure.high and high >= figure.low
    return Comparison(
        figure.id,
        figure.low,
        figure.high,
        low,
        high,
        derivable=True,
        agrees=meets,
        why=figure.why or figure.words,
        own_low=own[0] if own else None,
        own_high=own[1] if own else None,
    )


def _share(
    figure: PublishedFigure, rule: Rule, present: list[Sight], known: Knowledge, as_of: date
) -> tuple[float | None, float | None]:
    """The share of the denominator for which a rule surely, and possibly, holds."""
    of = low = high = 0
    for lines, builds, n in present:
        if figure.of_lines and not set(lines) <= set(figure.of_lines):
            continue
        surely, maybe = _holds(figure, rule, lines, builds, known, as_of)
        of, low, high = of + n, low + n * surely, high + n * maybe
    return (low / of, high / of) if of else (None, None)


def _holds(  # noqa: PLR0917  a rule, what it is asked of, and by what is known
    figure: PublishedFigure,
    rule: Rule,
    lines: tuple[str, ...],
    builds: tuple[Build, ...],
    known: Knowledge,
    as_of: date,
) -> tuple[bool, bool]:
    judged = [found for each in builds if (found := judge_build(known, each, as_of)) is not None]
    if judged:
        held = [rule(figure, each) for each in judged]
        return all(held), any(held)
    if figure.rule == "line" and lines:
        inside = [line in figure.lines for line in lines]
        return all(inside), any(inside)
    return False, True


def _line(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.line.value in figure.lines


def _behind(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.behind.since is not None and judged.behind.months >= (figure.months or 0)


def _rce(_: PublishedFigure, judged: BuildAssessment) -> bool:
    return any(
        cve.rce is True and cve.counts_for_class and cve.status is Status.AFFECTED
        for cve in judged.cves
    )


def _lacks(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    since = judged.behind.since
    is_asked = not figure.lines or judged.line.value in figure.lines
    return is_asked and since is not None and figure.until is not None and since <= figure.until


def _unclear(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    """Nothing that counts is missing, and whether the hidden flaw is open nobody can see."""
    return not _lacks(figure, judged) and _hidden(judged) != (Status.FIXED, Why.DEFAULT)


def _safe(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return not _lacks(figure, judged) and _hidden(judged) == (Status.FIXED, Why.DEFAULT)


def _hidden(judged: BuildAssessment) -> tuple[Status, Why] | None:
    found = next((cve for cve in judged.cves if cve.id == _HIDDEN), None)
    return (found.status, found.why) if found else None


def _is_vulnerable(_: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.server_class.value == "vulnerable"


def _is_undetermined(_: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.server_class.value == "undetermined"


def _is_unsupported(_: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.support.phase in (PhaseName.ESU, PhaseName.ENDED)


RULES: dict[str, Rule] = {
    "line": _line,
    "behind": _behind,
    "rce": _rce,
    "lacks": _lacks,
    "unclear": _unclear,
    "safe": _safe,
}
"""The rules of published figures, for one build; `size` is none: it cannot be derived."""
OWN: dict[str, Rule] = {
    "line": _line,
    "behind": _behind,
    "rce": _rce,
    "lacks": _is_vulnerable,
    "unclear": _is_undetermined,
}
"""What we count in place of it (docs/results.md)."""


def builds_of(cell: Cell, known: Knowledge, as_of: date) -> list[Update]:
    """The builds that servers of a cell may have on the day of its population.

    A withdrawn update is none of them, nor one whose day of release is not known.
    """
    found = []
    for update in known.updates:
        if update.line.value not in cell.lines or update.released_to > as_of:
            continue
        if update.withdrawn_on is not None or update.cu in cell.not_cus:
            continue
        if (cell.cus and update.cu not in cell.cus) or not _is_missing(cell, known, update, as_of):
            continue
        found.append(update)
    return found


def _is_missing(cell: Cell, known: Knowledge, update: Update, as_of: date) -> bool:
    """True when the first missing update of a build came out in the time the cell says."""
    judged = judge_build(known, update.build, as_of)
    since = judged.behind.since if judged else None
    if since is None:
        return cell.current
    after = cell.missing_from is None or since >= cell.missing_from
    return after and (cell.missing_until is None or since <= cell.missing_until)
