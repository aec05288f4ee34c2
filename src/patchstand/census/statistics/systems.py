"""The figures by autonomous system."""

from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.statistics._breakdown import breakdown
from patchstand.census.tables import Tables


def _systems(tables: Tables, _: Asked) -> Part:
    return {"systems": breakdown(tables, "systems", "asn")}


STATISTIC = Statistic(_systems)
