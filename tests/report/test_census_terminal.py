"""The figures of a census on the terminal."""

import io
import json
from datetime import date

import pytest
from hypothesis import given, settings
from rich.console import Console
from tests.census.worlds import world
from tests.report.census_documents import Document, documents, figure, hidden

from patchstand.model import Knowledge
from patchstand.report.as_json import encode
from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.census import census_document
from patchstand.report.census_terminal import print_census
from patchstand.workflow.census import CensusPlan, census

GROUP = {
    "population": 40, "vulnerable": figure(20, 30, 40), "rce": hidden(40),
    "behind_6": figure(10, 10, 40), "unsupported": figure(0, 0, 0),
}  # fmt: skip
SHARE = {"share": 0.36489, "low": 0.35990, "high": 0.37010}
COURSE: Document = {
    "kind": "update", "since": "2024-03-12", "n": 26665, "of": 39107, "low": 0.36012,
    "high": 0.36970, "rule": "time_to_patch", "at_risk": 39107, "events": 26665,
    "censored": 12442, "left_out": 4728, "interval_days": 1, "median": 56, "median_low": 55,
    "median_high": 57, "after": {"7": SHARE, "30": SHARE, "90": SHARE, "180": None},
    "half_life": 84.47, "days_watched": 3249898, "curve": [],
}  # fmt: skip
COMPARED = {
    "figure": "rce", "unit": "share", "words": {"en": "35 %", "de": "35 %"}, "why_de": "35 %",
    "own_rule": "rce", "published_low": 0.345, "published_high": 0.355, "ours_low": 0.32562,
    "ours_high": 0.35284, "derivable": True, "agrees": True, "why": "35 %", "own_low": 0.3,
    "own_high": 0.3,
}  # fmt: skip


def document(**parts: object) -> Document:
    """A census of nothing but its population and these parts."""
    least = {
        "schema": "patchstand/census/1", "as_of": "2024-09-10", "covered_until": "2024-09-10",
        "stale": False, "knowledge": {"version": "2026.10.13.1"}, "country": None,
        "window_days": 14, "observed": {"first": "2023-09-11", "last": "2024-09-10"},
        "skipped": [], "population": 45147, "published": [], "rules": {},
    }  # fmt: skip
    return least | parts


def printed(
    shown: Document,
    lang: str = "en",
    *,
    width: int = 80,
    encoding: str = "utf-8",
    soft_wrap: bool = False,
) -> str:
    """What a terminal without colour shows; fails when it cannot be encoded."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="strict", write_through=True)
    console = Console(file=stream, width=width, highlight=False, color_system=None,
                      soft_wrap=soft_wrap)  # fmt: skip
    print_census(console, shown, catalog(lang))
    # An ordinary dash is easier to write down than the one between two numbers.
    return written.getvalue().decode(encoding).replace("\u2013", "-")


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def flat(text: str) -> str:
    """The text without its line breaks."""
    return " ".join(text.split())


def line_with(text: str, what: str) -> str:
    return next(line for line in lines(text) if what in line)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> Document:
    """A census of random servers, as it is printed."""
    made = world(tmp_path_factory.mktemp("world") / "store", known, 60, seed=5, days=120)
    found = census(CensusPlan(made.root, date(2024, 2, 28)))
    shown: Document = json.loads(encode(census_document(found)))
    return shown | {"published": []}


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [80, 120])
def test_a_counted_census_fits(counted: Document, lang: str, width: int) -> None:
    """Every line of a real census is as wide as the terminal at most, and holds no placeholder."""
    text = printed(counted, lang, width=width)

    assert max(map(len, lines(text))) <= width
    assert "{" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
@settings(max_examples=40)
@given(documents())
def test_any_census_can_be_printed(lang: str, shown: Document) -> None:
    """Whatever was counted fits into 80 columns; parts that were left out do no harm."""
    shown = {name: part for name, part in shown.items() if name != "sql"}

    assert max(map(len, lines(printed(shown, lang)))) <= 80


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_terminal_of_few_characters_suffices(counted: Document, lang: str) -> None:
    """Where signs and umlauts cannot be shown, something stands for them."""
    text = printed(counted, lang, encoding="ascii")

    assert "?" not in text.replace("? un", "")


def test_a_pipe_gets_whole_paragraphs(counted: Document) -> None:
    """What is not a terminal is not wrapped: a paragraph is one line."""
    text = printed(counted, "en", soft_wrap=True)

    assert catalog("en").text("census_text.legend") in lines(text)


def test_the_head_says_what_was_counted_when() -> None:
    """Population, day, days observed, knowledge, and the country where there is one."""
    text = flat(printed(document(country="DE")))

    assert text.startswith("Census of Exchange servers on 10 September 2024 in Germany: 45,147")
    assert "each last seen at most 14 days before" in text
    assert "11 September 2023 to 10 September 2024" in text
    assert "2026.10.13.1, complete until 10 September 2024" in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_makes_figures_doubtful_stands_above_them(lang: str) -> None:
    """Stale knowledge, and each month that was left out with the reason, before any figure."""
    cat = catalog(lang)
    skipped = [{"month": "2024-03", "why": "no Parquet"}, {"month": "2024-05", "why": "cut off"}]
    shown = document(stale=True, skipped=skipped, classes={"vulnerable": figure(3, 5, 100)})

    above = flat(printed(shown, lang).partition(cat.text("census_text.heading.headline"))[0])

    assert "patch day since" in above or "gab es einen Patchday" in above
    assert f"{cat.month(3)} 2024" in above
    assert "no Parquet" in above
    assert f"{cat.month(5)} 2024" in above
    assert "cut off" in above


def test_the_overview_has_counts_and_shares() -> None:
    """Certain, at most, denominator, and the share rounded away from what is certain."""
    text = printed(
        document(
            classes={"vulnerable": figure(15501, 34648, 45147)},
            behind={"6": figure(12351, 13370, 45147), "12": figure(0, 0, 0)},
            rce=figure(16, 16, 45147),
        )
    )

    assert line_with(text, "vulnerable").split() == [
        "✗", "vulnerable", "15,501", "34,648", "45,147", "34.3-76.8", "%",
    ]  # fmt: skip
    assert line_with(text, "6 months behind").endswith("12,351   13,370  45,147  27.3-29.7 %")
    assert line_with(text, "12 months behind").endswith("-")
    assert line_with(text, "remote code execution").endswith("< 0.1 %")


@pytest.mark.parametrize(
    "part",
    [
        "lines", "movement", "unseen", "time_to_patch", "situation", "exposed", "support_end",
        "cumulative_updates", "cves",
    ],
)  # fmt: skip
def test_a_part_that_is_not_there_is_not_shown(counted: Document, part: str) -> None:
    """With --only nothing stands for the rest, not even a heading."""
    without = {name: each for name, each in counted.items() if name != part}

    assert len(lines(printed(without))) < len(lines(printed(counted)))


def test_figures_of_groups_are_shares_and_hide_what_is_not_told() -> None:
    """A cell that would point at somebody is a star, and below it stands what a star means."""
    text = printed(document(states={"DE-BY": GROUP, "other": GROUP}))

    assert line_with(text, "Bavaria").split() == ["Bavaria", "40", "50.0-75.0", "*", "25.0", "-"]
    assert "* not given" in flat(text)
    assert lines(text).index(line_with(text, "Bavaria")) < lines(text).index(
        line_with(text, "other, unknown")
    )
    plain = {"DE-BY": GROUP | {"rce": figure(20, 30, 40)}}
    assert "* not given" not in flat(printed(document(states=plain)))


def test_the_largest_systems_are_shown_and_the_rest_counted() -> None:
    """Ten systems by size; how many more there are, and with how many servers."""
    systems = {str(64512 + n): GROUP | {"population": 100 - n} for n in range(13)}

    text = printed(document(systems=systems))

    shown = [line.split()[0] for line in lines(text) if line.strip().startswith("AS6")]
    assert shown == [f"AS{64512 + n}" for n in range(10)]
    assert "and 3 more systems, with 267 servers" in flat(text)


def test_the_most_frequent_flaws_and_updates_are_shown_and_the_rest_counted() -> None:
    """Twenty flaws and fifteen updates by certain servers."""
    flaws = {f"CVE-2024-{n:05}": figure(n, 99, 99) for n in range(30)}
    updates = {f"2019 CU{n}": figure(n, 99, 99) for n in range(20)}

    text = printed(document(cves=flaws, cumulative_updates=updates))

    shown = [line.split()[0] for line in lines(text) if line.strip().startswith("CVE-")]
    assert shown == [f"CVE-2024-{n:05}" for n in range(29, 9, -1)]
    assert "and 10 more that may be open somewhere" in flat(text)
    assert "and 5 more cumulative updates, with 10 servers certain" in flat(text)


def test_times_to_patch_have_their_bands() -> None:
    """Two lines a fix: the estimates, and below them day and bands; dashes for the unknown."""
    text = printed(document(time_to_patch={"Mar24SU": COURSE}, half_life=None))

    first = next(at for at, line in enumerate(lines(text)) if "Mar24SU" in line)
    assert lines(text)[first].split() == [
        "Mar24SU", "39,107", "56", "36.5", "%", "36.5", "%", "36.5", "%", "-", "1", "84",
    ]  # fmt: skip
    assert lines(text)[first + 1].split() == ["2024-03-12", "55-57", "35-38", "35-38", "35-38"]
    assert "cannot be determined, as no installation was observed" in flat(text)


def test_fixes_of_the_same_course_share_a_row_and_the_newest_stand_first() -> None:
    """An update and its flaws are one row; of a day, what most servers lacked comes first."""
    flaw = COURSE | {"kind": "cve"}
    fixes = {
        "Nov23SU": COURSE | {"since": "2023-11-14"},
        "CVE-2024-21410": flaw | {"at_risk": 1173},
        "CVE-2024-26198": flaw,
        "Mar24SU": COURSE,
    } | {f"old{n}": COURSE | {"since": f"2020-01-{n + 1:02}"} for n in range(14)}

    text = printed(document(time_to_patch=fixes))

    shown = [line.split()[0] for line in lines(text) if " 36.5 %" in line]
    assert shown[:4] == ["Mar24SU", "CVE-2024-21410", "Nov23SU", "old13"]
    assert len(shown) == 15
    assert "2024-03-12 +1" in text
    assert "and 2 more; --json and --csv name them" in flat(text)


def test_an_estimate_of_the_unseen_names_its_assumptions() -> None:
    """Each assumption stands there in words, and the pairs of sources behind the estimate."""
    pair = {"a": "mail", "b": "web", "only_a": 207, "only_b": 527, "both": 419,
            "estimate": 1413, "low": 1355, "high": 1471}  # fmt: skip
    unseen = {
        "rule": "unseen", "seen": 1285, "estimate": 1390, "low": 1285, "high": 1471,
        "share": {"low": 0.0, "high": 0.12644}, "pairs": [pair], "why": None,
        "assumptions": ["closed", "independent", "matched", "equal_chance"],
    }  # fmt: skip

    text = flat(printed(document(unseen=unseen)))

    assert "1,390 servers (1,285 to 1,471); seen were 1,285" in text
    assert "unseen: 0 to 12.7 %" in text
    assert "mail, web scans 419 207 527 1,413 (1,355-1,471)" in text
    for each in unseen["assumptions"]:  # type: ignore[attr-defined]
        assert catalog("en").text(f"census_text.assumption.{each}") in text


@pytest.mark.parametrize("why", ["one_source", "no_overlap"])
def test_without_an_estimate_the_reason_is_told(why: str) -> None:
    """One source, or two that saw nobody in common."""
    unseen = {
        "rule": "unseen", "seen": 1285, "estimate": None, "low": None, "high": None,
        "share": None, "pairs": [], "why": why, "assumptions": ["closed"],
    }  # fmt: skip

    assert "Cannot be estimated" in printed(document(unseen=unseen))


def test_our_level_and_what_authorities_say_stand_apart() -> None:
    """Ours has our words and rule; theirs stand under their own heading, as they are."""
    situation = {
        "level": "strained", "level_high": "critical", "rule": "situation",
        "share": figure(3794, 33489, 45147),
    }  # fmt: skip
    told = {
        "number": "2025-287772-1032", "version": "1.0", "date": "2025-10-28", "publisher": "BSI",
        "level": "2 / Gelb", "title": "Support ends", "products": ["Exchange 2016"],
    }  # fmt: skip
    rules = {"situation": {"en": "Our own scale.", "de": "Eigene Skala."}}

    text = printed(document(situation=situation, published=[told], rules=rules))
    ours, theirs = text.split("What authorities have published")

    assert "strained; at most critical (8.4-74.2 %, 3,794-33,489 of 45,147)" in ours
    assert "Our own scale." in ours
    assert "Gelb" not in ours
    for each in ("2025-287772-1032, version 1.0 of 28 October 2025", "BSI", "2 / Gelb",
                 "Support ends", "Exchange 2016"):  # fmt: skip
        assert each in flat(theirs)
    assert "none stated" in printed(document(published=[told | {"level": None}]))


def test_published_figures_stand_beside_ours() -> None:
    """Theirs, ours by their rule, whether that fits, and ours by our own."""
    rows = [
        COMPARED,
        COMPARED | {"figure": "behind_6", "agrees": False},
        COMPARED | {"figure": "line_2016", "ours_low": None, "ours_high": None},
        COMPARED | {"figure": "total", "unit": "servers", "published_low": 42000.0,
                    "published_high": 44000.0,
                    "ours_low": None, "ours_high": None, "derivable": False, "why": "so it is",
                    "agrees": None, "own_low": None, "own_high": None},
    ]  # fmt: skip
    about = {"name": "de-2024-09", "as_of": "2024-09-10",
             "assumed": [{"en": "Only the month is known.", "de": "x"}],
             "sources": ["CERT-Bund"]}  # fmt: skip

    text = printed(document(compare=rows, published_population=about), width=120)

    assert line_with(text, "remote code execution possible").split()[4:] == [
        "34.5-35.5", "%", "32.5-35.3", "%", "✓", "yes", "30.0", "%",
    ]  # fmt: skip
    assert "✗ no" in line_with(text, "more than 6 months behind")
    assert "cannot be counted" in line_with(text, "Exchange 2016")
    assert "42,000-44,000" in line_with(text, "servers in all ")
    assert "servers in all: cannot be derived: so it is" in text
    assert "Only the month is known." in text


def test_queries_can_be_copied() -> None:
    """Each query is one whole line below its rule, however narrow the terminal is."""
    long = "SELECT count(*) FILTER (" + " AND ".join(f"a{n} = {n}" for n in range(600)) + ") FROM x"

    text = printed(document(sql={"rce": long, "population": "SELECT 1;"}))

    found = lines(text)
    at = found.index("-- rce")
    assert found[at : at + 4] == ["-- rce", f"{long};", "-- population", "SELECT 1;"]


def test_texts_of_others_are_shown_harmless() -> None:
    """Escapes, markup and control characters of places, authorities and files stay text."""
    hostile = "\x1b[31mred\x1b[0m[red]x[/red]\u202e{0}\x07"
    told = {
        "number": hostile, "version": hostile, "date": "2025-10-28", "publisher": hostile,
        "level": hostile, "title": hostile, "products": [hostile],
    }  # fmt: skip
    about = {
        "name": hostile,
        "as_of": "2024-09-10",
        "assumed": [{"en": hostile, "de": hostile}],
        "sources": [hostile],
    }
    shown = document(
        country=hostile,
        skipped=[{"month": "2024-03", "why": hostile}],
        sectors={hostile: GROUP},
        published=[told],
        compare=[COMPARED | {"figure": hostile, "derivable": False, "why": hostile}],
        published_population=about,
        sql={hostile: hostile},
    )

    text = printed(shown)

    assert all(line.isprintable() for line in text.splitlines())
    assert "[red]x[/red]" in flat(text)
