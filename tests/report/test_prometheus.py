"""The census as gauges: valid text, the same for the same census, no names, nothing made up."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchstand.report.prometheus import prometheus

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)")
Labels = tuple[tuple[str, str], ...]


def parsed(text: str) -> dict[tuple[str, Labels], float]:
    """A strict reader of the text format: HELP, TYPE, then all samples of that name, each once."""
    assert text == "" or text.endswith("\n")
    found: dict[tuple[str, Labels], float] = {}
    helped: list[str] = []
    typed: list[str] = []
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert NAME.fullmatch(name)
            assert name not in helped
            assert len(line.split(" ", 3)[3]) > 5
            helped.append(name)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind == "gauge"
            assert name == helped[-1]
            typed.append(name)
        else:
            sample = SAMPLE.fullmatch(line)
            assert sample, line
            assert sample[1] == typed[-1], "samples of one name stand together"
            key = (sample[1], labels(sample[2] or ""))
            assert key not in found
            found[key] = float(sample[3])
    assert helped == typed
    return found


def labels(text: str) -> Labels:
    at, found = 0, []
    while at < len(text):
        part = LABEL.match(text, at)
        assert part, text
        value = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], part[2])
        found.append((part[1], value))
        at = part.end()
    assert len({name for name, _ in found}) == len(found)
    return tuple(found)


def figure(n: int, n_high: int, of: int = 100, rule: str = "x") -> dict[str, Any]:
    return {"n": n, "n_high": n_high, "of": of, "low": n / of, "high": n_high / of, "rule": rule}


GROUP = {
    "population": 40,
    "vulnerable": figure(20, 30, 40),
    "rce": {"suppressed": True, "of": 40, "rule": "rce"},
    "behind_6": figure(10, 10, 40),
    "unsupported": figure(9, 9, 40),
}
TIMES = figure(30, 30, 60) | {
    "kind": "cve", "since": "2024-03-12", "at_risk": 60, "events": 30, "censored": 30,
    "left_out": 1, "interval_days": 7, "median": 45, "median_low": 40, "median_high": None,
    "after": {"7": {"share": 0.1, "low": 0.05, "high": 0.2}, "180": None}, "half_life": 50,
    "curve": [],
}  # fmt: skip
DOCUMENT: dict[str, Any] = {
    "schema": "patchstand/census/1", "as_of": "2024-09-10", "covered_until": "2024-09-10",
    "stale": False, "knowledge": {"version": "2026.10.13.1"}, "window_days": 14,
    "observed": {"first": "2023-09-11", "last": "2024-09-10"},
    "skipped": [{"month": "2024-03", "why": "damaged"}], "population": 100,
    "classes": {"vulnerable": figure(40, 70)}, "behind": {"1": figure(30, 60), "3": figure(20, 50)},
    "any_cve": figure(40, 70), "rce": figure(35, 60), "known_exploited": figure(5, 9),
    "cves": {"CVE-2024-26198": figure(7, 9)}, "lines": {"2016": figure(50, 50), "SE": figure(0, 0)},
    "cumulative_updates": {"2019 CU14": {"suppressed": True, "of": 100, "rule": "x"}},
    "support": {"ended": figure(9, 9)},
    "exposed": figure(5, 9) | {
        "server_days": {"low": 100, "high": 200}, "median_days": {"certain": 1.5, "possible": None},
        "longest_days": {"low": 3, "high": 4},
    },
    "movement": {"days": 30, "new": figure(1, 1), "gone": figure(2, 2)},
    "time_to_patch": {"Mar24SU": TIMES},
    "half_life": {"days": 33.5, "low": 30, "high": 40, "events": 100, "rule": "half_life"},
    "states": {"DE-BY": GROUP, "other": {"suppressed": True, "of": 3}}, "systems": {"64496": GROUP},
    "sectors": {'a"b\\c\nd': GROUP}, "by_line": {"2016": GROUP},
    "support_end": [{"line": "SE", "phase": "mainstream", "until": "2035-12-31", "days": 4000,
                     "servers": figure(1, 1)}],
    "unseen": {"share": None, "seen": 100, "estimate": 112, "low": 108, "high": None, "pairs": [],
               "assumptions": [], "why": None, "rule": "unseen"},
    "series": {"days": []},
    "situation": {"level": "strained", "rule": "situation"},
}  # fmt: skip


def gauges(document: dict[str, Any]) -> dict[tuple[str, Labels], float]:
    return parsed("".join(prometheus(document)))


def test_bounds_denominators_and_shares_are_gauges() -> None:
    """Low and high are values of the label `bound`; the denominator and the share stand beside."""
    found = gauges(DOCUMENT)

    label = ("class", "vulnerable")
    assert found["patchstand_class_servers", (label, ("bound", "low"))] == 40
    assert found["patchstand_class_servers", (label, ("bound", "high"))] == 70
    assert found["patchstand_class_of_servers", (label,)] == 100
    assert found["patchstand_class_ratio", (label, ("bound", "high"))] == 0.7
    assert found["patchstand_behind_servers", (("months", "3"), ("bound", "high"))] == 50
    assert found["patchstand_population_servers", ()] == 100
    by_state = (("state", "DE-BY"), ("figure", "behind_6"), ("bound", "low"))
    assert found["patchstand_by_state_servers", by_state] == 10
    patched = (("of", "Mar24SU"), ("after_days", "7"), ("bound", "estimate"))
    assert found["patchstand_patched_ratio", patched] == 0.1
    assert found["patchstand_situation", (("level", "strained"),)] == 1


def test_days_are_timestamps() -> None:
    """The day of the census is its midnight in UTC, in seconds."""
    midnight = datetime(2024, 9, 10, tzinfo=UTC).timestamp()

    assert gauges(DOCUMENT)["patchstand_as_of_timestamp_seconds", ()] == midnight


def test_what_is_suppressed_or_unknown_is_left_out() -> None:
    """No gauge says 0 for what may not be told or is not known; a true 0 is there."""
    found = gauges(DOCUMENT)

    assert not any(("cumulative_update", "2019 CU14") in key for _, key in found)
    assert not any(("figure", "rce") in key for _, key in found)
    assert not any(("state", "other") in key for _, key in found)
    bounds = {dict(key)["bound"] for name, key in found if name == "patchstand_unseen_servers"}
    assert bounds == {"estimate", "low"}
    assert found["patchstand_line_servers", (("line", "SE"), ("bound", "high"))] == 0


def test_texts_of_others_are_escaped() -> None:
    """Quotes, backslashes and line breaks in a label come back as they were."""
    sectors = {dict(key)["sector"] for _, key in gauges(DOCUMENT) if "sector" in dict(key)}

    assert sectors == {'a"b\\c\nd'}


@given(text=st.text())
def test_any_text_is_a_label(text: str) -> None:
    """Whatever a sector is called, the text stays valid and says it unchanged."""
    found = gauges(DOCUMENT | {"sectors": {text: GROUP}})

    assert text in {dict(key).get("sector") for _, key in found}


@pytest.mark.parametrize("empty", [{}, None])
def test_a_census_of_nobody_is_valid(empty: object) -> None:
    """Without servers there are the day, the knowledge and a population of 0."""
    names = ("as_of", "covered_until", "knowledge", "stale")
    document = {name: DOCUMENT[name] for name in names} | {"population": 0}
    document |= dict.fromkeys(("cves", "states", "half_life", "unseen", "exposed"), empty)

    found = gauges(document)

    assert found["patchstand_population_servers", ()] == 0
    assert len(found) == 6


def test_the_same_census_gives_the_same_text() -> None:
    """Nothing but the document decides."""
    assert list(prometheus(DOCUMENT)) == list(prometheus(DOCUMENT))
