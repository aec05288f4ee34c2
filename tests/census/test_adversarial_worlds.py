"""What must hold of any census: sums, bounds, parts of a whole, and what may change nothing."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from tests.census.asking import (
    UNKNOWN,
    Document,
    asked,
    at,
    in_state,
    known_until,
    pair,
    printed,
    stored,
)
from tests.workflow.present import failed, other_product, seen

from patchstand.model import Knowledge, Place, Record, Source, Update

FIRST, DAYS = date(2024, 2, 1), 120
COUNTRIES = ("DE", "DE", "AT", "CH", None)
PLACES = ("states", "sectors", "systems")
PARTS = (*PLACES, "by_line")
MONTHS = "1,3,6,12,24,60"
STATISTICS = (
    "behind", "by_line", "classes", "exposed", "flaws", "lines", "movement", "sectors",
    "single_flaws", "situation", "states", "support", "support_end", "systems", "time_to_patch",
    "unseen",
)  # fmt: skip


def day(number: int) -> str:
    """A day of the world, counted from its first."""
    return (FIRST + timedelta(days=number)).isoformat()


def world(seed: int, known: Knowledge, servers: int = 45) -> list[Record]:
    """Servers in several countries that update, fail, go silent and turn into something else."""
    random = Random(seed)
    found: list[Record] = []
    for number in range(servers):
        found += server(number, random, known)
    random.shuffle(found)
    return found


def server(number: int, random: Random, known: Knowledge) -> Iterator[Record]:
    """The looks at one server."""
    line = random.choice(("2010", "2013", "2016", "2016", "2019", "2019"))
    rows = [row for row in known.updates if row.line.value == line]
    row = random.choice([one for one in rows if one.released < FIRST][-30:])
    place = Place(
        random.choice(COUNTRIES),
        random.choice(("DE-BY", "DE-NW", "DE-HB", None)),
        random.choice((64500, 64501, 64502, None)),
        random.choice(("health", "school", None)),
    )
    sharp, every, on = random.random(), random.choice((1, 2, 4, 7, 13)), random.randrange(20)
    while on < DAYS:
        moment = at(day(on), 0) + timedelta(seconds=random.randrange(86_400))
        newer = [one for one in rows if one.build > row.build and one.released <= moment.date()]
        if newer and random.random() < 0.05 * every:
            row = random.choice(newer)
        yield replace(
            look(number, row, sharp, random),
            observed_at=moment,
            place=place,
            source=random.choice((Source.SCAN, Source.MAIL, Source.SHADOWSERVER)),
            certificate=f"{number:064x}",
        )
        on += every if random.random() > 0.04 else random.choice((16, 25, 40))


def look(number: int, row: Update, sharp: float, random: Random) -> Record:
    """A look that fails, shows another product, or a build more or less exactly."""
    chance, build = random.random(), str(row.build)
    if chance < 0.03:
        return failed(number, at(day(0)))
    if chance < 0.045:
        return other_product(number, at(day(0)))
    if sharp < 0.75:
        return seen(number, build)
    return seen(number, build.rpartition(".")[0] if sharp < 0.9 else UNKNOWN)


@dataclass(frozen=True)
class Counted:
    """A store, what lies in it, and what was asked of it."""

    records: list[Record]
    root: Path
    on: str
    document: Document


@pytest.fixture(scope="module", params=[1, 2])
def counted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, known: Knowledge
) -> Counted:
    """A random world on one of its days, and on the day after a patch day."""
    records = world(request.param, known)
    root = stored(tmp_path_factory.mktemp("world") / "store", records, known)
    on = day((90, 41)[request.param - 1])
    return Counted(records, root, on, asked(root, on, "--series", "--months", MONTHS))


def figures(
    found: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Document]]:
    """Every figure of a document that is not withheld, with its place."""
    if isinstance(found, dict):
        if "of" in found and not found.get("suppressed"):
            yield path, found
        for name, each in found.items():
            yield from figures(each, (*path, name))


def national(found: Document) -> dict[str, Document]:
    """The figures of all servers that the breakdowns divide."""
    return {
        "vulnerable": found["classes"]["vulnerable"],
        "rce": found["rce"],
        "behind_6": found["behind"]["6"],
        "unsupported": found["support"]["unsupported"],
    }


def test_every_figure_lies_within_its_bounds(counted: Counted) -> None:
    """0 <= low <= high <= 1, each the share of its count; every rule that is named is told."""
    found = counted.document
    checked = 0
    for path, figure in figures(found):
        assert figure["rule"] in found["rules"], path
        if path[0] in {"time_to_patch", "movement"}:  # counted otherwise: a curve; who is gone
            continue
        assert 0 <= figure["n"] <= figure["n_high"] <= figure["of"], path
        assert figure["low"] * figure["of"] == pytest.approx(figure["n"]), path
        assert figure["high"] * figure["of"] == pytest.approx(figure["n_high"]), path
        checked += 1
    assert checked > 100


def test_classes_and_support_divide_the_population(counted: Counted) -> None:
    """Each server has one class; supported and unsupported exclude one another at both bounds."""
    found = counted.document
    classes, support = found["classes"], found["support"]

    assert sum(figure["n"] for figure in classes.values()) == found["population"]
    for name in ("vulnerable", "not_vulnerable"):
        assert classes[name]["n_high"] == classes[name]["n"] + classes["undetermined"]["n"]
    assert support["supported"]["n"] + support["unsupported"]["n_high"] == found["population"]
    assert support["supported"]["n_high"] + support["unsupported"]["n"] == found["population"]
    assert support["unsupported"]["n"] >= support["esu"]["n"] + support["ended"]["n"]


def test_figures_that_imply_others_are_not_above_them(counted: Counted, known: Knowledge) -> None:
    """More months are fewer servers; one flaw is at most any; what is open makes vulnerable."""
    found = counted.document
    pairs = [pair(found["behind"][months]) for months in MONTHS.split(",")]
    assert all(more[0] <= less[0] and more[1] <= less[1] for less, more in pairwise(pairs))
    whole = {"any_cve": found["any_cve"], "rce": found["rce"], "kev": found["known_exploited"]}
    for row in known.cves:
        if row.id in found["cves"] and row.counts_for_class:
            names = ["any_cve", *(["rce"] if row.rce else [])]
            listed = row.kev is not None and row.kev.isoformat() <= counted.on
            for name in [*names, *(["kev"] if listed else [])]:
                one = pair(found["cves"][row.id])
                assert one[0] <= whole[name]["n"], (row.id, name)
                assert one[1] <= whole[name]["n_high"], (row.id, name)
    for name in ("rce", "kev"):
        assert whole[name]["n"] <= whole["any_cve"]["n"] <= found["classes"]["vulnerable"]["n"]
    assert found["behind"]["1"]["n"] <= found["classes"]["vulnerable"]["n"]
    assert pair(found["exposed"]) == pair(found["known_exploited"])


@pytest.mark.parametrize("part", PARTS)
def test_parts_add_up_to_the_whole(counted: Counted, part: str) -> None:
    """Every server is in one row of each breakdown, and so is every server of a figure."""
    found = counted.document
    rows = found[part].values()

    assert sum(row["population"] for row in rows) == found["population"]
    for name, figure in national(found).items():
        assert {row[name]["of"] == row["population"] for row in rows} == {True}
        if not any(row[name].get("suppressed") for row in rows):
            assert sum(row[name]["n"] for row in rows) == figure["n"]
            assert sum(row[name]["n_high"] for row in rows) == figure["n_high"]


@pytest.mark.parametrize("part", PLACES)
def test_no_cell_of_a_place_shows_one_to_four(counted: Counted, part: str) -> None:
    """A cell is none, five or more, or it says no more than its denominator."""
    for name, row in counted.document[part].items():
        assert name == "other" or row["population"] >= 5
        for figure in national(counted.document):
            if row[figure].get("suppressed"):
                assert set(row[figure]) == {"suppressed", "of", "rule"}
            else:
                assert not {row[figure]["n"], row[figure]["n_high"]} & {1, 2, 3, 4}


def test_the_series_ends_with_the_figures_of_the_day(counted: Counted) -> None:
    """Its days have no gap; the last one is the day of the census where servers were seen then."""
    found, series = counted.document, counted.document["series"]
    days = [date.fromisoformat(each) for each in series["days"]]

    assert days == [days[0] + timedelta(days=n) for n in range(len(days))]
    assert (series["days"][-1], series["population"][-1]) == (counted.on, found["population"])
    for name, figure in {**national(found), "behind_12": found["behind"]["12"]}.items():
        assert (series[name]["low"][-1], series[name]["high"][-1]) == pair(figure)
    for line, counts in series["lines"].items():
        assert counts[-1] == found["lines"].get(line, {"n": 0})["n"]


def test_a_statistic_alone_says_the_same(counted: Counted) -> None:
    """Asked for by name, each statistic is what it is among all the others."""
    everything = counted.document
    seen_names = set()
    for name in STATISTICS:
        alone = asked(counted.root, counted.on, "--only", name, "--months", MONTHS)
        del alone["rules"]
        assert {key: everything[key] for key in alone} == alone
        seen_names |= set(alone)
    assert set(everything) - seen_names == {"rules", "series"}


def test_a_country_is_counted_as_if_there_were_no_other(
    counted: Counted, tmp_path: Path, known: Knowledge
) -> None:
    """The census of a country is that of a store with its servers only."""
    sizes = 0
    for country in ("DE", "AT"):
        own = [record for record in counted.records if record.place.country == country]
        alone = printed(stored(tmp_path / country, own, known), counted.on, "--series")
        asked = printed(counted.root, counted.on, "--series", "--country", country)
        assert json.loads(asked[1]) == json.loads(alone[1]) | {"country": country}
        sizes += json.loads(alone[1])["population"]
    assert 0 < sizes < counted.document["population"]


def test_later_looks_and_other_batches_change_no_byte(
    counted: Counted, tmp_path: Path, known: Knowledge
) -> None:
    """What came later, in how many batches, read anew, or by two processes: the same bytes."""
    expected = printed(counted.root, counted.on, "--series")
    early = [each for each in counted.records if each.observed_at.date().isoformat() <= counted.on]
    one, many = tmp_path / "one", tmp_path / "many"
    for number in range(5):
        batch = f"202405{20 - number}T083000Z-00000{number}"
        stored(many, counted.records[number::5], known, batch)

    assert expected[0] == 0
    assert printed(stored(one, early, known), counted.on, "--series") == expected
    assert printed(many, counted.on, "--series") == expected
    assert printed(counted.root, counted.on, "--series", "--rebuild") == expected


def test_a_batch_taken_out_and_put_back_changes_no_byte(tmp_path: Path, known: Knowledge) -> None:
    """Derived tables follow the files: what was counted without a batch is not kept."""
    half = world(3, known, 20)
    root = stored(tmp_path / "store", half[::2], known)
    without = printed(root, day(90))
    stored(root, half[1::2], known, "20240601T083000Z-000001")
    whole = printed(root, day(90))
    later = [path for path in root.rglob("*-000001-*.parquet") if "derived" not in path.parts]
    aside = [(path, path.read_bytes()) for path in later]
    for path in later:
        path.unlink()
    again = printed(root, day(90))
    for path, content in aside:
        path.write_bytes(content)

    assert aside
    assert whole != without
    assert again == without
    assert printed(root, day(90)) == whole


@pytest.mark.parametrize("until", ["2024-04-01", "2024-04-08"])
def test_what_became_known_later_changes_no_byte(
    counted: Counted, tmp_path: Path, known: Knowledge, until: str
) -> None:
    """Updates, flaws, listings and withdrawals after the day are as if they were not there."""
    override = known_until(tmp_path / "knowledge", until)

    with_it = printed(counted.root, "2024-04-01", "--series", "--knowledge", override)
    assert with_it == printed(counted.root, "2024-04-01", "--series")
    assert with_it[0] == 0


def test_a_day_of_the_series_is_the_census_of_that_day(counted: Counted) -> None:
    """What the last day says of earlier ones is what was said on them."""
    series = counted.document["series"]
    for number in Random(5).sample(range(len(series["days"])), 3):
        found = asked(counted.root, series["days"][number], "--months", "6,12")
        assert series["population"][number] == found["population"]
        for name, figure in {**national(found), "behind_12": found["behind"]["12"]}.items():
            assert (series[name]["low"][number], series[name]["high"][number]) == pair(figure)


def test_five_servers_are_no_small_cell(tmp_path: Path, known: Knowledge) -> None:
    """Withheld are one to four, not none and not five."""
    sizes = {"DE-BE": 0, "DE-BY": 1, "DE-HB": 4, "DE-HE": 5}
    records: list[Record] = []
    for number, (state, size) in enumerate(sizes.items()):
        base = number * 40
        records += in_state(state, range(base, base + size))
        records += in_state(state, range(base + 10, base + 30), "15.2.1544.11")
    found = asked(stored(tmp_path, records, known), "2024-09-10", "--only", "states")["states"]

    shown = {state: row["vulnerable"].get("n") for state, row in found.items()}
    assert shown == {"DE-BE": 0, "DE-BY": None, "DE-HB": None, "DE-HE": 5}
