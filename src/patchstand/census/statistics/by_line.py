"""The figures by product line; servers of which several are possible belong to `other`."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.statistics._breakdown import breakdown
from patchstand.census.tables import Tables


def _by_line(tables: Tables, _: Asked) -> Part:
    one = "CASE WHEN len(lines) = 1 THEN lines[1] END"
    return {"by_line": breakdown(tables, "by_line", one)}


STATISTIC = Statistic(_by_line)
