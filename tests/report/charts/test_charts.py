"""All charts of all documents: well-formed, self-contained, escaped, fit for a screen reader."""

import re
from itertools import product

import pytest
from lxml import etree
from tests.report.charts import documents

from patchstand.errors import UsageError
from patchstand.report.catalog import LANGUAGES
from patchstand.report.charts import charts

_SVG = "{http://www.w3.org/2000/svg}"
_ALL = {"classes", "trend", "lines", "behind", "time_to_patch", "states"}
_CASES = list(product(documents.EVERY, LANGUAGES))


def _parsed(svg: str) -> etree._Element:
    return etree.fromstring(svg, etree.XMLParser(resolve_entities=False, no_network=True))


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_charts_are_well_formed_and_described(name: str, lang: str) -> None:
    """Each chart is an SVG whose title and description a screen reader finds by their ids."""
    for svg in charts(documents.EVERY[name](), lang).values():
        root = _parsed(svg)
        title, description = (root.find(f"{_SVG}{tag}") for tag in ("title", "desc"))
        assert title is not None
        assert description is not None
        assert root.get("role") == "img"
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
        assert (title.text or "").strip()
        assert (description.text or "").strip()


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_charts_refer_to_nothing_outside(name: str, lang: str) -> None:
    """No address but that of the name space, no script, no style, no image; ids are there once."""
    seen: list[str] = []
    for svg in charts(documents.EVERY[name](), lang).values():
        root = _parsed(svg)
        assert set(re.findall(r"https?://[^\"]+", svg)) == {"http://www.w3.org/2000/svg"}
        assert not re.search(r"<(script|style|image|use|a|foreignObject)\b|\son\w+=|href", svg)
        ids = root.xpath("//@id")
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= set(ids)
        seen += ids
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_charts_have_no_gaps_in_their_words(name: str, lang: str) -> None:
    """No None, no nan, no placeholder stands in a chart."""
    for svg in charts(documents.EVERY[name](), lang).values():
        words = " ".join(_parsed(svg).itertext())
        assert not re.search(r"\bNone\b|\bnan\b", words)
        assert name == "hostile" or not set(words) & set("{}")
        assert not re.search(r'="[^"]*(None|nan|inf)\b', svg)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_texts_stay_texts(lang: str) -> None:
    """What comes from outside is escaped, and its control characters are gone."""
    drawn = charts(documents.hostile(), lang)

    assert any("&lt;script&gt;" in svg for svg in drawn.values())
    assert not any(set(svg) & set("\x1b\x07\u202e") for svg in drawn.values())
    assert not any(_parsed(svg).xpath("//@onload") for svg in drawn.values())


def test_a_whole_document_has_every_chart() -> None:
    """A census with everything in it is drawn with all six charts."""
    assert set(charts(documents.country(), "de")) == _ALL


@pytest.mark.parametrize(
    ("part", "missing"),
    [
        ("series", {"trend", "lines"}), ("classes", {"classes"}), ("behind", {"behind"}),
        ("time_to_patch", {"time_to_patch"}), ("states", {"states"}),
    ],
)  # fmt: skip
def test_a_chart_without_its_part_is_not_there(part: str, missing: set[str]) -> None:
    """Leaving a part out of the document takes away its charts and no other."""
    document = documents.country()
    del document[part]

    assert _ALL - set(charts(document, "en")) == missing


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_limits_the_figures_stands_below_each_chart(lang: str) -> None:
    """A stale knowledge and months left out are said in every single file."""
    for document, word in (
        (documents.stale(), {"de": "veraltet", "en": "stale"}[lang]),
        (
            documents.skipping(),
            {"de": "März 2024 und Mai 2024", "en": "March 2024 and May 2024"}[lang],
        ),
    ):
        assert all(word in svg for svg in charts(document, lang).values())


def test_the_same_document_is_drawn_the_same() -> None:
    """Charts depend on nothing but the document and the language."""
    assert charts(documents.country(), "de") == charts(documents.country(), "de")


def test_an_unknown_language_is_a_usage_error() -> None:
    """As everywhere."""
    with pytest.raises(UsageError):
        charts(documents.lone(), "fr")
