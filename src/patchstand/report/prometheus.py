"""A census in the text format of Prometheus (version 0.0.4): gauges, and no server names.

A figure has up to three gauges: `..._servers` with the label `bound` (`low` certainly,
`high` at most), `..._of_servers` (the denominator) and `..._ratio` (the share, 0 to 1).
What is suppressed or not known is left out, so that no gauge says 0 for it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

Part = Mapping[str, Any]
_Labels = tuple[tuple[str, str], ...]


class _Sample(NamedTuple):
    name: str
    labels: _Labels
    value: float


_SINGLE = {
    "any_cve": "with at least one open CVE",
    "rce": "with an open CVE that runs code from afar",
    "known_exploited": "with an open CVE that is known to be exploited",
    "exposed": "exposed to a known exploited CVE",
}
_KEYED = {
    "classes": ("class", "class", "by class"),
    "behind": ("behind", "months", "at least so many months behind"),
    "cves": ("cve", "cve", "with this CVE open"),
    "lines": ("line", "line", "of this line"),
    "cumulative_updates": ("cumulative_update", "cumulative_update", "on this cumulative update"),
    "support": ("support", "phase", "in this support phase"),
    "movement": ("movement", "kind", "new, gone, back or moved in the days of the census"),
}
"""Part of the census -> word in the name, label, help text."""
_GROUPED = {
    "states": ("state", "federal state"),
    "systems": ("asn", "autonomous system"),
    "sectors": ("sector", "sector"),
    "by_line": ("line", "line"),
}
_IN_GROUP = ("vulnerable", "rce", "behind_6", "unsupported")


def prometheus(document: Part) -> Iterator[str]:
    """Lines, each with its end, of a census (`patchstand/census/1`).

    The same census gives the same lines; samples of one name stand together.
    """
    families: dict[str, list[_Sample]] = {}
    for sample in _samples(document):
        families.setdefault(sample.name, []).append(sample)
    texts = _helps()
    for name, samples in families.items():
        yield f"# HELP {name} {_escaped_help(texts[name])}\n"
        yield f"# TYPE {name} gauge\n"
        yield from (_line(each) for each in samples)


def _line(sample: _Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels)
    return (
        f"{sample.name}{{{labels}}} {_number(sample.value)}\n"
        if labels
        else (f"{sample.name} {_number(sample.value)}\n")
    )


def _number(value: float) -> str:
    return repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escaped_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


# What the gauges are called, and what they mean


def _helps() -> dict[str, str]:
    found = dict(_PLAIN)
    for word, text in _SINGLE.items():
        found |= _of_figure(word, text)
    for word, _, text in _KEYED.values():
        found |= _of_figure(word, text)
    for label, text in _GROUPED.values():
        word = f"by_{label}"
        found |= _of_figure(word, f"by {text} and figure")
        found[f"patchstand_{word}_population_servers"] = f"Exchange servers present, by {text}."
    return found


def _of_figure(word: str, text: str) -> dict[str, str]:
    return {
        f"patchstand_{word}_servers": f"Exchange servers {text}; low: certainly, high: at most.",
        f"patchstand_{word}_of_servers": f"Denominator of the servers {text}.",
        f"patchstand_{word}_ratio": f"Share of the servers {text}, 0 to 1.",
    }


_PLAIN = {
    "patchstand_census_info": "Version of the knowledge by which the census judges.",
    "patchstand_as_of_timestamp_seconds": "Day as of which the census judges (00:00 UTC).",
    "patchstand_covered_until_timestamp_seconds": "Day up to which the knowledge is complete.",
    "patchstand_observed_timestamp_seconds": "First and last day with observations.",
    "patchstand_knowledge_stale": "1 when a patch day lies after the end of the knowledge.",
    "patchstand_skipped_months": "Months left out because their files are damaged.",
    "patchstand_population_servers": "Exchange servers present on the day of the census.",
    "patchstand_exposed_server_days": "Days of exposure of all servers together.",
    "patchstand_exposed_median_days": "Median days of exposure of an exposed server.",
    "patchstand_exposed_longest_days": "Longest exposure of one server in days.",
    "patchstand_time_to_patch_median_days": "Days until half the servers had the fix.",
    "patchstand_time_to_patch_at_risk_servers": "Servers whose time to the fix was followed.",
    "patchstand_patched_ratio": "Share of the servers with the fix after so many days, 0 to 1.",
    "patchstand_half_life_days": "Days in which half the open servers are patched, recent updates.",
    "patchstand_support_end_days": "Days until this support phase of a line ends.",
    "patchstand_simulated": "1 when the servers are simulated and no real one stands behind.",
    "patchstand_unseen_servers": "Estimate of servers that no source has seen.",
    "patchstand_situation": "1 for the level of the situation by the own scale.",
}


# The samples


def _samples(document: Part) -> Iterator[_Sample]:
    yield from _frame(document)
    for name in _SINGLE:
        yield from _figure(name, (), document.get(name))
    for part, (word, label, _) in _KEYED.items():
        for key, figure in (document.get(part) or {}).items():
            if isinstance(figure, Mapping):
                yield from _figure(word, ((label, str(key)),), figure)
    for part, (label, _) in _GROUPED.items():
        yield from _group(f"by_{label}", label, document.get(part) or {})
    yield from _exposed(document.get("exposed") or {})
    yield from _times(document)
    yield from _rest(document)


def _frame(document: Part) -> Iterator[_Sample]:
    knowledge = document.get("knowledge") or {}
    version = str(knowledge.get("version", ""))
    yield _Sample("patchstand_census_info", (("knowledge", version),), 1)
    for name in ("as_of", "covered_until"):
        yield _Sample(f"patchstand_{name}_timestamp_seconds", (), _seconds(document[name]))
    for name in ("first", "last"):
        day = (document.get("observed") or {}).get(name)
        if day:
            labels = (("which", name),)
            yield _Sample("patchstand_observed_timestamp_seconds", labels, _seconds(day))
    yield _Sample("patchstand_knowledge_stale", (), int(bool(document.get("stale"))))
    yield _Sample("patchstand_skipped_months", (), len(document.get("skipped") or ()))
    yield _Sample("patchstand_population_servers", (), document["population"])


def _seconds(day: str) -> int:
    return int(datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp())


def _figure(word: str, labels: _Labels, figure: Part | None) -> Iterator[_Sample]:
    if not figure or figure.get("suppressed"):
        return
    name = f"patchstand_{word}"
    yield from _bounds(f"{name}_servers", labels, figure.get("n"), figure.get("n_high"))
    if figure.get("of") is not None:
        yield _Sample(f"{name}_of_servers", labels, figure["of"])
    yield from _bounds(f"{name}_ratio", labels, figure.get("low"), figure.get("high"))


def _bounds(name: str, labels: _Labels, low: float | None, high: float | None) -> Iterator[_Sample]:
    for bound, value in (("low", low), ("high", high)):
        if value is not None:
            yield _Sample(name, (*labels, ("bound", bound)), value)


def _group(word: str, label: str, groups: Part) -> Iterator[_Sample]:
    for key, group in groups.items():
        labels = ((label, str(key)),)
        population = group.get("population")
        if isinstance(population, int):
            yield _Sample(f"patchstand_{word}_population_servers", labels, population)
        for name in _IN_GROUP:
            yield from _figure(word, (*labels, ("figure", name)), group.get(name))


_ESTIMATE = ("estimate", "low", "high")


def _less(all_servers: int | None, seen: int | None) -> int | None:
    """How many of an estimate of all servers nobody saw."""
    return None if all_servers is None or seen is None else all_servers - seen


def _exposed(exposed: Part) -> Iterator[_Sample]:
    for name in ("server_days", "longest_days"):
        span = exposed.get(name) or {}
        yield from _bounds(f"patchstand_exposed_{name}", (), span.get("low"), span.get("high"))
    medians = (exposed.get("median_days") or {}).items()
    for of, days in ((of, days) for of, days in medians if days is not None):
        yield _Sample("patchstand_exposed_median_days", (("of", of),), days)


def _times(document: Part) -> Iterator[_Sample]:
    """Time to patch; `estimate` stands between the bounds of its confidence band."""
    for key, times in (document.get("time_to_patch") or {}).items():
        labels = (("of", str(key)),)
        if times.get("suppressed"):
            continue
        if times.get("at_risk") is not None:
            yield _Sample("patchstand_time_to_patch_at_risk_servers", labels, times["at_risk"])
        median = (times.get("median"), times.get("median_low"), times.get("median_high"))
        yield from _banded("patchstand_time_to_patch_median_days", labels, median)
        for days, known in (times.get("after") or {}).items():
            band = known or {}  # null: nobody was followed for so long
            after = (*labels, ("after_days", str(days)))
            shares = (band.get("share"), band.get("low"), band.get("high"))
            yield from _banded("patchstand_patched_ratio", after, shares)
    half = document.get("half_life") or {}
    band = (half.get("days"), half.get("low"), half.get("high"))
    yield from _banded("patchstand_half_life_days", (), band)


def _banded(name: str, labels: _Labels, values: Iterable[float | None]) -> Iterator[_Sample]:
    for bound, value in zip(("estimate", "low", "high"), values, strict=True):
        if value is not None:
            yield _Sample(name, (*labels, ("bound", bound)), value)


def _rest(document: Part) -> Iterator[_Sample]:
    for end in document.get("support_end") or ():
        labels = (("line", str(end["line"])), ("phase", str(end["phase"])))
        if end.get("days") is not None:
            yield _Sample("patchstand_support_end_days", labels, end["days"])
    unseen = document.get("unseen") or {}
    band = tuple(_less(unseen.get(name), unseen.get("seen")) for name in _ESTIMATE)
    yield from _banded("patchstand_unseen_servers", (), band)
    simulated = (document.get("basis") or {}).get("simulated")
    if simulated is not None:
        yield _Sample("patchstand_simulated", (), int(simulated))
    level = (document.get("situation") or {}).get("level")
    if level:
        yield _Sample("patchstand_situation", (("level", str(level)),), 1)
