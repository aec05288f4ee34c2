"""At least one flaw open: any, one for remote code execution, one that is known exploited."""

from patchstand.census.conditions import condition
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables


def _flaws(tables: Tables, _: Asked) -> Part:
    rules = ("any_cve", "rce", "known_exploited")
    return {rule: tables.figure(rule, *condition(rule)) for rule in rules}


STATISTIC = Statistic(_flaws)
