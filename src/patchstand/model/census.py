"""The nouns of a census: a figure with its bounds, and what was counted how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """How many servers of a denominator something holds for.

    `n` servers certainly, `n_high` at most (those it cannot be told of included), both out
    of `of`. `rule` is the id of the rule it was counted by; its text is in the catalogs.
    """

    n: int
    n_high: int
    of: int
    rule: str

    @property
    def low(self) -> float | None:
        """The lower bound of the share, 0 to 1; None when the denominator is empty."""
        return self.n / self.of if self.of else None

    @property
    def high(self) -> float | None:
        """The upper bound of the share, 0 to 1; None when the denominator is empty."""
        return self.n_high / self.of if self.of else None


FEWEST = 5
"""Published cells with fewer servers are suppressed (DESIGN, principle 6)."""


@dataclass(frozen=True, slots=True)
class SkippedMonth:
    """A month (`2026-11`) that was left out because a file of it is damaged."""

    month: str
    why: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What the figures rest on.

    `sources`: how many servers of the population each source saw in the days that count.
    `vulnerable_only`: servers that only reports of vulnerable servers name: no share can be
    computed from these. `permits`: what allowed the looks; `simulated`: nobody was asked.
    """

    simulated: bool = False
    sources: Mapping[str, int] = field(default_factory=dict)
    vulnerable_only: int = 0
    permits: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """The figures of a day, and what they rest on.

    `first` and `last` are the days of the first and last observation that was looked at.
    `country`: only its servers were counted. `parts`: what the statistics counted, by the
    names of the document, with figures, numbers and texts in it. `sights`: how many servers
    of the population show what, as `lines|builds|doubt`. `sql`: what was asked, by rule.
    """

    as_of: date
    covered_until: date
    knowledge: str
    stale: bool
    population: int
    first: date
    last: date
    parts: Mapping[str, Any]
    country: str | None = None
    skipped: tuple[SkippedMonth, ...] = ()
    basis: Basis = field(default_factory=Basis)
    sights: Mapping[str, int] = field(default_factory=dict)
    sql: Mapping[str, str] = field(default_factory=dict)
