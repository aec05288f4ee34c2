"""Published figures counted again by the rules behind them, and the builds of their cells.

What can be said of a server is a set: it is in the numerator, in the denominator only, or
outside, as each of its possible builds has it. The bounds of a share follow from these sets.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from enum import Enum
from typing import Any

from patchstand.assess import Course, course, judge_build
from patchstand.model import (
    ON_PREMISES,
    BuildAssessment,
    Knowledge,
    PhaseName,
    ProductLine,
    ServerClass,
    Status,
    Update,
    Why,
)
from patchstand.model.published import (
    Cell,
    OwnRule,
    PublishedFigure,
    PublishedPopulation,
    PublishedRule,
    Unit,
    Words,
)
from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.workflow.sightings import read_shown

WIDEST = 0.05
"""Where the rule tells nothing of more than five in a hundred servers, nothing agrees."""
_PART = 0.5
"""Nor where it tells nothing of half as many as were published."""
_ROUNDING = 1e-9
_UNSUPPORTED = frozenset({PhaseName.ESU, PhaseName.ENDED})


_COLUMNS = (
    "figure", "unit", "words", "published_low", "published_high", "ours_low", "ours_high",
    "derivable", "agrees", "why", "why_de", "own_rule", "own_low", "own_high",
)  # fmt: skip


class _Standing(Enum):
    """Where a server can stand: counted, not counted, not of the denominator."""

    COUNTED = "counted"
    NOT_COUNTED = "not counted"
    OUTSIDE = "outside"


Standings = frozenset[_Standing]
"""All that is possible for one server."""
_OPEN = frozenset({_Standing.COUNTED, _Standing.NOT_COUNTED})


@dataclass(frozen=True, slots=True)
class _Sight:
    """What `n` servers show: possible lines, builds as judged, and the verdict over the set.

    `is_complete`: the knowledge has every build of the set, and there is one.
    """

    lines: tuple[ProductLine, ...]
    members: tuple[BuildAssessment, ...]
    is_complete: bool
    whole: Course
    n: int


Bounds = tuple[float, float] | None
"""The lower and the upper bound of a share; None when the denominator is empty."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published figure beside ours, counted by its own rule, and by ours where we have one.

    All bounds are in `unit`; numbers of servers are our shares of the published total.
    `agrees`: the intervals meet, and ours is narrow enough to say so; None where that cannot
    be told, or the figure cannot be derived. `own_rule` is a rule of the census. `words` is
    what was published, `why` the reason why it does not agree or cannot be derived, else the
    words again; both in both languages.
    """

    figure: str
    unit: str
    words: Words
    published_low: float
    published_high: float
    derivable: bool
    why: Words
    ours_low: float | None = None
    ours_high: float | None = None
    agrees: bool | None = None
    own_rule: str | None = None
    own_low: float | None = None
    own_high: float | None = None

    def row(self) -> dict[str, Any]:
        """As a row of the document."""
        found = {name: _short(value) for name, value in asdict(self).items()}
        found["why"], found["why_de"] = self.why["en"], self.why["de"]
        return {name: found[name] for name in _COLUMNS}


def _short(value: object) -> object:
    """Numbers with six digits: a product of shares and a total has none beyond them."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def compare(
    population: PublishedPopulation, sights: Mapping[str, int], known: Knowledge, as_of: date
) -> list[Comparison]:
    """Every figure of a population beside the same figure of servers, as of a day.

    `sights`: how many servers show what, as `Census.sights` has it.
    """
    seen = [_sight(shown, n, known, as_of) for shown, n in sights.items()]
    return [_compared(figure, population, seen) for figure in population.figures]


def _sight(shown: str, n: int, known: Knowledge, as_of: date) -> _Sight:
    lines, builds, doubt = read_shown(shown)
    judged = [found for each in builds if (found := judge_build(known, each, as_of)) is not None]
    whole = course(
        knowledge=known, builds=builds, lines=lines, reason=doubt, first=as_of, last=as_of
    )
    is_complete = bool(judged) and len(judged) == len(builds)
    return _Sight(lines, tuple(judged), is_complete, whole, n)


def _compared(figure: PublishedFigure, of: PublishedPopulation, seen: list[_Sight]) -> Comparison:
    bare = Comparison(
        figure=figure.id,
        unit=figure.unit.value,
        words=dict(figure.words),
        published_low=figure.low,
        published_high=figure.high,
        derivable=figure.derivable,
        why=dict(figure.why or figure.words),
    )
    if figure.rule is None:
        return bare
    own_rule = figure.own or OWN[figure.rule]
    ours = _share((published_standings(figure, each), each.n) for each in seen)
    own = _share((_own_standings(own_rule, figure, each), each.n) for each in seen)
    scale = float(of.total or 1) if figure.unit is Unit.SERVERS else 1.0
    agrees, reason = _agreement(figure.low / scale, figure.high / scale, ours)
    return replace(
        bare,
        ours_low=ours[0] * scale if ours else None,
        ours_high=ours[1] * scale if ours else None,
        agrees=agrees,
        why=_said(figure, reason) if reason else bare.why,
        own_rule=own_rule.value,
        own_low=own[0] * scale if own else None,
        own_high=own[1] * scale if own else None,
    )


def _agreement(low: float, high: float, ours: Bounds) -> tuple[bool | None, str]:
    """Whether ours agrees with a published share from `low` to `high`, and the reason."""
    if ours is None:
        return None, "nobody"
    if ours[0] > high + _ROUNDING or ours[1] < low - _ROUNDING:
        return False, "apart"
    if ours[1] - ours[0] > min(WIDEST, _PART * high):
        return None, "too_wide"
    return True, ""


def _said(figure: PublishedFigure, reason: str) -> Words:
    return {
        lang: f"{figure.words[lang]}: {catalog(lang).text(f'published_reason.{reason}')}"
        for lang in LANGUAGES
    }


def _share(standings: Iterable[tuple[Standings, int]]) -> Bounds:
    """The bounds of the share: every server stands where it makes it least, and most."""
    least, least_of, most, most_of = 0, 0, 0, 0
    for possible, n in standings:
        may_fail = _Standing.NOT_COUNTED in possible
        may_count = _Standing.COUNTED in possible
        surely = possible == {_Standing.COUNTED}
        surely_not = possible == {_Standing.NOT_COUNTED}
        least, least_of = least + n * surely, least_of + n * (surely or may_fail)
        most, most_of = most + n * may_count, most_of + n * (surely_not or may_count)
    if not most_of and not least_of:
        return None
    return (least / least_of if least_of else 1.0, most / most_of if most_of else 0.0)


# The rules as published


def published_standings(figure: PublishedFigure, sight: _Sight) -> Standings:
    """Where servers of a sight can stand by the rule of a figure."""
    found: set[_Standing] = set()
    for member in sight.members:
        found |= _standing(figure, member.line, _counts(figure, member))
    if not sight.is_complete:
        for line in sight.lines or ON_PREMISES:
            found |= _standing(figure, line, _line_counts(figure, line))
    return frozenset(found)


def _standing(figure: PublishedFigure, line: ProductLine, counts: bool | None) -> Standings:
    """`counts` None: it may or may not."""
    if figure.of_lines and line not in figure.of_lines:
        return frozenset({_Standing.OUTSIDE})
    if counts is None:
        return _OPEN
    return frozenset({_Standing.COUNTED if counts else _Standing.NOT_COUNTED})


def _line_counts(figure: PublishedFigure, line: ProductLine) -> bool | None:
    """As `_counts` of any build of a line: None where the build decides."""
    if line in figure.whole_lines:
        return True
    if figure.lines and line not in figure.lines:
        return False
    return True if figure.rule is PublishedRule.LINE else None


def _counts(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    by_line = _line_counts(figure, judged.line)
    assert figure.rule is not None  # what cannot be derived is not counted
    return RULES[figure.rule](figure, judged) if by_line is None else by_line


def _behind(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return judged.behind.since is not None and judged.behind.months >= (figure.months or 0)


def _lacks(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    since = judged.behind.since
    return since is not None and figure.until is not None and since <= figure.until


def _rce(_: PublishedFigure, judged: BuildAssessment) -> bool:
    return any(
        cve.rce is True and cve.counts_for_class and cve.status is Status.AFFECTED
        for cve in judged.cves
    )


def _unclear(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return not _lacks(figure, judged) and not _is_closed_by_default(figure, judged)


def _safe(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    return not _lacks(figure, judged) and _is_closed_by_default(figure, judged)


def _is_closed_by_default(figure: PublishedFigure, judged: BuildAssessment) -> bool:
    found = next((cve for cve in judged.cves if cve.id == figure.flaw), None)
    return found is not None and (found.status, found.why) == (Status.FIXED, Why.DEFAULT)


RULES: dict[PublishedRule, Callable[[PublishedFigure, BuildAssessment], bool]] = {
    PublishedRule.LINE: lambda figure, judged: judged.line in figure.lines,
    PublishedRule.BEHIND: _behind,
    PublishedRule.LACKS: _lacks,
    PublishedRule.RCE: _rce,
    PublishedRule.UNCLEAR: _unclear,
    PublishedRule.SAFE: _safe,
}
"""The rules of published figures, for one build; its line has been looked at before."""


# Our own, beside them

OWN = {
    PublishedRule.LINE: OwnRule.LINE,
    PublishedRule.BEHIND: OwnRule.BEHIND,
    PublishedRule.LACKS: OwnRule.VULNERABLE,
    PublishedRule.RCE: OwnRule.RCE,
    PublishedRule.UNCLEAR: OwnRule.UNDETERMINED,
    PublishedRule.SAFE: OwnRule.NOT_VULNERABLE,
}
"""Which of our figures stands beside a published one (docs/published-figures.md)."""


def _own_standings(own: OwnRule, figure: PublishedFigure, sight: _Sight) -> Standings:
    """Where servers of a sight can stand by our rule, of the lines that the figure is about."""
    if own in (OwnRule.LINE, OwnRule.BEHIND):
        return published_standings(figure, sight)
    surely, maybe = _own(own, sight)
    found = {_Standing.COUNTED} if maybe else set()
    if not surely:
        found |= {_Standing.NOT_COUNTED}
    possible = {member.line for member in sight.members}
    possible |= set() if sight.is_complete else set(sight.lines or ON_PREMISES)
    asked = set(figure.lines) if own is not OwnRule.UNSUPPORTED and figure.lines else possible
    if not possible <= asked:
        found |= {_Standing.NOT_COUNTED}
    if not possible & asked:
        found -= {_Standing.COUNTED}
    if figure.of_lines and not possible <= set(figure.of_lines):
        found |= {_Standing.OUTSIDE}
    return frozenset(found)


def _own(own: OwnRule, sight: _Sight) -> tuple[bool, bool]:
    """Whether our rule holds surely, and possibly, as the census counts it."""
    span = sight.whole.spans[0]
    if own is OwnRule.RCE:
        return sight.whole.rce.low <= span.since, sight.whole.rce.high <= span.since
    if own is OwnRule.UNSUPPORTED:
        phases = span.phases
        return bool(phases) and phases <= _UNSUPPORTED, not phases or bool(phases & _UNSUPPORTED)
    wanted = ServerClass(own.value.removeprefix("class_"))
    is_it = span.server_class is wanted
    if wanted is ServerClass.UNDETERMINED:
        return is_it, is_it
    return is_it, is_it or span.server_class is ServerClass.UNDETERMINED


# The builds of simulated servers


def builds_of(cell: Cell, known: Knowledge, as_of: date) -> list[Update]:
    """The builds that servers of a cell may have on the day of its population.

    A withdrawn update is none of them, nor one whose day of release is not known.
    """
    found = []
    for update in known.updates:
        if update.line not in cell.lines or update.released_to > as_of:
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
