"""Kaplan-Meier: what share of those at risk has been patched after how many days.

Confidence band: Greenwood's variance on the scale of log(-log S), 95 %, which keeps it within
0 to 1 (Kalbfleisch and Prentice 1980, section 1.4). Where nobody or everybody was patched it
says nothing; there the exact bound of a binomial share holds (Clopper and Pearson 1934).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
_HALF = 0.5 - 1e-12
"""Half, also where a product of fractions misses it by its last digit."""


@dataclass(frozen=True, slots=True)
class Step:
    """From a day on, the share that is patched, with its band; shares lie in 0 to 1."""

    day: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Survival:
    """The curve of a group: a step per day with an event.

    `watched`: until which day how many were still watched; `followed` is the last day on
    which anybody was.
    """

    steps: tuple[Step, ...]
    watched: tuple[tuple[int, int], ...]
    at_risk: int
    events: int
    followed: int
    days: int

    def after(self, day: int) -> Step | None:
        """The share after so many days; None where nobody was watched for that long."""
        if day > self.followed or not self.at_risk:
            return None
        left = next((n for until, n in self.watched if until >= day), self.at_risk)
        found = Step(day, 0.0, 0.0, 1 - _edge(left))
        for step in self.steps:
            if step.day > day:
                break
            found = step
        return found

    def median(self) -> tuple[int | None, int | None, int | None]:
        """The day by which half are patched, and its band; None where it was not reached."""
        sides = (
            [step.share for step in self.steps],
            [step.high for step in self.steps],
            [step.low for step in self.steps],
        )
        found = [
            next((s.day for s, share in zip(self.steps, side, strict=True) if share >= _HALF), None)
            for side in sides
        ]
        return found[0], found[1], found[2]

    def half_life(self) -> tuple[float, float, float] | None:
        """Days in which half of the rest is patched if the rate were constant, with its band.

        The rate is events per server and day watched; its band is that of the logarithm of
        a Poisson count. None without an event.
        """
        return half_life(self.events, self.days)


def half_life(events: int, days: int) -> tuple[float, float, float] | None:
    """Half-life, lower and upper bound in days, from events and the days watched in total."""
    if not events or not days:
        return None
    middle = log(2) * days / events
    spread = exp(Z / sqrt(events))
    return middle, middle / spread, middle * spread


def kaplan_meier(rows: Sequence[tuple[int, int, int]]) -> Survival:
    """The curve from (days, patched that day, last seen that day) in the order of days."""
    at_risk = total = sum(events + censored for _, events, censored in rows)
    unpatched, variance = 1.0, 0.0
    steps: list[Step] = []
    watched = []
    for day, events, censored in rows:
        watched.append((day, at_risk))
        if events:
            unpatched *= 1 - events / at_risk
            left = at_risk - events
            variance += events / (at_risk * left) if left else 0.0
            steps.append(_step(day, unpatched, variance) if left else _all(day, total, steps))
        at_risk -= events + censored
    return Survival(
        steps=tuple(steps),
        watched=tuple(watched),
        at_risk=total,
        events=sum(events for _, events, _ in rows),
        followed=rows[-1][0] if rows else 0,
        days=sum(day * (events + censored) for day, events, censored in rows),
    )


def _all(day: int, watched: int, before: Sequence[Step]) -> Step:
    """Everybody still watched is patched."""
    low = before[-1].low if before else 0.0
    return Step(day, 1.0, max(low, _edge(watched)), 1.0)


def _edge(watched: int) -> float:
    """The lower 97.5 % bound of a share that was found to be 1 in so many."""
    return float(0.025 ** (1 / watched)) if watched else 0.0


def _step(day: int, unpatched: float, variance: float) -> Step:
    spread = Z * sqrt(variance) / log(unpatched)  # negative, as the logarithm is
    return Step(day, 1 - unpatched, 1 - unpatched ** exp(spread), 1 - unpatched ** exp(-spread))
