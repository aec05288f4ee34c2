"""The figures by sector."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.statistics._breakdown import breakdown
from patchstand.census.tables import Tables


def _sectors(tables: Tables, _: Asked) -> Part:
    return {"sectors": breakdown(tables, "sectors", "sector")}


STATISTIC = Statistic(_sectors)
