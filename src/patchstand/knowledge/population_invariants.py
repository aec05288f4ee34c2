"""What must hold of every published population, shipped or from an override folder."""

from collections.abc import Iterator
from math import inf

from patchstand.model import ON_PREMISES, ProductLine
from patchstand.model.published import (
    Habits,
    OwnRule,
    PublishedFigure,
    PublishedPopulation,
    PublishedRule,
    Unit,
    Words,
)

_LANGUAGES = {"en", "de"}
_SHARES = (
    "quick", "skipped", "holidays", "reinstalled", "moved", "silent", "missed", "cu_only",
    "product_only",
)  # fmt: skip
_A_DAY = ("churn", "migrated")
_ABOVE_ZERO = ("quick_lag", "slow_lag", "urgent", "large")
_SIMULATED = {line for line in ON_PREMISES if line.rank >= ProductLine.V2010.rank}
_SYSTEMS = 1023
"""AS numbers for private use (RFC 6996), of 16 bits."""
_ASKED_FOR = {
    PublishedRule.LINE: ("lines",),
    PublishedRule.BEHIND: ("months",),
    PublishedRule.LACKS: ("until",),
    PublishedRule.RCE: (),
    PublishedRule.UNCLEAR: ("until", "flaw"),
    PublishedRule.SAFE: ("until", "flaw"),
}


def broken_invariants(name: str, found: PublishedPopulation) -> Iterator[str]:
    """What is wrong with the population of a name, one sentence each."""
    if found.name != name:
        yield f"its file calls it {found.name!r}"
    if not found.cited or not found.figures or not found.chosen:
        yield "sources, figures and what was chosen freely must be named"
    if not all(map(_is_complete, (found.denominator, *found.assumed))):
        yield "a text is not in both languages"
    if found.total is not None and found.total < 1:
        yield "total is no number of servers"
    if len({figure.id for figure in found.figures}) < len(found.figures):
        yield "two figures of one id"
    for figure in found.figures:
        yield from (f"figure {figure.id}: {problem}" for problem in _of_figure(figure, found))
    yield from _of_cells(found)
    yield from _of_habits(found.habits)


def _is_complete(words: Words) -> bool:
    return words.keys() == _LANGUAGES and all(words.values())


def _of_figure(figure: PublishedFigure, of: PublishedPopulation) -> Iterator[str]:
    most = 1.0 if figure.unit is Unit.SHARE else inf
    if not 0 <= figure.low <= figure.high <= most or figure.high == inf:
        yield f"{figure.low} to {figure.high} is no interval of a {figure.unit}"
    if not _is_complete(figure.words) or (figure.why and not _is_complete(figure.why)):
        yield "a text is not in both languages"
    if figure.source not in of.cited:
        yield f"no source is named {figure.source!r}"
    if figure.unit is Unit.SERVERS and figure.derivable and of.total is None:
        yield "a number of servers, of a total that is not known"
    yield from _of_rule(figure)


def _of_rule(figure: PublishedFigure) -> Iterator[str]:
    if not figure.derivable:
        if figure.rule is not None or not figure.why:
            yield "what cannot be derived has no rule, but a reason why"
    elif figure.rule is None or figure.unit is Unit.FLAWS:
        yield "it has no rule to be derived by"
    elif not all(getattr(figure, asked) for asked in _ASKED_FOR[figure.rule]):
        yield f"the rule {figure.rule} asks for {' and '.join(_ASKED_FOR[figure.rule])}"
    if figure.own in (OwnRule.LINE, OwnRule.BEHIND):
        yield f"own: {figure.own} goes with the rule of that name only, and then by itself"


def _of_cells(of: PublishedPopulation) -> Iterator[str]:
    if not {line for cell in of.cells for line in cell.lines} <= _SIMULATED:
        yield f"a cell of a line that is not simulated; known: {', '.join(sorted(_SIMULATED))}"
    if not all(0 <= cell.share <= 1 and cell.lines for cell in of.cells):
        yield "a cell without lines, or with a share that is none"
    if not abs(sum(cell.share for cell in of.cells) - 1) < 1e-9:
        yield "the shares of the cells do not add up to 1"


def _of_habits(habits: Habits) -> Iterator[str]:
    for name in _SHARES:
        if not 0 <= getattr(habits, name) <= 1:
            yield f"{name} is no share"
    for name in _A_DAY:
        if not 0 <= getattr(habits, name) <= 0.1:
            yield f"{name} is no rate per day"
    for name in _ABOVE_ZERO:
        if not 0 < getattr(habits, name) < 10_000:
            yield f"{name} must be above 0"
    yield from _of_what_they_show(habits)


def _of_what_they_show(habits: Habits) -> Iterator[str]:
    if habits.skipped == 1:
        yield "skipped: not every build can have been left out"
    if habits.cu_only + habits.product_only > 1:
        yield "cu_only and product_only are more than all servers"
    if not 1 <= habits.systems <= _SYSTEMS:
        yield f"systems must be from 1 to {_SYSTEMS}"
    for name in ("states", "sectors"):
        weights = getattr(habits, name).values()
        if not weights or not all(0 < each < inf for each in weights):
            yield f"the weights of {name} must be above 0"
