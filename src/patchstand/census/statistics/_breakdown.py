"""Figures by a column of the population; small groups are put together."""

from patchstand.census.conditions import behind, condition
from patchstand.census.statistic import Part
from patchstand.census.tables import Tables
from patchstand.model import FEWEST, Figure

OTHER = "other"
_FIGURES = {
    "vulnerable": ("class_vulnerable", condition("class_vulnerable")),
    "rce": ("rce", condition("rce")),
    "behind_6": ("behind", behind(6)),
    "unsupported": ("support_unsupported", condition("support_unsupported")),
}


def breakdown(tables: Tables, rule: str, column: str) -> Part:
    """The figures of each group; groups of fewer than five servers become `other`.

    Servers of which the column is not known belong to `other` too.
    """
    counts = ", ".join(
        f"count(*) FILTER ({side})" for _, pair in _FIGURES.values() for side in pair
    )
    sql = f"SELECT CAST({column} AS VARCHAR), count(*), {counts} FROM server GROUP BY 1 ORDER BY 1"  # noqa: S608  our own columns
    groups: dict[str, list[int]] = {}
    for name, *numbers in tables.ask(rule, sql):
        group = OTHER if name is None or numbers[0] < FEWEST else name
        before = groups.get(group, [0] * len(numbers))
        groups[group] = [a + b for a, b in zip(before, numbers, strict=True)]
    return {name: _group(numbers) for name, numbers in groups.items()}


def _group(numbers: list[int]) -> Part:
    of, *counts = numbers
    found: Part = {"population": of}
    for at, (name, (rule, _)) in enumerate(_FIGURES.items()):
        found[name] = Figure(counts[2 * at], counts[2 * at + 1], of, rule)
    return found
