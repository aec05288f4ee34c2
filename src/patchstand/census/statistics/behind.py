"""N months behind: the first missing security update came out at least so long ago."""

from patchstand.census.conditions import behind
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables


def _behind(tables: Tables, asked: Asked) -> Part:
    figures = {
        str(months): tables.figure("behind", *behind(months)) for months in sorted(asked.months)
    }
    return {"behind": figures}


STATISTIC = Statistic(_behind)
