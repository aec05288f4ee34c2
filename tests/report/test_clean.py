"""Text from servers becomes harmless and short."""

import pytest
from tests.report.samples import HOSTILE

from patchstand.report.clean import LONGEST, clean, fold


def test_control_and_direction_characters_are_removed() -> None:
    """No escape sequence, bell, line end or direction override survives."""
    shown = clean(HOSTILE)

    assert not set(shown) & set("\x1b\x07\r\n\u202e")
    assert "[red]markup[/red]" in shown


def test_long_text_is_cut() -> None:
    """10 kB become one line of limited length, with a sign that something is missing."""
    assert len(clean("x" * 10_000)) == LONGEST
    assert clean("x" * 10_000).endswith("…")
    assert clean("\x00" * 10_000) == "…"
    assert clean("short") == "short"


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "✗ über 5 \u2013 „x“"),
        ("ascii", 'x ueber 5 - "x"'),
        ("latin-1", 'x ueber 5 - "x"'),
        ("no-such-encoding", 'x ueber 5 - "x"'),
    ],
)
def test_text_is_folded_to_what_an_encoding_can_express(encoding: str, shown: str) -> None:
    """An old console shows plain letters in place of signs that it does not have."""
    assert fold("✗ über 5 \u2013 „x“", encoding) == shown
