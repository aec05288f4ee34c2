"""Two ways give the same: the statistics in SQL, and a plain computation server by server."""

from datetime import date
from pathlib import Path
from random import Random

import pytest
from tests.census.oracle import Oracle, looks_by_server
from tests.census.worlds import World, days_of, world

from patchstand import knowledge
from patchstand.model import Census, Figure, Knowledge, PhaseName, ServerClass
from patchstand.workflow.census import CensusPlan, census

SERVERS = 2000


@pytest.fixture(scope="module")
def known() -> Knowledge:
    return knowledge.load()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> World:
    return world(tmp_path_factory.mktemp("world") / "store", known, SERVERS, seed=4, twice=0.01)


def pair(figure: Figure) -> tuple[int, int]:
    return figure.n, figure.n_high


def counted(root: Path, day: date) -> Census:
    return census(CensusPlan(root, day, with_series=True))


def test_every_figure_equals_the_plain_computation(made: World, known: Knowledge) -> None:
    """On 2,000 random servers and several days, each figure and both of its bounds agree."""
    looks = looks_by_server(made.records, known)
    for day in days_of(4, Random(1)):
        found, plain = counted(made.root, day), Oracle(looks, known, day)
        parts = found.parts
        assert found.population == len(plain.servers)
        for name in ServerClass:
            assert parts["classes"][name.value].n == plain.of_class(name)
        for months, figure in parts["behind"].items():
            assert pair(figure) == plain.behind(int(months)), months
        assert pair(parts["any_cve"]) == plain.flaws(lambda _: True, lambda _: True)
        assert pair(parts["rce"]) == plain.flaws(
            lambda cve: cve.rce is True, lambda cve: cve.rce is not False
        )
        exploited = plain.flaws(lambda cve: cve.kev is not None, lambda cve: cve.kev is not None)
        assert pair(parts["known_exploited"]) == exploited
        for line, figure in parts["lines"].items():
            assert pair(figure) == plain.line(line), line
        for cve, figure in list(parts["cves"].items())[::9]:
            assert pair(figure) == plain.cve(cve), cve
        supported = (PhaseName.MAINSTREAM, PhaseName.EXTENDED)
        assert pair(parts["support"]["supported"]) == plain.support(*supported)
        assert pair(parts["support"]["ended"]) == plain.support(PhaseName.ENDED)
        changes = plain.movement(30)
        assert {name: parts["movement"][name].n_high for name in changes} == changes


def test_the_series_says_of_each_day_what_a_census_of_that_day_says(
    made: World, known: Knowledge
) -> None:
    """The series of the last day has, for any day before, the figures of that day."""
    last = made.records[0].observed_at.date()
    last = max(record.observed_at.date() for record in made.records)
    series = counted(made.root, last).parts["series"]
    for day in days_of(6, Random(2), span=170):
        at = series["days"].index(day.isoformat())
        found = counted(made.root, day)
        assert series["population"][at] == found.population
        assert series["vulnerable"]["low"][at] == found.parts["classes"]["vulnerable"].n
        assert series["behind_6"]["high"][at] == found.parts["behind"]["6"].n_high
        assert series["rce"]["low"][at] == found.parts["rce"].n
        assert series["unsupported"]["high"][at] == found.parts["support"]["unsupported"].n_high
