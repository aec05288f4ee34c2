"""The shape of a statistic: one file per statistic in `statistics/`, found by `plugins`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from patchstand.census.tables import Tables

Part = dict[str, Any]
"""A part of the census by the names of the document: figures, numbers, texts, nested."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What may be chosen: months behind, and for how many days back changes are counted."""

    months: tuple[int, ...] = (1, 3, 6, 12, 24)
    days: int = 30


@dataclass(frozen=True, slots=True)
class Statistic:
    """Computes its part of the census from the tables."""

    run: Callable[[Tables, Asked], Mapping[str, Any]]
