"""Figures that somebody published, the rules behind them, and a country that has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from patchstand.model.build import ProductLine

Words = Mapping[str, str]
"""A text for people, by language: `en` and `de`."""


class Unit(StrEnum):
    """What a figure is given in: a share (0 to 1), a number of servers, a number of flaws."""

    SHARE = "share"
    SERVERS = "servers"
    FLAWS = "flaws"


class PublishedRule(StrEnum):
    """What a published figure counts; whatever of `lines`, `months`, `until`, `flaw` it names.

    LINE     the server is of one of `lines`
    BEHIND   its first missing security update came out at least `months` calendar months ago
    LACKS    its first missing security update came out on `until` or before
    RCE      a flaw for remote code execution is open that counts for the class
    UNCLEAR  nothing is missing as in LACKS, and whether `flaw` is open cannot be seen
    SAFE     nothing is missing as in LACKS, and the build closes `flaw` by default
    """

    LINE = "line"
    BEHIND = "behind"
    LACKS = "lacks"
    RCE = "rce"
    UNCLEAR = "unclear"
    SAFE = "safe"


class OwnRule(StrEnum):
    """The rules of our own figures that are printed beside published ones (docs/census.md)."""

    LINE = "line"
    BEHIND = "behind"
    RCE = "rce"
    VULNERABLE = "class_vulnerable"
    UNDETERMINED = "class_undetermined"
    NOT_VULNERABLE = "class_not_vulnerable"
    UNSUPPORTED = "support_unsupported"


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published figure as an interval, and the rule by which it was counted.

    `low` and `high` are in `unit`. The rule is None for what cannot be derived, and `why` says
    the reason. Numerator: with `lines` only servers of these lines (`whole_lines`: those
    whatever their build). Denominator: the servers of `of_lines`; empty: all. `months` is the
    time that an update is given before it counts, `until` the day after which none counts,
    `flaw` the CVE that nobody sees from outside. `own`: our figure beside it, where it is not
    the one that goes with the rule. `source` is one of the keys of the population's `cited`.
    """

    id: str
    words: Words
    low: float
    high: float
    source: str
    unit: Unit = Unit.SHARE
    rule: PublishedRule | None = None
    derivable: bool = True
    why: Words = field(default_factory=dict)
    lines: tuple[ProductLine, ...] = ()
    whole_lines: tuple[ProductLine, ...] = ()
    of_lines: tuple[ProductLine, ...] = ()
    months: int | None = None
    until: date | None = None
    flaw: str | None = None
    own: OwnRule | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A part of a population: its share, and which builds its servers may have.

    `cus` and `not_cus` restrict the cumulative updates. The first missing security update
    came out between `missing_from` and `missing_until`; with `current`, none may be missing.
    """

    share: float
    lines: tuple[ProductLine, ...]
    cus: tuple[str, ...] = ()
    not_cus: tuple[str, ...] = ()
    missing_from: date | None = None
    missing_until: date | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class Habits:
    """What nobody published: how servers are run, seen and spread; chosen freely.

    What each one means stands beside its value in `knowledge/data/habits.toml`.
    """

    quick: float
    quick_lag: float
    slow_lag: float
    urgent: float
    large: float
    skipped: float
    holidays: float
    reinstalled: float
    migrated: float
    churn: float
    moved: float
    silent: float
    missed: float
    cu_only: float
    product_only: float
    systems: int
    states: Mapping[str, float]
    sectors: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PublishedPopulation:
    """Figures of one publication, and the make-up of a population that has them.

    `as_of` is the day the figures are taken for. `total` is the number of servers that shares
    are taken of where a number was published; None where none was. `assumed` says what was
    read into the publication, `chosen` what of the make-up nobody published; `digest` stands
    for everything in it.
    """

    name: str
    as_of: date
    total: int | None
    cited: Mapping[str, str]
    denominator: Words
    assumed: tuple[Words, ...]
    figures: tuple[PublishedFigure, ...]
    cells: tuple[Cell, ...]
    habits: Habits
    chosen: tuple[str, ...]
    digest: str

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the figures were read."""
        return tuple(self.cited.values())
