"""Numbers of a census: rounding never says more than what is certain."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.census_documents import figure, hidden

from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.census_numbers import (
    about,
    band,
    down,
    interval,
    lower_days,
    month,
    near,
    percent,
    share_of,
    short_day,
    spoken,
    stated,
    up,
    upper_days,
)

EN, DE = catalog("en"), catalog("de")
SHARES = st.floats(0, 1)


@given(SHARES)
def test_bounds_are_rounded_away_from_what_is_certain(share: float) -> None:
    """A lower bound is never above the share, an upper one never below, both within a tenth."""
    exact = Fraction(share) * 1000

    assert down(share) <= exact + Fraction(1, 10**9)
    assert up(share) >= exact - Fraction(1, 10**9)
    assert exact - 1 < down(share) <= near(share) <= up(share) < exact + 1


@given(st.integers(1, 2_000_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_rounding_a_quotient_is_rounding_the_fraction(counts: tuple[int, int]) -> None:
    """The float of a share rounds as the two whole numbers do."""
    n, of = counts

    assert down(n / of) == n * 1000 // of
    assert up(n / of) == -(-n * 1000 // of)


def test_stated_digits_are_the_share() -> None:
    """14.5 % stays 14.5 %, though no float is that."""
    assert (down(0.145), up(0.145)) == (145, 145)
    assert (stated(0.0999, EN), stated(0.1, DE), stated(0.345, DE)) == ("9.99", "10", "34,5")


@given(SHARES)
def test_an_exact_share_is_nothing_or_all_only_when_it_is(share: float) -> None:
    """Between 0 and 1 nobody reads 0 or 100 %."""
    assert (about(share, EN) == "0") == (share == 0)
    assert (about(share, EN) == "100") == (share == 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (figure(14701, 16678, 45147), "32.5\u201337.0"),
        (figure(19147, 19147, 45147), "42.4"),
        (figure(0, 465, 45147), "0\u20131.1"),
        (figure(969, 1285, 1285), "75.4\u2013100"),
        (figure(16, 16, 45147), "< 0.1"),
        (figure(45146, 45146, 45147), "> 99.9"),
        (figure(0, 0, 0), "-"),
        (hidden(26), "*"),
    ],
)
def test_shares_of_figures(shown: dict[str, object], expected: str) -> None:
    """An interval, one number for two equal bounds, signs for what there is not."""
    assert share_of(shown, EN) == expected


def test_numbers_follow_the_language() -> None:
    """German has its comma, and days and months their own form."""
    assert interval(0.3256, 0.36942, DE) == "32,5\u201337,0"
    assert (percent(0, DE), percent(1000, DE)) == ("0", "100")
    assert (short_day("2024-03-12", EN), short_day("2024-03-12", DE)) == (
        "2024-03-12",
        "12.03.2024",
    )
    assert (month("2024-03", EN), month("2024-03", DE)) == ("March 2024", "März 2024")


def test_bands_may_be_open() -> None:
    """An end that was not reached is no number."""
    assert band(55, 57, EN) == "55\u201357"
    assert band(62, 62, EN) == "62"
    assert (band(55, None, EN), band(None, 57, DE), band(None, None, EN)) == (
        "from 55",
        "bis 57",
        "-",
    )


@given(st.floats(0.01, 1e7))
def test_days_are_rounded_outwards(days: float) -> None:
    """A tenth of a day at most, and never inwards."""
    assert lower_days(days) <= days <= upper_days(days)
    assert upper_days(days) - lower_days(days) < 0.11


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_text_may_have_a_form_for_each_language(lang: str) -> None:
    """One text for all, or one for each."""
    assert spoken("as it is", catalog(lang)) == "as it is"
    assert spoken({"de": "so", "en": "thus"}, catalog(lang)) == {"de": "so", "en": "thus"}[lang]
