"""Colours: legible, in both schemes, and the style sheet has all of them."""

import re
from itertools import pairwise

import pytest
from tests.report.charts import documents

from patchstand.report.charts import charts
from patchstand.report.charts.palette import PALETTE, SHADES, colours, contrast, shade, stylesheet

_WORDS = [
    "ink", "soft", "vulnerable", "unclear", "behind-6", "behind-12", "rce",
    "curve-1", "curve-2", "curve-3", "curve-4",
]  # fmt: skip


def test_contrast_is_that_of_the_standard() -> None:
    """Black on white is 21, a colour on itself 1, and the grey of the standard's example 4.5."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#123456", "#123456") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("name", _WORDS)
@pytest.mark.parametrize("scheme", [0, 1])
def test_words_stand_out(name: str, scheme: int) -> None:
    """Every colour that words have reaches WCAG AA on the paper of its scheme."""
    assert contrast(PALETTE[name][scheme], PALETTE["paper"][scheme]) >= 4.5


@pytest.mark.parametrize("step", range(SHADES))
@pytest.mark.parametrize("scheme", [0, 1])
def test_words_on_shades_stand_out(step: int, scheme: int) -> None:
    """So do the words on every shade of the scale."""
    ground, ink = colours()[f"shade-{step}"], colours()[f"on-shade-{step}"]

    assert contrast(ground[scheme], ink[scheme]) >= 4.5


def test_shades_grow_with_the_share() -> None:
    """Each ten percentage points are a step, from 0 to 100 %, and each step is darker on paper."""
    steps = [shade(percent / 100) for percent in range(101)]
    grounds = [contrast(colours()[f"shade-{step}"][0], "#ffffff") for step in range(SHADES)]

    assert steps == sorted(steps)
    assert (steps[0], steps[9], steps[10], steps[100]) == (0, 0, 1, SHADES - 1)
    assert grounds == sorted(set(grounds))


@pytest.mark.parametrize("scheme", [0, 1])
def test_lines_in_a_stack_are_light_and_dark_in_turn(scheme: int) -> None:
    """Without any colour, neighbouring areas of the stack are still told apart."""
    stack = [PALETTE[name][scheme] for name in PALETTE if name.startswith("line-")]

    assert all(contrast(one, other) >= 2 for one, other in pairwise(stack))


def test_every_class_of_a_chart_is_dressed() -> None:
    """The style sheet has a rule and a colour in both schemes for each class that charts use."""
    sheet = stylesheet()
    used = {
        name
        for svg in charts(documents.country(), "de").values()
        for names in re.findall(r'class="([^"]+)"', svg)
        for name in names.split()
        if name.startswith(("fill-", "line-"))
    }

    assert used
    for name in used:
        colour = re.sub(r"^(fill|line)-", "", name)
        assert f".{name}{{" in sheet
        assert sheet.count(f"--{colour}:") == 2
