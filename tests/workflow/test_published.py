"""Published figures counted again: agreement, its limits, and what the rules mean."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.workflow.countries import POPULATIONS, compared, sights

from patchstand.assess import judge_build
from patchstand.census.statistic import Asked
from patchstand.knowledge.populations import load_population
from patchstand.model import Build, Knowledge, ProductLine, Update
from patchstand.model.census import Census, Figure
from patchstand.model.published import OwnRule, PublishedFigure, PublishedRule, Unit
from patchstand.workflow.census import CensusPlan, census
from patchstand.workflow.published import (
    RULES,
    WIDEST,
    Comparison,
    builds_of,
    compare,
    published_standings,
)
from patchstand.workflow.published import _sight as sight
from patchstand.workflow.published import _Standing as Standing
from patchstand.workflow.simulate import Simulation, simulate
from patchstand.workflow.simulate import _quota as quota

SEEDS = range(1, 21)
SERVERS, DAYS = 2000, 3
SEPTEMBER = date(2024, 9, 10)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MODERN = (ProductLine.V2016, ProductLine.V2019)
ENDED = (ProductLine.V2010, ProductLine.V2013)


def figure(population: str, name: str) -> PublishedFigure:
    return next(each for each in load_population(population).figures if each.id == name)


def updates_of(known: Knowledge, lines: tuple[ProductLine, ...], by: date) -> list[Update]:
    return [each for each in known.updates if each.line in lines and each.released_to <= by]


def holds(rule: PublishedFigure, known: Knowledge, build: Build, day: date) -> bool:
    judged = judge_build(known, build, day)
    assert judged is not None
    assert rule.rule is not None
    return RULES[rule.rule](rule, judged)


# Every figure agrees


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_every_derivable_figure_agrees_under_its_own_rule(population: str, seed: int) -> None:
    """Whatever the seed, a simulated country has the figures that were published."""
    rows = compared(population, SERVERS, DAYS, seed)

    assert {row.agrees for row in rows.values() if row.derivable} == {True}
    assert all(row.why["en"] and row.why["de"] for row in rows.values())


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize(("servers", "days"), [(100, 1), (100, 400), (1000, 30), (5000, 400)])
def test_figures_agree_for_other_numbers_of_servers_and_days(
    population: str, servers: int, days: int
) -> None:
    """A hundred servers, or a year and more, have the same shares on the last day."""
    rows = compared(population, servers, days, seed=servers + days)

    assert sights(population, servers, days, servers + days).total() == servers
    assert {row.agrees for row in rows.values() if row.derivable} == {True}


@pytest.mark.parametrize("servers", [10, 37, 101])
@pytest.mark.parametrize("population", POPULATIONS)
def test_few_servers_have_the_nearest_whole_numbers(population: str, servers: int) -> None:
    """Shares that whole servers cannot have are missed by less than a server for each cell."""
    off = len(load_population(population).cells) / servers
    for row in compared(population, servers, 1, seed=1).values():
        if row.ours_low is not None and row.ours_high is not None and row.unit == "share":
            assert row.ours_low - off < row.published_high
            assert row.ours_high + off > row.published_low


@pytest.mark.parametrize("population", POPULATIONS)
def test_from_a_thousand_servers_on_whole_numbers_are_near_enough(
    population: str, known: Knowledge
) -> None:
    """Each cell counts for a figure as a whole or not at all, and its servers, though whole,
    give a share within what was published."""
    published = load_population(population)
    for rule in (each for each in published.figures if each.derivable):
        counted, of = [], []
        for cell in published.cells:
            possible = {
                published_standings(rule, sight(f"{update.line.value}|{update.build}|", 1, known,
                                                published.as_of))
                for update in builds_of(cell, known, published.as_of)
            }  # fmt: skip
            (standing,) = possible
            counted.append(standing == {Standing.COUNTED})
            of.append(standing != {Standing.OUTSIDE})
        scale = (published.total or 0) if rule.unit is Unit.SERVERS else 1
        for servers in (*range(1000, 2000, 7), 45_000, 45_001):
            counts = np.array(quota(published.cells, servers))
            share = counts[counted].sum() / counts[of].sum() * scale
            assert rule.low <= share <= rule.high, (rule.id, servers)


# Beside them, our own


def written(population: str, root: Path) -> Census:
    wanted = Simulation(population, 600, 2, 5, root)
    done = simulate(wanted, NOW, lambda _done, _of: None)
    months = {each.months for each in load_population(population).figures if each.months}
    return census(CensusPlan(root, done.last, asked=Asked(months=tuple(sorted(months)))))


def own_figure(found: Census, row: Comparison, rule: PublishedFigure) -> Figure:
    name = {each.value: each for each in OwnRule}[row.own_rule or ""]
    part, _, key = name.value.partition("_")
    if name is OwnRule.BEHIND:
        key = str(rule.months)
    if name is OwnRule.LINE:
        (line,) = rule.lines
        part, key = "lines", line.value
    places = {"class": "classes", "support": "support", "behind": "behind", "lines": "lines"}
    of: Figure = found.parts["rce"] if name is OwnRule.RCE else found.parts[places[part]][key]
    return of


@pytest.mark.parametrize("population", POPULATIONS)
def test_our_own_figures_are_those_of_the_census(
    population: str, known: Knowledge, tmp_path: Path
) -> None:
    """What is printed beside a published figure is what the census itself counts."""
    found = written(population, tmp_path / "store")
    published = load_population(population)
    total = published.total or 0
    rules = {each.id: each for each in published.figures}
    rows = compare(published, found.sights, known, found.as_of)
    equal = 0
    for row in rows:
        rule = rules[row.figure]
        restricted = rule.of_lines or (rule.lines and row.own_rule == "class_vulnerable")
        if not row.derivable or restricted:
            continue
        of = own_figure(found, row, rule)
        assert of.low is not None
        assert of.high is not None
        scale = total if row.unit == "servers" else 1
        assert row.own_low == pytest.approx(of.low * scale), row.figure
        assert row.own_high == pytest.approx(of.high * scale), row.figure
        equal += 1

    assert found.population == 600
    assert equal >= 4


# What does not agree


def test_a_country_where_no_build_is_known_agrees_with_nothing(known: Knowledge) -> None:
    """Where everything is possible nothing is compared: it cannot be told, in both languages."""
    for population in POPULATIONS:
        rows = compare(load_population(population), {"||": 1000}, known, SEPTEMBER)
        asked = [row for row in rows if row.derivable]

        assert {row.agrees for row in asked} == {None}
        assert all("too many servers" in row.why["en"] for row in asked)
        assert all("zu vielen Servern" in row.why["de"] for row in asked)


def test_nothing_agrees_where_too_many_builds_are_unknown(known: Knowledge) -> None:
    """More unknown builds than five in a hundred, or than half of a figure, leave it open."""
    seen = sights("de-2024-09", SERVERS, DAYS, 1)
    few = seen + Counter({"||": 40})
    many = seen + Counter({"||": 120})

    found = [
        {row.figure: row for row in compare(load_population("de-2024-09"), each, known, SEPTEMBER)}
        for each in (few, many)
    ]

    assert found[0]["behind_6"].agrees is True
    assert found[1]["behind_6"].agrees is None
    for row in found[1].values():
        if row.agrees and row.unit == "share":
            assert row.ours_high is not None
            assert row.ours_low is not None
            assert row.ours_high - row.ours_low <= WIDEST


def test_another_country_does_not_agree(known: Knowledge) -> None:
    """The servers of one publication do not have the figures of another."""
    seen = sights("de-2024-03", SERVERS, DAYS, 1)
    rows = compare(load_population("de-2026-01"), seen, known, date(2026, 1, 23))
    found = {row.figure: row for row in rows}

    assert found["line_SE"].agrees is False
    assert found["line_SE"].why["en"] == "19 % Exchange SE: ours differs"
    assert (found["line_SE"].ours_low, found["unsupported"].agrees) == (0.0, False)


def test_a_denominator_without_servers_is_said(known: Knowledge) -> None:
    """A share of servers that are not there is no number."""
    rows = compare(
        load_population("de-2024-03"), {"2013|15.0.1497.48|": 9}, known, date(2024, 3, 26)
    )
    found = {row.figure: row for row in rows}["behind_4_of_2016_2019"]

    assert (found.ours_low, found.ours_high, found.agrees) == (None, None, None)
    assert "no server here" in found.why["en"]


# The bounds


@settings(max_examples=60)
@given(data=st.data())
def test_the_truth_lies_within_the_bounds(data: st.DataObject, known: Knowledge) -> None:
    """Whatever builds the servers of a sight truly have, the true share is within ours."""
    population = load_population(data.draw(st.sampled_from(POPULATIONS)))
    there = updates_of(known, (*ENDED, *MODERN, ProductLine.SE), population.as_of)
    truth, seen = [], Counter[str]()
    for _ in range(data.draw(st.integers(1, 12))):
        true = data.draw(st.sampled_from(there))
        shown = data.draw(st.sampled_from(("build", "cu", "lines", "nothing")))
        truth.append(true.build)
        seen[text_of(true, shown, known, population.as_of)] += 1
    exact = Counter(f"{known_line(known, build)}|{build}|" for build in truth)
    ours = compare(population, seen, known, population.as_of)
    for row, exactly in zip(ours, compare(population, exact, known, population.as_of), strict=True):
        assert exactly.ours_low == exactly.ours_high
        if exactly.ours_low is not None:
            assert row.ours_low is not None
            assert row.ours_high is not None
            assert row.ours_low - 1e-9 <= exactly.ours_low <= row.ours_high + 1e-9


def known_line(known: Knowledge, build: Build) -> str:
    row = known.update(build)
    assert row is not None
    return row.line.value


def text_of(true: Update, shown: str, known: Knowledge, by: date) -> str:
    if shown == "nothing":
        return "||"
    if shown == "lines":
        return f"{true.line.value} SE||"
    of_cu = [each for each in known.of_cu(true.line, true.cu) if each.released_to <= by]
    builds = of_cu if shown == "cu" else [true]
    return f"{true.line.value}|{' '.join(str(each.build) for each in builds)}|"


def test_a_share_of_some_lines_counts_unknown_lines_both_ways(known: Knowledge) -> None:
    """Servers that may be of the denominator make its share wider on both sides."""
    rule = figure("de-2024-03", "behind_4_of_2016_2019")
    lacking, fine, unknown = "2016|15.1.2507.34|", "2016|15.1.2507.37|", "||"
    population = replace(load_population("de-2024-03"), figures=(rule,))
    seen = {lacking: 30, fine: 60, unknown: 10, "2013|15.0.1497.48|": 50}

    (row,) = compare(population, seen, known, date(2024, 3, 26))

    assert (row.ours_low, row.ours_high) == (30 / 100, 40 / 100)


def test_builds_that_the_knowledge_does_not_have_are_open(known: Knowledge) -> None:
    """A set with a build that no table lists is counted and not counted."""
    rule = figure("de-2024-09", "behind_6")
    found = published_standings(
        rule, sight("2019|15.2.1544.11 15.2.9999.1|knowledge_too_old", 1, known, SEPTEMBER)
    )

    assert found == {Standing.COUNTED, Standing.NOT_COUNTED}


# What the rules mean


def test_four_months_behind_in_march_is_an_update_of_november_missing(known: Knowledge) -> None:
    """On 26 March 2024 "at least four months" and "nothing since 14 November" are the same."""
    day = date(2024, 3, 26)
    behind, lacks = figure("de-2024-03", "behind_4_of_2016_2019"), figure("de-2024-03", "outdated")
    for update in updates_of(known, MODERN, day):
        assert holds(behind, known, update.build, day) == holds(lacks, known, update.build, day)


def test_an_open_rce_in_september_is_the_update_of_march_missing(known: Knowledge) -> None:
    """On supported lines the 35 % lack what came out by 12 March, and nothing newer matters."""
    rce, unclear = figure("de-2024-09", "rce"), figure("de-2024-09", "unclear")
    lacks = replace(unclear, rule=PublishedRule.LACKS)
    for update in updates_of(known, MODERN, SEPTEMBER):
        assert holds(rce, known, update.build, SEPTEMBER) == holds(
            lacks, known, update.build, SEPTEMBER
        )


def test_ended_lines_are_vulnerable_as_a_whole(known: Knowledge) -> None:
    """No build of 2010 or 2013 is unclear or safe; each counts as vulnerable, and for an RCE."""
    for population, names in (
        ("de-2024-03", ("vulnerable", "unclear", "safe")),
        ("de-2024-09", ("rce", "unclear")),
    ):
        day = load_population(population).as_of
        for update in updates_of(known, ENDED, day):
            shown = sight(f"{update.line.value}|{update.build}|", 1, known, day)
            counted = [
                published_standings(figure(population, name), shown) == {Standing.COUNTED}
                for name in names
            ]
            assert counted == [True] + [False] * (len(names) - 1), update.build


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=each) for each in range((last - first).days + 1)]


def test_35_and_28_cannot_both_hold_from_12_september_on(known: Knowledge) -> None:
    """From then until November every open RCE is six months old: 35 % would be 28 % or less."""
    rce, behind = figure("de-2024-09", "rce"), figure("de-2024-09", "behind_6")

    def only_rce(day: date) -> set[str]:
        return {
            str(update.build)
            for update in updates_of(known, MODERN, day)
            if holds(rce, known, update.build, day) and not holds(behind, known, update.build, day)
        }

    assert {"15.1.2507.35", "15.2.1544.4"} <= only_rce(date(2024, 9, 11))
    assert only_rce(date(2024, 3, 12))
    for day in days_between(date(2024, 9, 12), date(2024, 11, 11))[::5]:
        assert only_rce(day) == set()


def test_the_same_servers_a_day_later_have_other_figures() -> None:
    """Judged on the 11th the country of September has 28 %, on the 12th 35 % are behind."""
    before = compared("de-2024-09", SERVERS, DAYS, 1, later=1)
    after = compared("de-2024-09", SERVERS, DAYS, 1, later=2)

    assert before["behind_6"].agrees is True
    assert after["behind_6"].agrees is False
    assert after["rce"].agrees is True
    assert after["behind_6"].ours_low == after["rce"].ours_low


def test_28_percent_hold_from_the_day_on_which_november_is_six_months_past() -> None:
    """Of the servers of 10 September 28 % are six months behind from 14 May on, not before."""
    later = (date(2024, 5, 14) - SEPTEMBER).days
    on, before = (
        compared("de-2024-09", SERVERS, DAYS, 1, later=each) for each in (later, later - 1)
    )

    assert (on["behind_6"].agrees, on["rce"].agrees) == (True, True)
    assert before["behind_6"].agrees is False


def test_numbers_are_shares_of_the_published_total() -> None:
    """A number of servers is compared with our share of the published total, however many we
    have."""
    rows = compared("de-2024-03", SERVERS, DAYS, 2)
    share, number = rows["vulnerable"], rows["vulnerable_servers"]

    assert number.unit == Unit.SERVERS
    assert share.ours_low is not None
    assert number.ours_low == pytest.approx(share.ours_low * 45_000)


def test_the_row_of_the_handbook_is_what_a_census_prints() -> None:
    """The example of docs/published-figures.md is the row of the commands above it."""
    page = (Path(__file__).parents[2] / "docs" / "published-figures.md").read_text("utf-8")
    shown = re.search(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert shown is not None

    row = compared("de-2024-03", 1000, 30, 1)["vulnerable"].row()

    assert json.loads(shown[1]) == row
    assert list(json.loads(shown[1])) == list(row)


def test_the_percentages_of_the_handbook_are_those_of_its_store() -> None:
    """What the page says of 11 and 12 September is what its own commands give."""
    page = (Path(__file__).parents[2] / "docs" / "published-figures.md").read_text("utf-8")
    for later in (1, 2):
        row = compared("de-2024-09", 1000, 30, 1, later=later)["behind_6"]
        assert row.ours_low is not None
        assert row.ours_high is not None
        assert f"{row.ours_low * 100:.1f} to {row.ours_high * 100:.1f} %" in page
