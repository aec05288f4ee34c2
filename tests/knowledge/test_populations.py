"""Published populations: every figure is there, with its rule; a wrong file is refused."""

import re
from datetime import date
from importlib.resources import files
from math import inf
from pathlib import Path

import pytest

from patchstand.errors import KnowledgeError, UsageError
from patchstand.knowledge.population_invariants import broken_invariants
from patchstand.knowledge.populations import load_population, population_names
from patchstand.model import ON_PREMISES, Knowledge
from patchstand.model.published import PublishedFigure, PublishedRule, Unit

SHIPPED = ("de-2024-03", "de-2024-09", "de-2025-10", "de-2026-01")
FACTS = {
    ("de-2024-03", "total"): 45_000,
    ("de-2024-03", "line_2010"): 0.05,
    ("de-2024-03", "line_2013"): 0.07,
    ("de-2024-03", "end_of_life"): 0.12,
    ("de-2024-03", "outdated"): 0.25,
    ("de-2024-03", "behind_4_of_2016_2019"): 0.28,
    ("de-2024-03", "vulnerable"): 0.37,
    ("de-2024-03", "vulnerable_servers"): 17_000,
    ("de-2024-03", "unclear"): 0.48,
    ("de-2024-03", "safe"): 0.15,
    ("de-2024-03", "flaws"): 8,
    ("de-2024-09", "rce"): 0.35,
    ("de-2024-09", "rce_servers"): 15_000,
    ("de-2024-09", "behind_6"): 0.28,
    ("de-2024-09", "behind_6_of_2016_2019"): 0.28,
    ("de-2024-09", "behind_6_servers"): 12_000,
    ("de-2024-09", "behind_12"): 0.15,
    ("de-2024-09", "behind_12_servers"): 6_500,
    ("de-2024-09", "unclear"): 0.41,
    ("de-2024-09", "unclear_servers"): 18_000,
    ("de-2024-09", "end_of_life"): 0.0999,
    ("de-2025-10", "total"): 33_000,
    ("de-2025-10", "until_2019"): 0.92,
    ("de-2025-10", "until_2019_servers"): 30_000,
    ("de-2025-10", "line_2019"): 0.45,
    ("de-2025-10", "line_2016"): 0.40,
    ("de-2025-10", "line_2013"): 0.0999,
    ("de-2025-10", "line_2010"): 0.0999,
    ("de-2025-10", "line_SE"): 0.08,
    ("de-2026-01", "unsupported"): 0.81,
    ("de-2026-01", "line_2019"): 0.3999,
    ("de-2026-01", "line_2016"): 0.35,
    ("de-2026-01", "line_SE"): 0.19,
}
"""What was published, in figures; the total of September 2024 was not."""


def figures(name: str) -> dict[str, PublishedFigure]:
    return {figure.id: figure for figure in load_population(name).figures}


def test_four_publications_are_shipped() -> None:
    """The populations are those of March and September 2024, October 2025 and January 2026."""
    assert population_names() == list(SHIPPED)


def test_every_published_figure_is_there_and_nothing_else() -> None:
    """Each published number lies in the interval of its figure; no figure is made up."""
    known = {(name, figure) for name in SHIPPED for figure in figures(name)}

    assert known - FACTS.keys() == {("de-2024-09", "total")}
    for (name, figure), published in FACTS.items():
        found = figures(name)[figure]
        assert found.low <= published <= found.high, (name, figure)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_plain_percentage_is_one_point_wide(name: str) -> None:
    """A percentage without a word such as "about" is an interval of one point."""
    vague = ("about", "just under", "single-digit", "less than")
    for figure in figures(name).values():
        if figure.unit is Unit.SHARE and not any(word in figure.words["en"] for word in vague):
            assert figure.high - figure.low == pytest.approx(0.01), figure.id


def test_the_total_of_september_follows_from_the_other_figures() -> None:
    """No total was published; numbers and percentages of the others leave an interval for it."""
    found = figures("de-2024-09")
    pairs = [("rce", 0), ("behind_6", 0), ("behind_12", 0), ("unclear", 0)]
    shares = [found[name] for name, _ in pairs]
    numbers = [found[f"{name}_servers"] for name, _ in pairs]
    least = max(number.low / share.high for number, share in zip(numbers, shares, strict=True))
    most = min(number.high / share.low for number, share in zip(numbers, shares, strict=True))

    total, taken = found["total"], load_population("de-2024-09").total
    assert (total.low, total.high) == (int(least) + 1, int(most))
    assert taken is not None
    assert total.low < taken < total.high


def test_the_classes_of_march_are_the_whole() -> None:
    """37 % vulnerable, 48 % unclear and 15 % safe are all servers; 12 % and 25 % the first."""
    found = {name: (each.low + each.high) / 2 for name, each in figures("de-2024-03").items()}

    assert found["vulnerable"] + found["unclear"] + found["safe"] == pytest.approx(1)
    assert found["end_of_life"] + found["outdated"] == pytest.approx(found["vulnerable"])
    assert found["line_2010"] + found["line_2013"] == pytest.approx(found["end_of_life"])


@pytest.mark.parametrize("name", SHIPPED)
def test_what_a_file_names_exists(name: str, known: Knowledge) -> None:
    """Flaws, lines and cumulative updates that rules and cells name are known by then."""
    population = load_population(name)
    flaws = {cve.id for cve in known.cves if cve.known_from <= population.as_of}
    cus = {(update.line, update.cu) for update in known.updates}

    assert {figure.flaw for figure in population.figures} - {None} <= flaws
    for figure in population.figures:
        assert {*figure.lines, *figure.whole_lines, *figure.of_lines} <= {*ON_PREMISES}
        assert figure.until is None or figure.until <= population.as_of
    for cell in population.cells:
        assert all(any((line, cu) in cus for line in cell.lines) for cu in cell.cus + cell.not_cus)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_cannot_be_derived_says_why(name: str) -> None:
    """A figure without a rule has a reason in both languages; every other one has a rule."""
    for figure in figures(name).values():
        assert (figure.rule is None) == bool(figure.why) == (not figure.derivable)
    assert list(broken_invariants(name, load_population(name))) == []


@pytest.mark.parametrize("name", SHIPPED)
def test_the_handbook_has_every_figure_with_its_rule(name: str) -> None:
    """The tables of docs/published-figures.md list each figure, its cut-off and its grace."""
    page = (Path(__file__).parents[2] / "docs" / "published-figures.md").read_text("utf-8")
    section = re.search(rf"^### {name}$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    rows = [line for line in section[1].splitlines() if line.startswith("| `")]
    listed = {each: row for row in rows for each in re.findall(r"`(\w+)`", row.split("|")[1])}

    assert listed.keys() == figures(name).keys()
    for figure in figures(name).values():
        row = listed[figure.id]
        assert ("not derivable" in row) == (not figure.derivable)
        for said in (figure.until, figure.flaw, figure.months and f"{figure.months} months"):
            assert str(said) in row or not said


def test_an_unknown_population_names_the_known_ones() -> None:
    """A name that there is no file for is refused, also one that would leave the folder."""
    for name in ("de-2030-01", "../habits", ""):
        with pytest.raises(UsageError, match="known: de-2024-03, de-2024-09"):
            load_population(name)


# Files of an override folder


def shipped(name: str) -> str:
    return (files("patchstand.knowledge") / "data" / name).read_text("utf-8")


def override(root: Path, text: str, name: str = "de-2026-01") -> Path:
    (root / "populations").mkdir()
    (root / "populations" / f"{name}.toml").write_text(text, encoding="utf-8")
    return root


def test_a_population_of_an_override_folder_wins(tmp_path: Path) -> None:
    """A file of the same name replaces the shipped one; one of another name is added."""
    text = shipped("populations/de-2026-01.toml")
    override(tmp_path, text.replace("2026-01-23", "2026-01-22"))
    (tmp_path / "populations" / "mine.toml").write_text(text.replace("de-2026-01", "mine"))

    assert load_population("de-2026-01", tmp_path).as_of == date(2026, 1, 22)
    assert population_names(tmp_path) == [*SHIPPED, "mine"]
    assert load_population("mine", tmp_path).name == "mine"
    assert load_population("de-2024-03", tmp_path) == load_population("de-2024-03")


def test_habits_are_shared_and_can_be_said_otherwise(tmp_path: Path) -> None:
    """`habits.toml` holds for all; a population's own table wins, key by key."""
    (tmp_path / "habits.toml").write_text(shipped("habits.toml").replace("0.45", "0.44", 1))
    text = shipped("populations/de-2026-01.toml").replace("[free]", "[free]\nskipped = 0.25")
    override(tmp_path, text)

    habits = load_population("de-2026-01", tmp_path).habits
    others = load_population("de-2024-03", tmp_path).habits

    assert (habits.quick, habits.skipped) == (0.44, 0.25)
    assert (others.quick, others.skipped) == (0.44, 0.35)
    assert habits.states == others.states


def test_the_digest_stands_for_everything_in_a_population(tmp_path: Path) -> None:
    """Another word in the file, or another habit, gives another digest."""
    (tmp_path / "habits.toml").write_text(shipped("habits.toml").replace("0.45", "0.44", 1))
    digests = {load_population("de-2026-01", tmp_path).digest}
    override(tmp_path, shipped("populations/de-2026-01.toml").replace("0.39\n", "0.390\n"))
    digests |= {load_population("de-2026-01", tmp_path).digest, load_population(SHIPPED[3]).digest}

    assert len(digests) == 3


WRONG = {
    "not TOML": ("[[figure]]", "[[figure"),
    "another name": ('name = "de-2026-01"', 'name = "mine"'),
    "no source": ('source = "cert"', 'source = "nobody"'),
    "unknown field": ("low = 0.805", "low = 0.805\nuntill = 2024-01-01"),
    "unknown field of a cell": ("share = 0.39", "share = 0.39\nmissing = 1"),
    "unknown rule": ('rule = "line"', 'rule = "lines"'),
    "unknown line": ('lines = ["SE"]', 'lines = ["SE2"]'),
    "a rule without what it asks for": ('rule = "line"', 'rule = "behind"'),
    "no rule": ('rule = "line"\n', ""),
    "no interval": ("low = 0.805", "low = 0.825"),
    "no share": ("high = 0.815", "high = 1.815"),
    "not a number": ("low = 0.805", "low = nan"),
    "no number of servers": ("low = 0.805", 'unit = "servers"\nlow = 0.805'),
    "no reason why": ('rule = "line"\n', "derivable = false\n"),
    "own rule of another": ('rule = "line"', 'rule = "line"\nown = "behind"'),
    "half a text": ('words.de = "rund 35 % Exchange 2016"\n', ""),
    "twice the same figure": ('id = "line_2016"', 'id = "line_2019"'),
    "cells of more than one": ("share = 0.39", "share = 0.40"),
    "negative cell": ("share = 0.39", "share = -0.39"),
    "a line that is not simulated": (
        'share = 0.03\nlines = ["2010"]',
        'share = 0.03\nlines = ["2007"]',
    ),
    "nothing chosen": ("chosen = [", "unchosen = ["),
    "total": ("as_of", "total = 0\nas_of"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_file_is_refused_in_one_line(what: str, tmp_path: Path) -> None:
    """A population with a mistake is no population: one line names it."""
    text = shipped("populations/de-2026-01.toml")
    assert WRONG[what][0] in text
    override(tmp_path, text.replace(*WRONG[what], 1))

    with pytest.raises(KnowledgeError, match="population de-2026-01") as caught:
        load_population("de-2026-01", tmp_path)
    assert "\n" not in str(caught.value)


WRONG_HABITS = (
    "quick = 1.45", "skipped = 1.0", "churn = 0.3", "slow_lag = 0.0", "quick_lag = inf",
    "urgent = -1", "systems = 0", "systems = 2000", "cu_only = 0.995", "missed = nan",
    "unheard = 1", 'quick = "soon"', "states = {}", "states = {DE-BW = 0}",
)  # fmt: skip


@pytest.mark.parametrize("value", WRONG_HABITS)
def test_habits_that_cannot_be_are_refused(value: str, tmp_path: Path) -> None:
    """Shares above 1, rates above any use, and names that nothing has, are refused."""
    text = shipped("populations/de-2026-01.toml")
    override(tmp_path, text.replace("[free]", f"[free]\n{value}"))

    with pytest.raises(KnowledgeError, match="population de-2026-01"):
        load_population("de-2026-01", tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and a folder in the place of the file, are said in one line."""
    override(tmp_path, "")
    path = tmp_path / "populations" / "de-2026-01.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(KnowledgeError, match="de-2026-01"):
        load_population("de-2026-01", tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(KnowledgeError, match="de-2026-01"):
        load_population("de-2026-01", tmp_path)


def test_the_rules_ask_for_what_decides() -> None:
    """Where a rule has a cut-off, a grace or a flaw, they are fields of the figure."""
    for name in SHIPPED:
        for figure in figures(name).values():
            if figure.rule in (PublishedRule.UNCLEAR, PublishedRule.SAFE):
                assert figure.flaw == "CVE-2024-21410"
                assert figure.until is not None
            if figure.rule is PublishedRule.BEHIND:
                assert figure.months is not None
                assert 0 < figure.months < inf
