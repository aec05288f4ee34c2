"""A census as the document that every rendering of it takes: `patchstand/census/1`."""

from collections.abc import Iterable, Mapping
from typing import Any

from patchstand.model import FEWEST, Census, Figure, ProductLine
from patchstand.report.as_json import Document
from patchstand.report.catalog import catalog

_PERMIT = ("granted_by", "authority", "legal_basis", "purposes")
_BREAKDOWNS = ("by_line", "sectors", "states", "systems")
_LINES = {line.value: at for at, line in enumerate(ProductLine)}


def census_document(census: Census) -> Document:
    """The document; breakdowns have their small cells suppressed."""
    found: Document = {
        "schema": "patchstand/census/1",
        "as_of": census.as_of.isoformat(),
        "covered_until": census.covered_until.isoformat(),
        "stale": census.stale,
        "knowledge": {"version": census.knowledge},
        "country": census.country,
        "window_days": 14,
        "observed": {"first": census.first.isoformat(), "last": census.last.isoformat()},
        "skipped": [{"month": each.month, "why": each.why} for each in census.skipped],
        "population": census.population,
        "basis": {
            "simulated": census.basis.simulated,
            "sources": dict(census.basis.sources),
            "vulnerable_only": census.basis.vulnerable_only,
            "permits": [
                {name: each.get(name) for name in _PERMIT} for each in census.basis.permits
            ],
        },
    }
    for name, part in census.parts.items():
        found[name] = _breakdown(part) if name in _BREAKDOWNS else _plain(part)
    for name in {"lines", "by_line", "cumulative_updates"} & found.keys():
        found[name] = dict(sorted(found[name].items(), key=lambda item: _place(item[0])))
    if "exposed" in found:
        found["exposed"] = found["exposed"].pop("figure") | found["exposed"]
    found["rules"] = {rule: _rule(rule) for rule in sorted({"population", *_rules(found)})}
    return found


def _plain(part: object) -> Any:  # noqa: ANN401  as deep as the part is
    if isinstance(part, Figure):
        return _figure(part)
    if isinstance(part, Mapping):
        return {name: _plain(each) for name, each in part.items()}
    if isinstance(part, list | tuple):
        return [_plain(each) for each in part]
    return part


def _figure(figure: Figure) -> Document:
    return {
        "n": figure.n,
        "n_high": figure.n_high,
        "of": figure.of,
        "low": figure.low,
        "high": figure.high,
        "rule": figure.rule,
    }


def _breakdown(groups: Mapping[str, Mapping[str, Any]]) -> Document:
    """The figures by group, without those that would point at one to four servers."""
    found: Document = _plain(groups)
    names = {name for group in groups.values() for name in group}
    for name in sorted(names - {"population"}):
        for group in _hidden({group: each[name] for group, each in groups.items()}):
            figure: Figure = groups[group][name]
            found[group][name] = {"suppressed": True, "of": figure.of, "rule": figure.rule}
    return found


def _hidden(column: Mapping[str, Figure]) -> set[str]:
    """The groups whose figure is suppressed: one of one to four servers would point at them.

    The sum over all groups is published as well, so that one hidden figure would follow from
    the others: at least two are hidden, and together they may have five servers.
    """
    hidden = {
        group
        for group, figure in column.items()
        if any(0 < n < FEWEST for n in (figure.n, figure.n_high))
    }
    others = sorted(column.keys() - hidden, key=lambda group: (column[group].n_high, group))
    for group in others if hidden else ():
        if len(hidden) > 1 and sum(column[each].n_high for each in hidden) >= FEWEST:
            break
        if column[group].n_high:
            hidden.add(group)
    return hidden


def _place(name: str) -> tuple[int, str]:
    return _LINES.get(name.split(maxsplit=1)[0], len(_LINES)), name


def _rules(part: object) -> Iterable[str]:
    """The ids of all rules that a document names."""
    if isinstance(part, Mapping):
        if isinstance(part.get("rule"), str):
            yield part["rule"]
        for each in part.values():
            yield from _rules(each)
    elif isinstance(part, list):
        for each in part[:1]:
            yield from _rules(each)


def _rule(rule: str) -> dict[str, str]:
    """The text of a rule in both languages; its id where nobody has written one yet."""
    return {lang: catalog(lang).either(f"census_rule.{rule}", rule) for lang in ("en", "de")}
