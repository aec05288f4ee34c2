"""The level of the situation on our own scale; no authority's scale, and none is meant.

It goes by the share of servers on which a flaw that is known to be exploited is surely open:
calm below 5 %, strained from 5 %, serious from 15 %, critical from 30 %. What cannot be told
raises no level; the upper bound stands beside it.
"""

from patchstand.census.conditions import condition
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables

_LEVELS = ((0.30, "critical"), (0.15, "serious"), (0.05, "strained"), (0.0, "calm"))


def _situation(tables: Tables, _: Asked) -> Part:
    figure = tables.figure("situation", *condition("known_exploited"))
    shares = {"low": figure.low or 0.0, "high": figure.high or 0.0}
    found = {bound: _level(share) for bound, share in shares.items()}
    return {
        "situation": {
            "level": found["low"],
            "level_high": found["high"],
            "share": figure,
            "rule": "situation",
        }
    }


def _level(share: float) -> str:
    return next(level for least, level in _LEVELS if share >= least)


STATISTIC = Statistic(_situation)
