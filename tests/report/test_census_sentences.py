"""The figures of a census as sentences of a notice."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from tests.report.census_documents import Document, documents, figure

from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.census_numbers import down, lower_days, near, stated, up, upper_days
from patchstand.report.census_sentences import sentences

EN, DE = catalog("en"), catalog("de")
DAY = {
    "de": re.compile(r"\d\d\.\d\d\.\d{4}"),
    "en": re.compile(rf"\d{{1,2}} (?:{'|'.join(EN.month(n) for n in range(1, 13))}) \d{{4}}"),
}
NAMES = re.compile(r"\w{3}\d\dSU|\(de-2024-09|95-%-Band|95 % band|„[^“]*“|\"[^\"]*\"|März 2024"
                   r"|March 2024|Server (2010|2016|2019)")  # fmt: skip
NUMBER = re.compile(r"\d[\d.,]*")


def course(since: str, **changes: object) -> Document:
    """How fast an update was installed."""
    share = {"share": 0.365, "low": 0.36058, "high": 0.36941}
    found: Document = {
        "kind": "update", "since": since, "n": 26665, "of": 39107, "low": 0.3601, "high": 0.3699,
        "rule": "time_to_patch", "at_risk": 39107, "events": 26665, "censored": 12442,
        "left_out": 4728, "interval_days": 1, "median": 56, "median_low": 55, "median_high": 57,
        "after": {"7": share, "30": share, "90": share, "180": None}, "half_life": 84.5,
        "days_watched": 3249898, "curve": [],
    }  # fmt: skip
    return found | changes


def document(**parts: object) -> Document:
    """A census of nothing but its population and these parts."""
    least = {
        "schema": "patchstand/census/1", "as_of": "2024-09-10", "covered_until": "2024-09-10",
        "stale": False, "knowledge": {"version": "2026.10.13.1"}, "country": None,
        "window_days": 14, "observed": {"first": "2023-09-11", "last": "2024-09-10"},
        "skipped": [], "population": 100, "published": [], "rules": {},
    }  # fmt: skip
    return least | parts


def of_part(lang: str, **parts: object) -> list[str]:
    """The sentences about parts, without that about the population."""
    return sentences(document(**parts), catalog(lang))[1:]


def _values(part: object) -> Iterator[float]:
    if isinstance(part, dict):
        for each in part.values():
            yield from _values(each)
    elif isinstance(part, list):
        for each in part:
            yield from _values(each)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        yield part


def allowed(shown: Document, lang: str) -> set[str]:
    """Every number of a document in each form in which it may be told."""
    cat = catalog(lang)
    found = {"30"}  # the days after which a share is told; they are a name in the document
    for value in _values(shown):
        if isinstance(value, int):
            found |= {cat.number(value)}
        else:
            found |= {cat.number(float(days(value))) for days in (lower_days, upper_days, float)}
            found |= {cat.number(int(value))} if value == int(value) else set()
        if 0 <= value <= 1:
            tenths = {rounded(value) for rounded in (down, up, near)} | {1, 999}
            found |= {cat.number(each / 10) for each in tenths} | {"0", "100"}
            found |= {stated(float(value), cat)}
    return found


def _tame(shown: Document) -> Document:
    """Without texts of others, which may hold any number."""
    tamed = {
        "compare": [
            row | {"why": "so", "why_de": "so", "words": {"en": "it", "de": "es"}}
            for row in shown.get("compare", [])
        ]
    }
    return shown | {part: tamed[part] for part in tamed if part in shown}


@pytest.mark.parametrize("lang", LANGUAGES)
@settings(max_examples=50)
@given(documents())
def test_every_number_comes_from_the_document(lang: str, shown: Document) -> None:
    """No sentence holds a number that the document has not, rounded as it may be."""
    shown = _tame(shown)
    known = allowed(shown, lang) | {str(months) for months in shown.get("behind", {})}
    for sentence in sentences(shown, catalog(lang)):
        left = NAMES.sub("", DAY[lang].sub("", sentence))
        found = {each.rstrip(".,") for each in NUMBER.findall(left)}
        assert found <= known, sentence


@settings(max_examples=50)
@given(documents())
def test_both_languages_say_the_same(shown: Document) -> None:
    """As many sentences in either, each of them whole."""
    german, english = sentences(shown, DE), sentences(shown, EN)

    assert len(german) == len(english)
    for sentence in (*german, *english):
        assert re.fullmatch(r"[A-ZÄÖÜ\d].*\.", sentence, re.DOTALL)


@settings(max_examples=50)
@given(documents())
def test_every_part_that_is_there_is_told(shown: Document) -> None:
    """A part of the document has its sentences, one that is not has none."""
    for part in ("classes", "behind", "rce", "support", "movement", "half_life", "unseen"):
        alone = {name: each for name, each in shown.items() if name != part}
        assert (len(sentences(alone, EN)) < len(sentences(shown, EN))) == (part in shown)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_stale_knowledge_and_months_left_out_are_told_first(lang: str) -> None:
    """Before any figure stands what makes all of them doubtful."""
    skipped = [{"month": "2024-03", "why": "damaged"}, {"month": "2024-05", "why": "damaged"}]

    told = of_part(lang, stale=True, skipped=skipped, classes={"vulnerable": figure(3, 5, 100)})

    assert "Patchday" in told[0] or "patch day" in told[0]
    cat = catalog(lang)
    assert f"{cat.month(3)} 2024" in told[1]
    assert f"{cat.month(5)} 2024" in told[1]
    assert len(told) == 3


def test_one_server_is_counted_in_the_singular() -> None:
    """A population of one."""
    assert sentences(document(population=1), EN) == [
        "The census on 10 September 2024 has 1 Exchange server, last observed on that day or at"
        " most 14 days before."
    ]
    assert sentences(document(population=1), DE) == [
        "Die Zählung am 10.09.2024 umfasst 1 Exchange-Server; seine letzte Beobachtung lag"
        " höchstens 14 Tage zurück."
    ]


def test_only_main_lines_have_a_sentence() -> None:
    """A line of less than one percent is in the tables only."""
    lines = {"2010": figure(9, 20, 1000), "2016": figure(10, 20, 1000)}

    told = of_part("en", lines=lines)

    assert len(told) == 1
    assert "Exchange Server 2016" in told[0]


def test_the_next_end_of_support_is_told() -> None:
    """Only what ends next, for each line that it ends for."""
    ends = [
        {"line": line, "phase": "extended", "until": until, "days": days,
         "servers": figure(40, 40, 100)}
        for line, until, days in (("SE", "2035-12-31", 4129), ("2016", "2025-10-14", 399),
                                  ("2019", "2025-10-14", 399))
    ]  # fmt: skip

    told = of_part("de", support_end=ends)

    assert told == [
        f"40,0 % (40 von 100) der am 10.09.2024 beobachteten Exchange-Server laufen mit Exchange"
        f" Server {line} in der Phase „erweiterter Support“, die am 14.10.2025 endet (in 399"
        f" Tagen)."
        for line in ("2016", "2019")
    ]


def test_the_newest_update_of_which_it_can_be_told_is_told() -> None:
    """One that came out too late for a share says nothing yet, and a CVE is no update."""
    after = dict.fromkeys(("7", "30", "90", "180"))
    times = {
        "Nov23SU": course("2023-11-14"),
        "Mar24SU": course("2024-03-12"),
        "CVE-2024-26198": course("2024-03-12", kind="cve"),
        "Aug24SU": course("2024-08-13", median=None, after=after),
    }

    told = of_part("en", time_to_patch=times)

    assert told == [
        "Of the 39,107 Exchange servers that lacked the update Mar24SU when it came out on"
        " 12 March 2024, an estimated 36.5 % had it after 30 days (95 % band 36.0 to 37.0 %;"
        " as of 10 September 2024).",
        "Half of the 39,107 Exchange servers that lacked the update Mar24SU when it came out on"
        " 12 March 2024 had it after an estimated 56 days (95 % band 55 to 57 days; as of"
        " 10 September 2024).",
        "Between the last observation without the update Mar24SU and the first with it lay a median"
        " of 1 day (26,665 installations until 10 September 2024).",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"median": None, "median_low": None, "median_high": None}, "weniger als die Hälfte"),
        ({"median_high": None}, "ab 55 Tagen, nach oben offen"),
        ({"after": {"30": {"share": 0.0, "low": 0.0, "high": 0.0}}}, "Keiner der 39.107"),
        ({"after": {"30": {"share": 0.0002, "low": 0.0, "high": 0.01}}}, "weniger als 0,1 %"),
        ({"after": {"30": {"share": 0.9999, "low": 0.9, "high": 1.0}}}, "mehr als 99,9 %"),
        ({"interval_days": 7}, "lagen im Median 7 Tage"),
    ],
)
def test_times_to_patch_say_what_is_known(changes: Document, expected: str) -> None:
    """Open bands, medians that were not reached, shares near nothing and near all."""
    told = of_part("de", time_to_patch={"Mar24SU": course("2024-03-12", **changes)})

    assert any(expected in sentence for sentence in told)


def test_without_installations_there_is_no_half_life() -> None:
    """What cannot be told is told to be so."""
    assert "lässt sich nicht bestimmen" in of_part("de", half_life=None)[0]
    assert "cannot be determined" in of_part("en", half_life=None)[0]


def test_movement_of_nobody_of_one_and_of_some() -> None:
    """No, one, several; a share only where it says something."""
    movement = {
        "days": 30, "new": figure(0, 0, 45147), "gone": figure(1, 1, 45147),
        "back": figure(405, 405, 1285),
    }  # fmt: skip

    assert of_part("de", movement=movement) == [
        "In den 30 Tagen bis zum 10.09.2024 wurde kein Exchange-Server zum ersten Mal gesehen.",
        "In den 30 Tagen bis zum 10.09.2024 verschwand 1 Exchange-Server; da waren zu Beginn"
        " 45.147.",
        "In den 30 Tagen bis zum 10.09.2024 kamen 405 Exchange-Server nach einer Pause"
        " wieder; das sind 31,5 % der 1.285, die an diesem Tag da waren.",
    ]


def test_who_may_be_new_is_told_as_such() -> None:
    """While the store is young nobody is surely new; later some may be besides those that are."""
    young = of_part("de", movement={"days": 30, "new": figure(0, 50, 50)})
    older = of_part("en", movement={"days": 30, "new": figure(5, 9, 100)})

    assert "höchstens 50, denn davor gab es keine Beobachtungen." in young[0]
    assert "5 Exchange servers were seen for the first time, 9 at most; that is 5.0 %" in older[0]


def test_exposure_has_its_bounds() -> None:
    """Days of all, of the longest, and the median; nobody exposed is one sentence."""
    zero = {"low": 0, "high": 0}
    exposed = figure(5, 9, 100) | {
        "server_days": {"low": 100, "high": 200}, "median_days": {"certain": 1, "possible": 12},
        "longest_days": {"low": 0, "high": 40},
    }  # fmt: skip
    nobody = figure(0, 0, 100) | dict.fromkeys(("server_days", "longest_days"), zero)
    nobody["median_days"] = {"certain": 0, "possible": 0}

    told = of_part("de", exposed=exposed)

    assert "zusammen mindestens 100 und höchstens 200 Tage" in told[0]
    assert "höchstens 40 Tage" in told[1]
    assert "der Median bei 1 Tag;" in told[2]
    assert "bei 12 Tagen (bis" in told[2]
    assert "soweit beobachtet wurde (seit dem" in told[3]
    assert len(of_part("de", exposed=nobody)) == 1
    assert "keiner" in of_part("de", exposed=nobody)[0]


def test_an_estimate_of_the_unseen_names_what_it_rests_on() -> None:
    """Total, bounds and share, and all assumptions in words."""
    unseen = {
        "rule": "unseen", "seen": 1285, "estimate": 1390, "low": 1285, "high": 1471,
        "share": {"low": 0.0, "high": 0.12644}, "pairs": [], "why": None,
        "assumptions": ["closed", "independent", "matched", "equal_chance"],
    }  # fmt: skip

    estimate, assumptions = of_part("en", unseen=unseen)

    assert estimate == (
        "There are an estimated 1,390 Exchange servers on 10 September 2024 (1,285 to 1,471), of"
        " which 1,285 were seen; 0 to 12.7 % were seen by no source."
    )
    assert all(EN.text(f"census_text.assumption.{each}") in assumptions
               for each in unseen["assumptions"])  # type: ignore[attr-defined]  # fmt: skip


def test_our_level_says_that_it_is_ours() -> None:
    """The level, the share behind it with both bounds, and whose scale it is not."""
    situation = {
        "level": "strained", "level_high": "critical", "rule": "situation",
        "share": figure(3794, 33489, 45147),
    }  # fmt: skip

    (told,) = of_part("de", situation=situation)

    assert told.startswith("Auf unserer eigenen Skala, die nicht die einer Behörde ist")
    assert "angespannt" in told
    assert "8,4 % (3.794 von 45.147)" in told
    assert told.endswith("An der oberen Grenze wäre sie kritisch.")


def test_what_authorities_say_stands_in_their_words() -> None:
    """Publisher, number, version, day, level and title; no level is said to be none."""
    told = {
        "number": "2025-287772-1032", "version": "1.0", "date": "2025-10-28", "publisher": "BSI",
        "level": "2 / Gelb", "title": "Ende des Supports", "products": ["Exchange 2016"],
    }  # fmt: skip

    first, second = of_part("de", published=[told, told | {"level": None}])

    assert first == (
        "BSI hat 2025-287772-1032, Version 1.0 vom 28.10.2025, mit der Stufe „2 / Gelb“"
        " veröffentlicht: Ende des Supports (Produkte: Exchange 2016)."
    )
    assert "ohne Stufe" in second


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "34,5 bis 35,5 %. Nach derselben Regel am 10.09.2024 gezählt: 32,5 bis 35,3 %."
             " Beides stimmt überein. Nach unserer eigenen Regel: 30,0 %."),
        ({"agrees": False}, "Beides stimmt nicht überein."),
        ({"ours_low": None, "ours_high": None}, "Sie lässt sich nicht nachzählen"),
        ({"derivable": False, "why_de": "darum"}, "Sie lässt sich nicht ableiten: darum."),
        ({"agrees": None, "why_de": "zu breit"}, "lässt sich nicht feststellen: zu breit."),
        ({"derivable": False, "unit": "servers", "published_low": 42000.0,
          "published_high": 44000.0},
         "42.000 bis 44.000 Server."),
        ({"own_low": None, "own_high": None}, "überein."),
        ({"derivable": False, "unit": "flaws", "published_low": 8.0, "published_high": 8.0},
         ": 8 Schwachstellen."),
    ],
)  # fmt: skip
def test_published_figures_stand_beside_ours(changes: Document, expected: str) -> None:
    """Theirs, ours by their rule, whether that fits, and ours by our own."""
    row = {
        "figure": "rce", "unit": "share", "words": {"en": "35 %", "de": "35 %"}, "why_de": "35 %",
        "own_rule": "rce", "published_low": 0.345, "published_high": 0.355, "ours_low": 0.32562,
        "ours_high": 0.35284, "derivable": True, "agrees": True, "why": "35 %", "own_low": 0.3,
        "own_high": 0.3,
    }  # fmt: skip
    about = {"name": "de-2024-09", "as_of": "2024-09-10", "assumed": [], "sources": []}

    (told,) = of_part("de", compare=[row | changes], published_population=about)

    assert expected in told
    assert told.startswith("Veröffentlichte Angabe „Codeausführung aus der Ferne“ (de-2024-09")


def test_texts_of_others_are_cleaned() -> None:
    """Terminal escapes and line breaks in what others wrote do not reach the terminal."""
    hostile = "a\x1b[31mb\nc\u202ed"
    told = {
        "number": hostile, "version": hostile, "date": "2025-10-28", "publisher": hostile,
        "level": hostile, "title": hostile, "products": [hostile],
    }  # fmt: skip

    (sentence,) = of_part("en", published=[told], country=hostile)

    assert sentence.isprintable()
