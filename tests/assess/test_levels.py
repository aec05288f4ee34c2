"""Whether a server has reached an update."""

import pytest
from tests.assess.inside_checks.servers import E2013, E2016, E2016_CU22, E2019, SE, Server

from patchstand import knowledge
from patchstand.assess.levels import line_of, reaches, reaches_cu
from patchstand.model import Build, ProductLine

KNOWN = knowledge.load()
FAMILIES = ("Jan23SU", "Nov23SU", "Mar24SU", "Nov24SU", "Aug25SU")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_build_of_a_release_reaches_it_and_its_forerunner_does_not(family: str) -> None:
    """On each cumulative update that got the release."""
    rows = [row for row in KNOWN.updates if row.family == family]
    assert rows

    for row in rows:
        of_cu = KNOWN.of_cu(row.line, row.cu)
        before = of_cu[of_cu.index(row) - 1]
        assert reaches(Server(str(row.build)).inside(), family) is True
        assert reaches(Server(str(before.build)).inside(), family) is False


@pytest.mark.parametrize(
    ("build", "family", "has"),
    [
        (SE, "Nov23SU", True),
        (E2013, "Nov23SU", False),
        (E2016_CU22, "Jan23SU", False),
        ("15.1.2308.27", "Mar22SU", True),
        ("15.1.2375.7", "Mar22SU", False),
        ("15.2.1118.7", "Mar22SU", True),
        (E2019, "no such release", False),
        ("15.2.9999.1", "Nov23SU", None),
    ],
)
def test_lines_without_a_release_are_judged_by_their_age(
    build: str, family: str, has: bool | None
) -> None:
    """A later line has it, an earlier one never got it; an unlisted build is unknown."""
    assert reaches(Server(build).inside(), family) is has


@pytest.mark.parametrize(
    ("build", "has"),
    [
        (E2013, False),
        ("15.1.2308.8", False),
        (E2016_CU22, True),
        (E2016, True),
        ("15.2.922.27", False),
        ("15.2.986.5", True),
        (SE, True),
        ("15.2.9999.1", None),
    ],
)
def test_a_cu_is_reached_by_itself_and_what_follows(build: str, has: bool | None) -> None:
    """A line after those that are named has everything, one before them nothing."""
    cus = {ProductLine.V2016: "CU22", ProductLine.V2019: "CU11"}

    assert reaches_cu(Server(build).inside(), cus) is has


def test_the_line_is_that_of_all_possible_builds() -> None:
    """None where there are none."""
    assert line_of(Server(E2016).inside()) is ProductLine.V2016
    assert line_of(Server("15.2.9999.1").inside()) is None
    assert Server(E2016).inside().build == Build.parse(E2016)
