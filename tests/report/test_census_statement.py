"""One figure as a sentence: it says no more than the figure does."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.census_documents import Document, figure, figures

from patchstand.report.catalog import LANGUAGES, Catalog, catalog
from patchstand.report.census_statement import Said, statement, when

EN, DE = catalog("en"), catalog("de")
RCE = Said("rce", {})
DAY = "2024-09-10"
SHARE = re.compile(r"([\d.,]+) % \(([\d.,]+)(?: (?:of|von) ([\d.,]+))?\)")
NUMBER = re.compile(r"\d[\d.,]*")


def said(shown: Document, cat: Catalog, name: str = "rce") -> str:
    """The sentence about a figure, without its day."""
    on_day = when({"as_of": DAY}, cat)
    return statement(shown, Said(name, {}), on_day, cat).replace(f" {on_day}", "")


def number(text: str, cat: Catalog) -> Fraction:
    """A number as the language writes it."""
    marks = {"de": str.maketrans({".": "", ",": "."}), "en": str.maketrans({",": ""})}
    return Fraction(text.rstrip(".,").translate(marks[cat.lang]))


@pytest.mark.parametrize("lang", LANGUAGES)
@given(figures())
def test_no_number_in_a_sentence_is_another_than_the_figure_has(lang: str, shown: Document) -> None:
    """Counts are those of the figure; besides them there are only shares of them."""
    cat = catalog(lang)
    text = said(shown, cat)
    for percent, n, of in SHARE.findall(text):
        assert number(n, cat) in (shown["n"], shown["n_high"])
        assert not of or number(of, cat) == shown["of"]
        exact = Fraction(int(number(n, cat)), shown["of"]) * 100
        assert abs(number(percent, cat) - exact) <= Fraction(1, 10)
    left = SHARE.sub("", text)

    assert {number(each, cat) for each in NUMBER.findall(left)} <= {
        shown["n"],
        shown["n_high"],
        shown["of"],
    }


@pytest.mark.parametrize("lang", LANGUAGES)
@given(figures())
def test_no_sentence_claims_more_than_is_certain(lang: str, shown: Document) -> None:
    """A lower bound is at most the certain share, an upper one at least the possible one."""
    cat = catalog(lang)
    text = said(shown, cat)
    shares = {number(n, cat): number(percent, cat) for percent, n, _ in SHARE.findall(text)}
    least = text.startswith(("At least", "Mindestens"))

    assert least == (0 < shown["n"] < shown["n_high"])
    if least and shown["n"] in shares:
        assert shares[shown["n"]] <= Fraction(shown["n"], shown["of"]) * 100
    if shown["n"] < shown["n_high"] and shown["n_high"] in shares:
        assert shares[shown["n_high"]] >= Fraction(shown["n_high"], shown["of"]) * 100
    # 0 and 100 % stand nowhere: what is nobody or everybody is said so, or counted.
    assert not {Fraction(0), Fraction(100)} & set(shares.values())


@given(figures())
def test_both_bounds_are_told(shown: Document) -> None:
    """Whoever reads a sentence knows the certain number, the possible one and of how many."""
    text = said(shown, EN)
    told = {number(each, EN) for each in NUMBER.findall(SHARE.sub(r"\2 \3", text))}
    in_words = {0, shown["of"]} if shown["of"] != 1 else {0, 1}

    assert {shown["n"], shown["n_high"]} <= told | in_words
    assert shown["of"] in told or shown["of"] < 2


@pytest.mark.parametrize(
    ("shown", "german", "english"),
    [
        (
            figure(15021, 17630, 43000),
            "Mindestens 34,9 % (15.021 von 43.000) der beobachteten Exchange-Server haben"
            " mindestens eine offene Schwachstelle, die die Ausführung von Code aus der Ferne"
            " erlaubt; höchstens sind es 41,0 % (17.630).",
            "At least 34.9 % (15,021 of 43,000) of the Exchange servers observed have at least"
            " one open flaw that allows remote code execution; the upper bound is 41.0 % (17,630).",
        ),
        (
            figure(7, 7, 7),
            "Alle 7 beobachteten Exchange-Server haben mindestens eine offene Schwachstelle, die"
            " die Ausführung von Code aus der Ferne erlaubt.",
            "All 7 Exchange servers observed have at least one open flaw that allows remote code"
            " execution.",
        ),
        (
            figure(0, 0, 7),
            "Keiner der 7 beobachteten Exchange-Server hat mindestens eine offene Schwachstelle,"
            " die die Ausführung von Code aus der Ferne erlaubt.",
            "None of the 7 Exchange servers observed has at least one open flaw that allows"
            " remote code execution.",
        ),
        (
            figure(0, 7, 7),
            "Bei keinem der 7 beobachteten Exchange-Server lässt sich feststellen, ob er eine"
            " offene Schwachstelle hat, die die Ausführung von Code aus der Ferne erlaubt.",
            "For none of the 7 Exchange servers observed can it be determined whether it has an"
            " open flaw that allows remote code execution.",
        ),
        (
            figure(1, 5000, 45147),
            "Mindestens 1 der 45.147 beobachteten Exchange-Server hat mindestens eine offene"
            " Schwachstelle, die die Ausführung von Code aus der Ferne erlaubt; höchstens sind es"
            " 11,1 % (5.000).",
            "At least 1 of the 45,147 Exchange servers observed has at least one open flaw that"
            " allows remote code execution; the upper bound is 11.1 % (5,000).",
        ),
    ],
)
def test_sentences_read_as_in_a_notice(shown: Document, german: str, english: str) -> None:
    """Some, all, none, nobody knows, and one."""
    assert said(shown, DE) == german
    assert said(shown, EN) == english


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("n_high", [0, 1])
def test_a_single_server_is_no_plural(lang: str, n: int, n_high: int) -> None:
    """Of one server nobody says `all 1 servers` or `of the 1`."""
    if n <= n_high:
        text = said(figure(n, n_high, 1), catalog(lang))
        assert "einzige" in text or "only Exchange server" in text
        assert "1" not in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_servers_nothing_is_said_of_them(lang: str) -> None:
    """A denominator of nobody gives a sentence without a share."""
    text = said(figure(0, 0, 0), catalog(lang))

    assert "%" not in text
    assert ("cannot be determined" in text) or ("lässt sich nicht feststellen" in text)


def test_the_country_stands_beside_the_day() -> None:
    """A census of one country says so in each sentence."""
    assert when({"as_of": DAY, "country": "DE"}, DE) == "am 10.09.2024 in Deutschland"
    assert when({"as_of": DAY, "country": "CH"}, DE) == "am 10.09.2024 in der Schweiz"
    assert when({"as_of": DAY, "country": None}, EN) == "on 10 September 2024"


def test_a_hostile_country_is_cleaned() -> None:
    """Control characters from a file of places do not reach a terminal."""
    assert when({"as_of": DAY, "country": "D\x1b[31mE"}, EN) == "on 10 September 2024 in D[31mE"


@given(st.sampled_from(["class_vulnerable", "any_cve", "support_esu", "support_ended"]), figures())
def test_every_kind_of_statement_is_a_sentence(name: str, shown: Document) -> None:
    """Whatever is said of whomever begins with a capital or a number and ends with a stop."""
    for cat in (DE, EN):
        text = said(shown, cat, name)
        assert re.fullmatch(r"[A-Z\d].*\.", text)
        assert "  " not in text
        assert "{" not in text
