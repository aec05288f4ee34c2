"""Elements."""

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from patchstand.report.charts.palette import PALETTE
from patchstand.report.charts.svg import Heading, drawing, element, route, short, text

_PRINTABLE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_categories=["Cc"])
)


@given(_PRINTABLE)
def test_words_come_out_as_they_went_in(words: str) -> None:
    """Whatever the words are, they are text, and an attribute keeps its value."""
    assert (etree.fromstring(text(0, 0, words)).text or "") == words
    assert etree.fromstring(element("g", id=words)).get("id") == words


def test_a_colour_is_there_for_a_file_and_for_the_page() -> None:
    """The attribute has the light colour itself, and the class names it for a style sheet."""
    drawn = etree.fromstring(element("rect", fill="ink", stroke="rule", class_="tile"))

    assert drawn.get("fill") == PALETTE["ink"][0]
    assert drawn.get("stroke") == PALETTE["rule"][0]
    assert drawn.get("class") == "tile fill-ink line-rule"


def test_what_is_none_is_left_out() -> None:
    """An attribute without a value is not written."""
    assert element("path", stroke_dasharray=None) == "<path/>"


def test_coordinates_are_short() -> None:
    """One decimal place at most, none where it is zero."""
    assert [short(each) for each in (1, 1.0, 1.25, 1.04, 100)] == ["1", "1", "1.2", "1", "100"]
    assert route([(0, 0), (1.5, 2)]) == "M0,0L1.5,2"


def test_long_words_get_more_rows_and_more_height() -> None:
    """A long note makes the drawing higher instead of running out of it."""
    one, long = (
        etree.fromstring(drawing(Heading("x", "Title", "Below", "Told", [note]), 100))
        for note in ("short", "word " * 100)
    )

    assert float(long.get("height", 0)) > float(one.get("height", 0))
    assert len(list(long)) > len(list(one))
