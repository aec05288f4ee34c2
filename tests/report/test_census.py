"""The document of a census: no cell points at few servers, and none can be worked out."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from patchstand.model import FEWEST, Census, Figure
from patchstand.report.census import census_document

DAY = date(2026, 10, 13)
GROUPS = st.dictionaries(
    st.sampled_from(["DE-BE", "DE-BW", "DE-BY", "DE-HB", "DE-HH", "other"]),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
    min_size=1,
)


def document(cells: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """A census whose states have so many servers certainly, and so many more at most."""
    states = {
        name: {"population": 30, "rce": Figure(n, n + more, 30, "rce")}
        for name, (n, more) in cells.items()
    }
    certain = sum(n for n, _ in cells.values())
    possible = sum(n + more for n, more in cells.values())
    national = Figure(certain, possible, 30 * len(cells), "rce")
    return census_document(
        Census(
            as_of=DAY,
            covered_until=DAY,
            knowledge="1",
            stale=False,
            population=30 * len(cells),
            first=DAY,
            last=DAY,
            parts={"states": states, "rce": national},
        )
    )


@given(GROUPS)
def test_no_shown_cell_of_a_breakdown_has_one_to_four_servers(
    cells: dict[str, tuple[int, int]],
) -> None:
    """A cell is shown only if neither of its numbers is one to four."""
    for cell in (group["rce"] for group in document(cells)["states"].values()):
        assert cell.get("suppressed") or all(
            n == 0 or n >= FEWEST for n in (cell["n"], cell["n_high"])
        )


@given(GROUPS)
def test_a_hidden_cell_does_not_follow_from_the_others(cells: dict[str, tuple[int, int]]) -> None:
    """Where a cell is hidden another one is too, unless all others are empty."""
    shown = document(cells)["states"]
    hidden = [name for name, group in shown.items() if group["rce"].get("suppressed")]
    filled = [name for name, (n, more) in cells.items() if n + more]

    assert len(hidden) != 1 or len(filled) == 1


def test_what_is_not_small_is_shown_as_it_is() -> None:
    """Without a small cell nothing is hidden, and every number stands there."""
    shown = document({"DE-BY": (7, 1), "DE-HB": (0, 0)})["states"]

    assert shown["DE-BY"]["rce"] == {
        "n": 7, "n_high": 8, "of": 30, "low": 7 / 30, "high": 8 / 30, "rule": "rce",
    }  # fmt: skip
    assert shown["DE-HB"]["rce"]["n"] == 0


def test_every_rule_that_a_document_names_has_its_text() -> None:
    """The rules of all figures are explained in both languages."""
    found = document({"DE-BY": (7, 1)})["rules"]

    assert set(found) == {"population", "rce"}
    assert all(found[rule][lang] for rule in found for lang in ("en", "de"))
