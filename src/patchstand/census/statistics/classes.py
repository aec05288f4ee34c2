"""Classes: vulnerable, undetermined, not vulnerable."""

from patchstand.census.conditions import condition
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables

_CLASSES = ("vulnerable", "undetermined", "not_vulnerable")


def _classes(tables: Tables, _: Asked) -> Part:
    rules = {name: f"class_{name}" for name in _CLASSES}
    return {
        "classes": {name: tables.figure(rule, *condition(rule)) for name, rule in rules.items()}
    }


STATISTIC = Statistic(_classes)
