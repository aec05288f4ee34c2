"""PNG from SVG: with ink, with words, without the fonts of the machine."""

import sys
from struct import unpack
from zlib import decompress

import pytest
from tests.report.charts import documents

from patchstand.errors import UsageError
from patchstand.report.charts import charts, raster

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_WORDS = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="30">'
    '<text x="2" y="20" font-family="Lato, Arial, sans-serif" font-weight="{weight}">Server</text>'
    "</svg>"
)


def _chunks(png: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = unpack(">I", png[at : at + 4])
        kind = png[at + 4 : at + 8]
        found[kind] = found.get(kind, b"") + png[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def _ink(png: bytes) -> int:
    """How many bytes of the rows are neither white nor the difference of equal pixels."""
    rows = decompress(_chunks(png)[b"IDAT"])
    return len(rows) - rows.count(b"\x00") - rows.count(b"\xff")


def test_every_chart_becomes_a_picture() -> None:
    """Each starts as a PNG does, is twice as wide as its SVG, and has ink in it."""
    for svg in charts(documents.country(), "de").values():
        png = raster.png(svg)
        width, _ = unpack(">II", _chunks(png)[b"IHDR"][:8])
        assert png.startswith(_SIGNATURE)
        assert width == 2 * 724
        assert _ink(png) > 5000


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_words_are_drawn_with_the_fonts_of_the_package(weight: str) -> None:
    """Words leave ink, in both weights; fonts of the machine are not asked."""
    words = raster.png(_WORDS.format(weight=weight))
    nothing = raster.png(_WORDS.format(weight=weight).replace("Server", ""))

    assert _ink(words) > _ink(nothing)


def test_bold_is_not_faked_from_the_other_weight() -> None:
    """Both weights are there: they look different."""
    assert raster.png(_WORDS.format(weight="bold")) != raster.png(_WORDS.format(weight="normal"))


def test_without_the_extra_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent extra is an error that names it."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)

    with pytest.raises(UsageError, match=r"patchstand\[report\]"):
        raster.png("<svg/>")
