"""Makes text that a server said harmless: one line, no control characters, not endless."""

import unicodedata

LONGEST = 200
"""Characters shown of one text that came from a server."""

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Control, format (with the marks that turn the writing direction), unassigned, line ends."""

_PLAIN = str.maketrans(
    {
        "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss",
        "✗": "x", "✓": "+", "\u2013": "-", "…": "...", "„": '"', "“": '"', "”": '"', "\u2019": "'",
        "·": "-", "→": "->", "•": "*",
    }
)  # fmt: skip


def clean(text: str, longest: int = LONGEST) -> str:
    """`text` on one line: control, format and bidirectional characters removed, then cut."""
    # Cutting first keeps a hostile megabyte cheap; four times leaves room for what is removed.
    shown = " ".join(text[: longest * 4].split())
    shown = "".join(sign for sign in shown if unicodedata.category(sign) not in _UNSAFE)
    if len(shown) > longest or len(text) > longest * 4:
        return shown[: longest - 1].rstrip() + "…"
    return shown


def fold(text: str, encoding: str) -> str:
    """`text` in what an encoding can express: `ä` becomes `ae`, `✗` becomes `x`."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    except LookupError:
        return text.translate(_PLAIN).encode("ascii", "replace").decode("ascii")
    return text
