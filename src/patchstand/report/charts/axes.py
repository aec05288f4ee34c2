"""Where things stand in a plot: scales, grid lines, ticks, labels that keep clear."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from patchstand.report.catalog import Catalog
from patchstand.report.charts.shares import rounded
from patchstand.report.charts.svg import Point, line, text
from patchstand.report.charts.thin import runs, thinned

_FINEST = 2.4
"""Days closer than so many units are drawn together."""
_LONG = 1440
"""From so many days on, years alone are marked."""


@dataclass(frozen=True, slots=True)
class Plot:
    """The rectangle of a plot; shares of 0 to 1 go upwards, `steps` from left to right.

    `steps` is the number of the last position (of days, counted from 0).
    """

    left: float
    top: float
    width: float
    height: float
    steps: int

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    def x(self, at: float) -> float:
        """Where a position lies; a single one lies in the middle."""
        return self.left + self.width * (at / self.steps if self.steps else 0.5)

    def y(self, share: float) -> float:
        """Where a share lies."""
        return self.top + self.height * (1 - share)

    def curves(self, shares: Sequence[float | None]) -> Iterator[list[Point]]:
        """The points of each stretch without a gap, thinned; a single day gets some width."""
        width = max(1, int(_FINEST * self.steps / self.width))
        for run in runs(shares):
            points = [(self.x(at), self.y(shares[at] or 0)) for at in thinned(shares, run, width)]
            if len(points) == 1:
                ((x, y),) = points
                points = [(x - 10, y), (x + 10, y)]
            yield straightened(points)


def straightened(points: Sequence[Point]) -> list[Point]:
    """Without the points inside level stretches."""
    rows = [None, *(round(y, 1) for _, y in points), None]
    return [
        point for at, point in enumerate(points) if not rows[at] == rows[at + 1] == rows[at + 2]
    ]


def share_grid(plot: Plot, cat: Catalog) -> str:
    """Level lines at 0, 20 .. 100 %, labelled."""
    return "".join(
        line(
            plot.left, plot.y(step / 5), plot.right, plot.y(step / 5),
            stroke="rule" if step else "soft", stroke_width=1,
        )
        + text(
            plot.left - 6, plot.y(step / 5) + 4, rounded(step / 5, cat),
            text_anchor="end", font_size=12, fill="soft",
        )
        for step in range(6)
    )  # fmt: skip


def time_marks(plot: Plot, first: date, last: date) -> str:
    """Marks of dates below the plot."""
    return "".join(
        line(x, plot.bottom, x, plot.bottom + 5, stroke="soft", stroke_width=1)
        for day in _dates(first, last)
        for x in [plot.x((day - first).days)]
    )


def time_ticks(plot: Plot, first: date, last: date, cat: Catalog) -> str:
    """Marks below the plot with their dates; years where only these are marked."""
    days = list(_dates(first, last))
    yearly = len({(day.month, day.day) for day in days}) == 1 and (last - first).days > _LONG
    monthly = all(day.day == 1 for day in days)
    return time_marks(plot, first, last) + "".join(
        text(
            plot.x((day - first).days), plot.bottom + 18,
            str(day.year) if yearly else f"{day:%m/%Y}" if monthly else cat.date(day),
            text_anchor="middle", font_size=12, fill="soft",
        )
        for day in days
    )  # fmt: skip


def _dates(first: date, last: date) -> Iterator[date]:
    days = (last - first).days
    if days < 70:
        yield from (first + timedelta(days=at) for at in range(0, days + 1, max(1, -(-days // 4))))
        return
    step = next((each for each in (1, 2, 3, 6) if days / 30 <= 8 * each), 12)
    month = first.year * 12 + first.month - 1
    for at in range(month - month % step, last.year * 12 + last.month, step):
        if first <= date(at // 12, at % 12 + 1, 1):
            yield date(at // 12, at % 12 + 1, 1)


def spread(wanted: Sequence[float], gap: float, lowest: float) -> list[float]:
    """Places as close to the wanted ones as a gap allows, none beyond `lowest`.

    Places grow downwards. The order of the wanted ones stays.
    """
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    placed = dict.fromkeys(order, 0.0)
    for before, at in zip([None, *order], order, strict=False):
        placed[at] = wanted[at] if before is None else max(wanted[at], placed[before] + gap)
    if order and placed[order[-1]] > lowest:
        placed[order[-1]] = lowest
        for after, at in pairwise(reversed(order)):
            placed[at] = min(placed[at], placed[after] - gap)
    return [placed[at] for at in range(len(wanted))]
