"""The figures by federal state."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.statistics._breakdown import breakdown
from patchstand.census.tables import Tables


def _states(tables: Tables, _: Asked) -> Part:
    return {"states": breakdown(tables, "states", "state")}


STATISTIC = Statistic(_states)
