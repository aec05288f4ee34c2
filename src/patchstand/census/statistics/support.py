"""Support phases: supported, extended security updates, ended; the last two are unsupported."""

from patchstand.census.conditions import condition
from patchstand.census.statistic import Asked, Part, Statistic
from patchstand.census.tables import Tables

_PHASES = ("supported", "esu", "ended", "unsupported")


def _support(tables: Tables, _: Asked) -> Part:
    rules = {phase: f"support_{phase}" for phase in _PHASES}
    return {
        "support": {phase: tables.figure(rule, *condition(rule)) for phase, rule in rules.items()}
    }


STATISTIC = Statistic(_support)
