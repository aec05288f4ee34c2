"""Colours of the charts.

A chart by itself carries the light colours as attributes, which every viewer understands.
Inside the page the same elements have classes, and `stylesheet` gives these the colours of
the reader's scheme. The hues stay apart for the usual kinds of colour blindness, and no
chart tells anything by hue alone: there are labels, dashes and hatching.
"""

from collections.abc import Mapping
from functools import cache

PALETTE: Mapping[str, tuple[str, str]] = {
    "paper": ("#ffffff", "#12161c"),
    "tint": ("#f3f5f8", "#1d232c"),
    "ink": ("#1c2430", "#e6eaf0"),
    "soft": ("#4a5568", "#aeb8c6"),
    "rule": ("#cbd2dc", "#3b4656"),
    "vulnerable": ("#a8171f", "#f0857f"),
    "unclear": ("#8a5300", "#e3b567"),
    "unclear-tint": ("#f6ead3", "#3a2f1c"),
    "sound": ("#3f8aa1", "#5fb3c9"),
    "behind-6": ("#0b4a8f", "#7db4f0"),
    "behind-12": ("#5b3a8c", "#bd9df0"),
    "rce": ("#a04a00", "#f0a860"),
    # Light and dark in turn: neighbours in a stack stay apart on a black-and-white print.
    "line-older": ("#b9a9c4", "#b9a9c4"),
    "line-2010": ("#5d2a5c", "#7d4c7c"),
    "line-2013": ("#d9b3d5", "#e3c1df"),
    "line-2016": ("#98690f", "#a8742a"),
    "line-2019": ("#9cc4e4", "#9cc8ea"),
    "line-SE": ("#1f5f8b", "#2a6f9e"),
    "curve-1": ("#0b4a8f", "#7db4f0"),
    "curve-2": ("#a04a00", "#f0a860"),
    "curve-3": ("#2b7a4b", "#74cf97"),
    "curve-4": ("#5b3a8c", "#bd9df0"),
}
"""Light and dark colour by name."""

SHADES = 10
"""Steps of the scale for shares, ten percentage points each."""
_PALE, _DEEP = (0xE8, 0xEE, 0xF6), (0x12, 0x2F, 0x66)
_PALE_DARK, _DEEP_DARK = (0x22, 0x2B, 0x3A), (0xB9, 0xD3, 0xFA)


def shade(share: float) -> int:
    """The step of a share of 0 to 1: 0 below 10 %, 9 from 90 % on."""
    return min(int(share * SHADES), SHADES - 1)


@cache
def colours() -> Mapping[str, tuple[str, str]]:
    """The palette with the shades and the words on them."""
    found = dict(PALETTE)
    for step in range(SHADES):
        part = step / (SHADES - 1)
        shades = _mixed(_PALE, _DEEP, part), _mixed(_PALE_DARK, _DEEP_DARK, part)
        found[f"shade-{step}"] = shades
        found[f"on-shade-{step}"] = _legible(shades[0]), _legible(shades[1])
    return found


def _mixed(one: tuple[int, ...], other: tuple[int, ...], part: float) -> str:
    return "#" + "".join(
        f"{round(a + (b - a) * part):02x}" for a, b in zip(one, other, strict=True)
    )


def _legible(ground: str) -> str:
    """Black or white, whichever stands out more on a colour; one of them always does."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, ground))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.1, contrast ratio)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 to 1 (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def stylesheet() -> str:
    """The rules for charts inside the page: custom properties, light and dark."""
    light = "".join(f"--{name}:{each[0]};" for name, each in colours().items())
    dark = "".join(f"--{name}:{each[1]};" for name, each in colours().items())
    rules = "".join(
        f".fill-{name}{{fill:var(--{name})}}.line-{name}{{stroke:var(--{name})}}"
        for name in colours()
    )
    return (
        f":root{{{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{rules}\n"
    )
