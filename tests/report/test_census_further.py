"""A statistic that no rendering knows shows up by itself."""

import csv
import io

from rich.console import Console
from tests.report.census_documents import figure, hidden
from tests.report.charts import documents

from patchstand.report.catalog import catalog
from patchstand.report.census_csv import census_csv
from patchstand.report.census_further import further
from patchstand.report.census_terminal import print_census

ADDED = {
    "without_certificate": figure(3, 5, 600, "certificates"),
    "by_colour": {
        "green": figure(7, 7, 600, "colour"),
        "blue": hidden(600, "colour"),
        "note": "no figure",
    },
}


def _document() -> documents.Document:
    found = documents.country() | ADDED
    found["rules"] = found["rules"] | {"colour": {"en": "Servers of a colour.", "de": "Farbe."}}
    return found


def test_every_part_of_a_census_is_known() -> None:
    """What the census itself counts has a place of its own."""
    assert list(further(documents.country())) == []


def test_further_figures_are_rows_of_the_csv() -> None:
    """By the names of the document; a suppressed one gives nothing away."""
    rows = {
        (row["part"], row["key"]): row
        for row in csv.DictReader(io.StringIO("".join(census_csv(_document()))))
    }

    assert rows["without_certificate", ""]["n_high"] == "5"
    assert rows["by_colour", "green"]["rule"] == "colour"
    assert rows["by_colour", "blue"]["note"] == "suppressed"
    assert ("by_colour", "note") not in rows


def test_further_figures_stand_in_a_table_by_their_rule() -> None:
    """The text of the rule, or its id while nobody has written it."""
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as shown:
        print_census(console, _document(), catalog("en"))
    text = shown.get()
    table = text[text.index(catalog("en").text("census_text.heading.further")) :]

    assert "green: Servers of a colour." in table
    assert "certificates" in table
    assert "0.5\u20130.9 %" in table


def test_without_further_figures_there_is_no_table() -> None:
    """Nor its heading."""
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as shown:
        print_census(console, documents.country(), catalog("en"))

    assert catalog("en").text("census_text.heading.further") not in shown.get()
