"""The census as CSV: every number comes back, and nothing in it runs in a spreadsheet."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.census.worlds import world
from tests.report.census_documents import Document, documents, figure, hidden

from patchstand.census.statistic import Asked
from patchstand.model import Knowledge
from patchstand.report.as_json import encode
from patchstand.report.census import census_document
from patchstand.report.census_csv import FORMULA, census_csv
from patchstand.workflow.census import CensusPlan, census

FIGURE = ("n", "n_high", "of", "low", "high", "rule")
GROUPED = ("by_line", "states", "sectors", "systems")
KEYED = ("classes", "behind", "lines", "cumulative_updates", "cves", "support")
SINGLE = ("any_cve", "rce", "known_exploited")
Row = dict[str, Any]


def cell(text: str) -> str | float | None:
    """A cell as it was: nothing, a truth, a number, or text without its apostrophe."""
    words = {"": None, "true": True, "false": False}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA) else text


def rows(document: Document) -> dict[tuple[str, str], Row]:
    """The rows by part and key, as a reader of the standard's dialect finds them."""
    table = list(csv.reader(io.StringIO("".join(census_csv(document)), newline=""), strict=True))
    found = {}
    for cells in table[1:]:
        row = dict(zip(table[0], cells, strict=True))
        key = str(row["key"])
        plain = key[1:] if key.startswith("'") and key[1:].startswith(FORMULA) else key
        found[row["part"], plain] = {name: cell(text) for name, text in row.items()}
    assert len(found) == len(table) - 1, "no key stands twice"
    return found


def figure_of(row: Row) -> Document:
    if row["note"] == "suppressed":
        assert all(row[name] is None for name in ("n", "n_high", "low", "high", "value"))
        return {"suppressed": True, "of": row["of"], "rule": row["rule"]}
    return {name: row[name] for name in FIGURE}


def part_of(found: dict[tuple[str, str], Row], part: str) -> dict[str, Row]:
    return {key: row for (name, key), row in found.items() if name == part}


def read_back(found: dict[tuple[str, str], Row]) -> Document:
    """The document's numbers, from the rows alone."""
    back: Document = {part: figure_of(found[part, ""]) for part in SINGLE if (part, "") in found}
    for part in KEYED:
        back[part] = {key: figure_of(row) for key, row in part_of(found, part).items()}
    for part in GROUPED:
        back[part] = {}
        for key, row in part_of(found, part).items():
            group, name = key.rsplit("/", 1)
            shown = row["n"] if name == "population" else figure_of(row)
            back[part].setdefault(group, {})[name] = shown
    return back | read_times(found) | read_beside(found)


def read_times(found: dict[tuple[str, str], Row]) -> Document:
    courses: Document = {}
    for key, row in part_of(found, "time_to_patch").items():
        fix, _, name = key.partition("/")
        courses.setdefault(fix, {"after": {}})
        course = courses[fix]
        if not name:
            course |= {each: row[each] for each in ("n", "of", "low", "high", "rule")}
        elif name == "median":
            course |= {"median": row["value"], "median_low": row["low"],
                       "median_high": row["high"]}  # fmt: skip
        elif name.startswith("after_"):
            share = {"share": row["value"], "low": row["low"], "high": row["high"]}
            course["after"][name.removeprefix("after_")] = None if share["share"] is None else share
        else:
            course[name] = row["n"] if row["n"] is not None else row["value"]
    moved = part_of(found, "movement")
    movement: Document = {
        key: row["value"] if key == "days" else figure_of(row) for key, row in moved.items()
    }
    half = found.get(("half_life", ""))
    half_life = half and {
        "days": half["value"], "low": half["low"], "high": half["high"], "events": half["n"],
        "rule": half["rule"],
    }  # fmt: skip
    exposed: Document = {}
    for key, row in part_of(found, "exposed").items():
        name, _, whose = key.partition("/")
        if whose:
            exposed.setdefault(name, {})[whose] = row["value"]
        else:
            exposed[name] = {"low": row["low"], "high": row["high"]} if key else figure_of(row)
    exposed |= exposed.pop("", {})
    return {"time_to_patch": courses, "movement": movement, "half_life": half_life,
            "exposed": exposed}  # fmt: skip


def read_beside(found: dict[tuple[str, str], Row]) -> Document:
    ends = part_of(found, "support_end")
    situation = part_of(found, "situation")
    compared: Document = {}
    for key, row in part_of(found, "compare").items():
        _, name, what = key.split("/")
        told = compared.setdefault(name, {"figure": name})
        if what in ("published", "ours", "own"):
            told |= {f"{what}_low": row["low"], f"{what}_high": row["high"], "unit": row["unit"]}
        elif what.startswith("words_"):
            told.setdefault("words", {})[what.removeprefix("words_")] = row["value"]
        else:
            told[what] = row["value"]
    return {
        "support_end": [
            dict(zip(("line", "phase", "until"), key.split("/"), strict=True))
            | {"days": ends[f"{key}/days"]["value"], "servers": figure_of(row)}
            for key, row in ends.items()
            if not key.endswith("/days")
        ],
        "situation": situation and {
            "level": situation["level"]["value"],
            "level_high": situation["level_high"]["value"],
            "share": figure_of(situation["share"]),
            "rule": situation["level"]["rule"],
        },
        "unseen": read_unseen(part_of(found, "unseen")),
        "compare": list(compared.values()),
    }  # fmt: skip


def read_unseen(found: dict[str, Row]) -> Document:
    if not found:
        return {}
    pairs: Document = {}
    for key, row in found.items():
        if "/" in key:
            names, what = key.split("/")
            a, b = names.split("+")
            pair = pairs.setdefault(names, {"a": a, "b": b})
            if what == "estimate":
                pair |= {"estimate": row["value"], "low": row["low"], "high": row["high"]}
            else:
                pair[what] = row["n"]
    estimate, share = found["estimate"], found["share"]
    shares = {"low": share["low"], "high": share["high"]}
    return {
        "rule": estimate["rule"], "seen": found["seen"]["n"], "why": found["why"]["value"],
        "estimate": estimate["value"], "low": estimate["low"], "high": estimate["high"],
        "share": None if estimate["value"] is None else shares, "pairs": list(pairs.values()),
    }  # fmt: skip


def numbers(document: Document) -> Document:
    """What of a document is in the CSV; a part that is not there is empty."""
    found = {part: document[part] for part in SINGLE if part in document}
    for part in (*KEYED, *GROUPED, "movement", "exposed", "situation", "unseen"):
        found[part] = dict(document.get(part, {}))
    found["unseen"].pop("assumptions", None)
    found["support_end"] = document.get("support_end", [])
    found["half_life"] = document.get("half_life")
    found["compare"] = [
        {
            **row,
            "words": {lang: said or None for lang, said in row["words"].items()},
            **{name: row[name] or None for name in ("why", "why_de")},
        }
        for row in document.get("compare", [])
    ]  # an empty text is an empty cell
    found["time_to_patch"] = {
        fix: {name: value for name, value in course.items() if name != "curve"}
        for fix, course in document.get("time_to_patch", {}).items()
    }
    return found


def plain(document: Document) -> Document:
    """Texts that no cell can tell from something else are replaced: numbers, truths, signs."""

    def name(text: str) -> str:
        return f"n{text}" if cell(text) != text or not text.isprintable() else text

    sectors = {name(text): group for text, group in document.get("sectors", {}).items()}
    compared = [
        {
            **row,
            "words": {lang: name(said) for lang, said in row["words"].items()},
            **{key: name(row[key]) for key in ("why", "why_de")},
        }
        for row in document.get("compare", [])
    ]
    changed = {"sectors": sectors, "compare": compared}
    return document | {part: changed[part] for part in changed if part in document}


@settings(max_examples=50)
@given(documents())
def test_reading_the_rows_gives_the_numbers_of_the_document(document: Document) -> None:
    """Every number of any document comes back exactly, suppressed and missing ones too."""
    document = plain(document)

    assert read_back(rows(document)) == numbers(document)


def test_a_counted_census_comes_back(tmp_path: Path, known: Knowledge) -> None:
    """The figures of a store survive the way into rows and back to the last digit."""
    made = world(tmp_path / "store", known, 60, seed=5, days=120)
    counted = census(CensusPlan(made.root, date(2024, 2, 28), asked=Asked((1, 6), 30)))
    document = json.loads(encode(census_document(counted)))

    found = rows(document)

    assert read_back(found) == numbers(document)
    assert found["population", ""]["n"] == document["population"]
    assert document["time_to_patch"]
    assert any(each.get("note") == "suppressed" for each in found.values())


@settings(max_examples=50)
@given(documents())
def test_lines_follow_the_standard(document: Document) -> None:
    """Lines end with CR LF, the first names the columns, and all have the same number of cells."""
    lines = list(census_csv(document))

    assert all(line.endswith("\r\n") for line in lines)
    table = list(csv.reader(io.StringIO("".join(lines), newline=""), strict=True))
    assert len(table) == len(lines)
    assert {len(cells) for cells in table} == {len(table[0])}
    assert table[0][:8] == ["part", "key", "n", "n_high", "of", "low", "high", "rule"]


@settings(max_examples=50)
@given(documents(), st.sampled_from(FORMULA), st.text(max_size=5))
def test_nothing_becomes_a_formula(document: Document, sign: str, rest: str) -> None:
    """No text begins with a sign at which a spreadsheet begins to compute."""
    document = document | {
        "sectors": {f"{sign}{rest}": {"population": 7}},
        "skipped": [{"month": "2024-03", "why": f"{sign}{rest}"}],
        "country": f"{sign}{rest}",
    }

    table = csv.reader(io.StringIO("".join(census_csv(document)), newline=""), strict=True)
    texts = [text for cells in table for text in cells if isinstance(cell(text), str)]

    assert not any(text.startswith(FORMULA) for text in texts)


def test_a_cell_that_is_not_told_is_empty_and_says_so() -> None:
    """A suppressed cell has its denominator, its rule and a note, and no number."""
    group = {"population": 40, "rce": hidden(40), "vulnerable": figure(20, 30, 40)}

    found = rows({**_least(), "states": {"DE-BY": group}})

    row = found["states", "DE-BY/rce"]
    assert (row["n"], row["n_high"], row["of"], row["note"]) == (None, None, 40, "suppressed")
    assert found["states", "DE-BY/population"]["n"] == 40
    assert found["states", "DE-BY/vulnerable"]["note"] is None


def test_each_row_says_what_it_rests_on() -> None:
    """Day, end of the knowledge and its version stand in every row; the country where it is one."""
    without, within = _least(), _least() | {"country": "DE"}

    assert all(row["as_of"] == "2024-09-10" for row in rows(without).values())
    assert all(row["knowledge"] == "2026.10.13.1" for row in rows(without).values())
    assert not any("country" in row for row in rows(without).values())
    assert all(row["country"] == "DE" for row in rows(within).values())


def test_what_makes_figures_doubtful_is_in_the_rows() -> None:
    """Stale knowledge and months that were left out are told to whoever reads the rows only."""
    skipped = [{"month": "2024-03", "why": "no Parquet"}]

    found = rows(_least() | {"stale": True, "skipped": skipped})

    assert found["census", "stale"]["value"] is True
    assert found["skipped", "2024-03"]["value"] == "no Parquet"


@pytest.mark.parametrize("part", ["classes", "time_to_patch", "unseen", "compare", "half_life"])
def test_a_part_that_was_not_asked_for_has_no_row(part: str) -> None:
    """No row stands for what was not counted."""
    assert not part_of(rows(_least()), part)


def _least() -> Document:
    return {
        "as_of": "2024-09-10", "covered_until": "2024-09-10", "stale": False,
        "knowledge": {"version": "2026.10.13.1"}, "window_days": 14, "skipped": [],
        "observed": {"first": "2023-09-11", "last": "2024-09-10"}, "population": 100,
    }  # fmt: skip
