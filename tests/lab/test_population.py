"""Reading populations."""

from pathlib import Path

import pytest

from patchstand.errors import UsageError
from patchstand.lab import all_kinds, parse_population, population
from patchstand.lab.population import NAMED, Population


@pytest.mark.parametrize("name", NAMED)
def test_named_populations_name_known_kinds(name: str) -> None:
    """Each shipped population can be read and names kinds that exist."""
    assert set(population(name).shares) <= set(all_kinds())


def test_the_default_population_holds_every_kind() -> None:
    """Whoever starts the lab without a choice meets each kind that there is."""
    assert set(population("default").shares) == set(all_kinds())


def test_only_the_hostile_population_is_mostly_hostile() -> None:
    """Hostile kinds are about 3 % by default, none in clean, all of hostile."""
    hostile = {name for name, kind in all_kinds().items() if kind.trouble is not None}

    shares = population("default").shares

    assert 0.01 < sum(shares[name] for name in hostile) / sum(shares.values()) < 0.05
    assert hostile.isdisjoint(population("clean").shares)
    assert set(population("hostile").shares) == hostile


def test_counts_add_up_and_follow_the_shares() -> None:
    """Every server gets a kind, and rounding goes to the largest remainders."""
    assert Population(shares={"a": 2, "b": 1, "c": 1}).counts(10) == {"a": 5, "b": 3, "c": 2}


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        '{"schema": "patchstand/population/2", "shares": {"SE": 1}}',
        '{"schema": "patchstand/population/1", "shares": {}}',
        '{"schema": "patchstand/population/1", "shares": {"SE": -1}}',
        '{"schema": "patchstand/population/1", "shares": {"SE": 1}, "newest_cu": 2}',
        '{"schema": "patchstand/population/1", "shares": {"SE": 1}, "surprise": 2}',
    ],
)
def test_a_broken_population_is_refused(text: str) -> None:
    """A wrong schema, share, range or unknown field is a usage error."""
    with pytest.raises(UsageError):
        parse_population(text.encode())


def test_a_missing_file_names_the_choices(tmp_path: Path) -> None:
    """The error of a missing file says which names exist."""
    with pytest.raises(UsageError, match="default, clean, hostile"):
        population(str(tmp_path / "absent.json"))


def test_a_population_is_read_from_a_file(tmp_path: Path) -> None:
    """A path works as well as a name."""
    path = tmp_path / "mine.json"
    path.write_text('{"schema": "patchstand/population/1", "shares": {"SE": 1}}')

    assert population(str(path)).shares == {"SE": 1}
