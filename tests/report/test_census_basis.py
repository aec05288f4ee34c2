"""What all figures of a census rest on, in every rendering of it."""

import csv
import io
from typing import Any

import pytest
from rich.console import Console
from tests.report.charts import documents

from patchstand.report.catalog import LANGUAGES, Catalog, catalog
from patchstand.report.census_basis import country, doubts, within
from patchstand.report.census_csv import census_csv
from patchstand.report.census_page import render_census
from patchstand.report.census_sentences import sentences
from patchstand.report.census_terminal import print_census
from patchstand.report.charts import charts

PERMIT: dict[str, Any] = {
    "granted_by": "scope",
    "authority": "statutory",
    "legal_basis": "Section 7 Made-up Act",
    "purposes": ["census"],
}
BASIS = {
    "simulated": True,
    "sources": {"web": 580, "feed": 20},
    "vulnerable_only": 17,
    "permits": [PERMIT],
}


@pytest.fixture(params=LANGUAGES)
def cat(request: pytest.FixtureRequest) -> Catalog:
    """Each language."""
    return catalog(str(request.param))


def _printed(document: dict[str, Any], cat: Catalog) -> str:
    console = Console(file=io.StringIO(), width=4000)
    with console.capture() as shown:
        print_census(console, document, cat)
    return shown.get()


def test_doubts_stand_everywhere(cat: Catalog) -> None:
    """Simulated servers, and such as only lists of vulnerable ones hold, are said in each form."""
    document = documents.country() | {"basis": BASIS}
    said = doubts(document, cat)
    printed, page = _printed(document, cat), render_census(document, cat.lang)

    assert len(said) == 2
    assert "17" in said[1]
    for each in said:
        assert each in printed
        assert page.index(each) < page.index('class="lead"')
    assert sentences(document, cat)[:2] == said
    assert all(said[0] in svg for svg in charts(document, cat.lang).values())


def test_nothing_is_shown_of_a_basis_that_is_not_known(cat: Catalog) -> None:
    """Without a basis, and with one of real servers, there is no doubt to tell."""
    real = BASIS | {"simulated": False, "vulnerable_only": 0}
    unknown = {name: part for name, part in documents.country().items() if name != "basis"}

    assert doubts(unknown, cat) == []
    assert doubts(unknown | {"basis": real}, cat) == []
    assert not any("basis" in line for line in census_csv(unknown))


def test_sources_and_permits_are_among_the_facts(cat: Catalog) -> None:
    """Who saw how many, and by what right they were asked."""
    document = documents.country() | {"basis": BASIS}

    for shown in (_printed(document, cat), render_census(document, cat.lang)):
        assert "web: 580; feed: 20" in shown
        assert PERMIT["legal_basis"] in shown
        assert cat.text("permit.statutory") in shown


def test_the_csv_says_that_servers_are_simulated() -> None:
    """A row of its own, with the words beside it; sources and permits have rows too."""
    document = documents.country() | {"basis": BASIS}
    rows = {
        row["key"]: row
        for row in csv.DictReader(io.StringIO("".join(census_csv(document))))
        if row["part"] == "basis"
    }

    assert rows["simulated"]["value"] == "true"
    assert "no real server" in rows["simulated"]["note"]
    assert rows["sources/feed"]["n"] == "20"
    assert rows["permits/1/legal_basis"]["value"] == PERMIT["legal_basis"]


def test_the_country_is_said_everywhere(cat: Catalog) -> None:
    """Title, facts and the footer of every chart name the country that was counted."""
    document = documents.country() | {"country": "AT"}
    page, named = render_census(document, cat.lang), cat.text("country.name.AT")

    title = page[page.index("<title>") : page.index("</title>")]
    assert named in title
    assert f"<dd>{named}</dd>" in page
    assert all(named in svg for svg in charts(document, cat.lang).values())
    assert named in _printed(document, cat).splitlines()[0]


def test_a_country_without_a_name_is_its_code(cat: Catalog) -> None:
    """Where we have no name, the code stands, made harmless; without a country, nothing."""
    assert country({"country": "XX"}, cat) == "XX"
    assert within({"country": "X\x1b[31mX"}, cat) == " in X[31mX"
    assert (country({}, cat), within({"country": None}, cat)) == ("", "")


def test_each_country_has_both_forms(cat: Catalog) -> None:
    """A name by itself and one after a word, for the same codes."""
    names, inside = (
        {key.rpartition(".")[2] for key in cat.texts if key.startswith(f"country.{form}.")}
        for form in ("name", "in")
    )

    assert names == inside
