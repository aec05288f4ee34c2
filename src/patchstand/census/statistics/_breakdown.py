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

    Servers of which the column is not known belong to `other` too. Where `other` has fewer
    than five itself, the next smallest group joins it.
    """
    counts = ", ".join(
        f"count(*) FILTER ({side})" for _, pair in _FIGURES.values() for side in pair
    )
    sql = f"SELECT CAST({column} AS VARCHAR), count(*), {counts} FROM server GROUP BY 1 ORDER BY 1"  # noqa: S608  our own columns
    groups: dict[str, list[int]] = {}
    rows = sorted(tables.ask(rule, sql), key=lambda row: (row[0] is not None, row[1]))
    for name, *numbers in rows:
        joins = name is None or numbers[0] < FEWEST or _is_small(groups.get(OTHER))
        group = OTHER if joins else name
        before = groups.get(group, [0] * len(numbers))
        groups[group] = [a + b for a, b in zip(before, numbers, strict=True)]
    return {name: _group(numbers) for name, numbers in sorted(groups.items())}


def _is_small(numbers: list[int] | None) -> bool:
    return numbers is not None and numbers[0] < FEWEST


def _group(numbers: list[int]) -> Part:
    of, *counts = numbers
    found: Part = {"population": of}
    for at, (name, (rule, _)) in enumerate(_FIGURES.items()):
        found[name] = Figure(counts[2 * at], counts[2 * at + 1], of, rule)
    return found
