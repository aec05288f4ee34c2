"""Figures that somebody published, the rules behind them, and a country that has them."""

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published figure as an interval, and the rule by which it was counted.

    `low` and `high` are shares (0 to 1), or numbers of servers for the rule `size`. `rule` is
    one of `workflow.published.RULES`; `lines`, `months` and `until` are what it asks for.
    `of_lines`: the denominator is the servers of these lines; empty: all servers.
    """

    id: str
    words: str
    low: float
    high: float
    rule: str
    derivable: bool = True
    why: str = ""
    lines: tuple[str, ...] = ()
    of_lines: tuple[str, ...] = ()
    months: int | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a population: its share, and which builds its servers may have.

    `cus` and `not_cus` restrict the cumulative updates. The first missing security update
    came out between `missing_from` and `missing_until`; with `current`, none may be missing.
    """

    share: float
    lines: tuple[str, ...]
    cus: tuple[str, ...] = ()
    not_cus: tuple[str, ...] = ()
    missing_from: date | None = None
    missing_until: date | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What nobody published: how servers are run, seen and spread; freely chosen, see the file.

    Shares lie in 0 to 1, rates are per day, times in days.
    """

    quick: float
    quick_lag: float
    slow_lag: float
    skipped: float
    holidays: float
    reinstalled: float
    churn: float
    moved: float
    silent: float
    missed: float
    cu_only: float
    product_only: float
    states: dict[str, float] = field(default_factory=dict)
    sectors: dict[str, float] = field(default_factory=dict)
    systems: int = 200


@dataclass(frozen=True, slots=True)
class PublishedPopulation:
    """Figures of one publication, and the make-up of a population that has them.

    `as_of` is the day the figures are taken for, `remark` what is uncertain about it;
    `total` the number of servers as published.
    """

    name: str
    as_of: date
    remark: str
    total: int | None
    sources: tuple[str, ...]
    figures: tuple[PublishedFigure, ...]
    cells: tuple[Cell, ...]
    habits: Habits
