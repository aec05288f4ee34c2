"""The exports and the census of a store speak of the same servers."""

import json
from datetime import date
from random import Random

import pytest
from tests.census.worlds import World, days_of, world
from tests.report.test_prometheus import parsed

from patchstand.model import Knowledge
from patchstand.report.census import census_document
from patchstand.report.harmonization import problems
from patchstand.report.intelmq import event
from patchstand.report.prometheus import prometheus
from patchstand.store.folder import Folder
from patchstand.store.present import present, window
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.judged import vulnerable


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, known: Knowledge) -> World:
    """300 random servers over 200 days: failures, gaps, updates, other products."""
    return world(tmp_path_factory.mktemp("world") / "store", known, 300, seed=11)


@pytest.mark.parametrize("day", days_of(4, Random(7)), ids=str)
def test_as_many_servers_leave_as_the_census_counts(
    made: World, known: Knowledge, day: date
) -> None:
    """Population and vulnerable servers are those of the census; every event is valid."""
    counted = census(CensusPlan(made.root, day))
    folder = Folder.open(made.root)

    assert len(list(present(folder, window(None, day)))) == counted.population
    found = vulnerable(folder, window(None, day), known, None)
    assert len(found) == counted.parts["classes"]["vulnerable"].n > 0
    assert [problem for each in found for problem in problems(event(each))] == []


def test_the_gauges_say_what_the_census_says(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of a real census is valid, and its numbers are those of the document."""
    monkeypatch.setattr("patchstand.report.census._rule", lambda _: {})  # no text is a gauge
    counted = census(CensusPlan(made.root, date(2024, 2, 1)))
    document = json.loads(json.dumps(census_document(counted)))

    found = parsed("".join(prometheus(document)))

    assert found["patchstand_population_servers", ()] == document["population"]
    figure = document["classes"]["vulnerable"]
    labels = (("class", "vulnerable"),)
    assert found["patchstand_class_servers", (*labels, ("bound", "low"))] == figure["n"]
    assert found["patchstand_class_ratio", (*labels, ("bound", "high"))] == figure["high"]
    names = {name for name, _ in found}
    assert {"patchstand_time_to_patch_at_risk_servers", "patchstand_patched_ratio"} <= names
    assert {"patchstand_by_state_servers", "patchstand_exposed_server_days"} <= names
    assert not any("mail" in value or "240." in value for _, key in found for _, value in key)
