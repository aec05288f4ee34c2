"""A census of 45,000 servers over five years, from raw observations and from derived tables."""

import json
import sys
from dataclasses import dataclass, field
from datetime import date
from math import log
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.bench.measured import Spent, median, patchstand, report, spent, verdict

from patchstand import knowledge
from patchstand.census.runs import NO_EXCHANGE
from patchstand.workflow.judged_tables import judged_tables
from patchstand.workflow.sightings import shown_by_key

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200)]

POPULATION, LAST = "de-2024-09", date(2024, 9, 10)
DAYS = 1825
SERVERS, FEWER = 45_000, 4_500
WORLD_ROWS = 550e6
ROUNDS = 3
MIDDLE = date(2022, 5, 17)
MEGABYTES = 1e6


@dataclass(frozen=True)
class Goal:
    """At most so many seconds of the processor."""

    name: str
    seconds: float


SERIES = Goal("all national series from raw observations", 8)
FROM_CUBE = Goal("the same from the cube", 1)
TIMES = Goal("time to patch for all CVEs, from raw observations", 10)
ONE_DAY = Goal("one day's full census with its page, derived tables built", 3)
TABLE_BYTES = 700e6
PEAK = 500.0


@dataclass(frozen=True)
class Country:
    """A simulated store; where its files lie, and how many observations it holds."""

    root: Path
    rows: int

    @property
    def bytes(self) -> int:
        """The size of the observation table."""
        return sum(path.stat().st_size for path in _files(self.root, "observations"))


def _files(root: Path, table: str) -> list[Path]:
    return sorted((root / table).rglob("*.parquet"))


def _simulated(folder: Path, servers: int) -> Country:
    words = ("--population", POPULATION, "--servers", str(servers), "--days", str(DAYS))
    command = patchstand("simulate", *words, "--store", str(folder / "store"), "--quiet", "--json")
    run = spent(command, folder)
    assert (run.code, run.complaints) == (0, b"")
    rows = json.loads(run.said)["observations"]
    report(
        f"simulate, {servers:,} servers x {DAYS:,} days, {rows / 1e6:.1f} million observations: "
        f"{run.cpu:.0f} CPU s, {run.megabytes:.0f} MB"
    )
    return Country(folder / "store", rows)


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """Germany: 82 million observations."""
    return _simulated(tmp_path_factory.mktemp("country"), SERVERS)


@pytest.fixture(scope="module")
def tenth(tmp_path_factory: pytest.TempPathFactory) -> Country:
    """A tenth of its servers over the same days: 8 million observations."""
    return _simulated(tmp_path_factory.mktemp("tenth"), FEWER)


def census(store: Country, folder: Path, *words: str, day: date = LAST) -> Spent:
    """One census in a process of its own."""
    options = ("--store", str(store.root), "--as-of", str(day), "--json", "--quiet")
    run = spent(patchstand("census", *options, *words), folder)
    assert (run.code, run.complaints) == (0, b"")
    return run


@dataclass
class Rounds:
    """Several runs of the same."""

    runs: list[Spent] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """Seconds of the processor, the middle one."""
        return median([run.cpu for run in self.runs])

    @property
    def megabytes(self) -> float:
        """The highest peak."""
        return max(run.megabytes for run in self.runs)

    def told(self, goal: Goal) -> None:
        """Say each run beside the goal: the load of the machine is in the seconds."""
        each = ", ".join(f"{run.cpu:.2f}" for run in self.runs)
        said = verdict(self.cpu, goal.seconds)
        report(
            f"{goal.name}: {each} CPU s, peak {self.megabytes:.0f} MB; "
            f"goal {goal.seconds:g} s: {said}"
        )


def rounds(store: Country, folder: Path, *words: str, day: date = LAST) -> Rounds:
    """The same census several times; it must say the same each time."""
    found = Rounds([census(store, folder, *words, day=day) for _ in range(ROUNDS)])
    assert len({run.said for run in found.runs}) == 1
    return found


NATIONAL = ("--only", "classes", "--series")


def test_the_observation_table(country: Country) -> None:
    """82 million observations take less than 700 MB."""
    size = country.bytes
    report(
        f"observation table: {size / MEGABYTES:.0f} MB, {size / country.rows:.2f} bytes a row; "
        f"goal {TABLE_BYTES / MEGABYTES:.0f} MB: {verdict(size, TABLE_BYTES)}"
    )
    assert country.rows > 80e6
    assert size < TABLE_BYTES


def test_the_national_series(country: Country, tmp_path: Path) -> None:
    """From raw observations and from the cube: the same figures, within 500 MB."""
    raw = rounds(country, tmp_path, *NATIONAL, "--rebuild")
    raw.told(SERIES)
    report(f"  peak {raw.megabytes:.0f} MB, goal {PEAK:.0f} MB: {verdict(raw.megabytes, PEAK)}")
    cube = rounds(country, tmp_path, *NATIONAL)
    cube.told(FROM_CUBE)
    kept = sum(path.stat().st_size for path in (country.root / "derived").iterdir())
    report(f"derived tables: {kept / MEGABYTES:.0f} MB beside {country.bytes / MEGABYTES:.0f} MB")
    days = json.loads(raw.runs[0].said)["series"]["days"]
    assert len(days) == DAYS
    assert cube.runs[0].said == raw.runs[0].said
    assert raw.megabytes < PEAK


def test_time_to_patch(country: Country, tmp_path: Path) -> None:
    """Kaplan-Meier for every CVE and update of five years."""
    found = rounds(country, tmp_path, "--only", "time_to_patch", "--rebuild")
    found.told(TIMES)
    courses = json.loads(found.runs[0].said)["time_to_patch"]
    report(
        f"  {sum(each['kind'] == 'cve' for each in courses.values())} CVEs, {len(courses)} in all"
    )
    assert len(courses) > 100


def test_one_day(country: Country, tmp_path: Path) -> None:
    """Everything of a day with the page: from derived tables, and a day asked for first."""
    words = ("--html", str(tmp_path / "census.html"))
    first = census(country, tmp_path, "--rebuild", *words)
    report(f"everything of the last day from raw observations: {first.cpu:.2f} CPU s, "
           f"{first.megabytes:.0f} MB")  # fmt: skip
    built = rounds(country, tmp_path, *words)
    built.told(ONE_DAY)
    Rounds([census(country, tmp_path, *words, day=MIDDLE)]).told(
        Goal(f"{MIDDLE}, asked for first", ONE_DAY.seconds)
    )
    assert built.runs[0].said == first.said
    assert (tmp_path / "census.html").stat().st_size > 100_000


def test_two_processes(country: Country, tmp_path: Path) -> None:
    """Two processes give byte by byte what one gives."""
    alone = census(country, tmp_path, *NATIONAL, "--rebuild")
    two = census(country, tmp_path, *NATIONAL, "--rebuild", "--jobs", "2")

    report(f"--jobs 2: {two.wall:.1f} s instead of {alone.wall:.1f} s, {two.cpu:.1f} CPU s")
    assert two.said == alone.said


def test_growth(country: Country, tenth: Country, tmp_path: Path) -> None:
    """From 8 to 82 million observations, and on to those of the whole world."""
    for name, words in (
        ("national series", (*NATIONAL, "--rebuild")),
        ("time to patch", ("--only", "time_to_patch", "--rebuild")),
    ):
        few, many = (rounds(each, tmp_path, *words) for each in (tenth, country))
        grown, spread = many.cpu / few.cpu, country.rows / tenth.rows
        each = (many.cpu - few.cpu) / (country.rows - tenth.rows)
        room = (many.megabytes - few.megabytes) / (country.rows - tenth.rows)
        more = WORLD_ROWS - country.rows
        report(
            f"{name}: {few.cpu:.2f} to {many.cpu:.2f} CPU s from {tenth.rows / 1e6:.1f} to "
            f"{country.rows / 1e6:.1f} million, exponent {log(grown) / log(spread):.2f}; "
            f"projected for 550 million: {many.cpu + each * more:.0f} CPU s, "
            f"{many.megabytes + room * more:.0f} MB"
        )
        assert grown < spread * 1.5


_PANDAS = """
import sys
import pandas as pd
if len(sys.argv) > 1:
    observations, shown, verdicts = sys.argv[1:]
    columns = ["target", "observed_at", "identity"]
    rows = pd.read_parquet(observations, columns=columns, partitioning=None)
    rows["day"] = rows["observed_at"].dt.floor("D").dt.tz_localize(None)
    rows = rows.merge(pd.read_parquet(shown), on="identity")
    rows = rows.merge(pd.read_parquet(verdicts), on=["shown", "day"])
    found = rows.groupby("day").agg(
        n=("target", "nunique"), vulnerable=("vulnerable", "sum"),
        behind_6=("behind_6", "sum"), behind_12=("behind_12", "sum"),
        rce=("rce", "sum"), unsupported=("unsupported", "sum"),
    )
    assert len(found) > 27
"""
_VERDICTS = """
SELECT shown, CAST(day AS TIMESTAMP) AS day, class = 'vulnerable' AS vulnerable,
    behind_low + INTERVAL 6 MONTH <= day AS behind_6,
    behind_low + INTERVAL 12 MONTH <= day AS behind_12,
    rce_low <= day AS rce, unsupported_low AS unsupported
FROM verdict JOIN sight USING (shown)
JOIN range(CAST($first AS TIMESTAMP), CAST($last AS TIMESTAMP) + INTERVAL 1 DAY, INTERVAL 1 DAY)
    AS days(day) ON day BETWEEN since AND until
"""


@pytest.fixture
def sample(country: Country, tmp_path: Path) -> list[str]:
    """One month, what its identities show, and the verdict over each of these on each day."""
    month = "month=2023-03"
    (observations,) = (country.root / "observations" / month).glob("*.parquet")
    shown = shown_by_key(_files(country.root / "identities", month), knowledge.load())
    first, last = date(2023, 3, 1), date(2023, 3, 31)
    seen = {text for text in shown.values() if text and text != NO_EXCHANGE}
    judged = judged_tables(seen, knowledge.load(), first, last)
    pq.write_table(
        pa.table({"identity": list(shown), "shown": list(shown.values())}), tmp_path / "shown"
    )
    with duckdb.connect() as duck:
        duck.register("verdict", judged["verdict"])
        duck.register("sight", judged["sight"])
        found = duck.sql(_VERDICTS, params={"first": first, "last": last})
        pq.write_table(found.to_arrow_table(), tmp_path / "verdicts")
    return [str(observations), str(tmp_path / "shown"), str(tmp_path / "verdicts")]


def test_beside_pandas(country: Country, sample: list[str], tmp_path: Path) -> None:
    """The floor: pandas on one month, verdicts given, scaled to all of them."""
    pytest.importorskip("pandas", reason="pandas is a library of the tests only")
    command = [sys.executable, "-c", _PANDAS]
    start = median([spent(command, tmp_path).cpu for _ in range(ROUNDS)])
    runs = [spent([*command, *sample], tmp_path) for _ in range(ROUNDS)]
    assert {run.code for run in runs} == {0}, runs[0].complaints
    month = median([run.cpu for run in runs]) - start
    rows = pq.read_metadata(sample[0]).num_rows
    ours = census(country, tmp_path, *NATIONAL, "--rebuild")

    report(
        f"pandas, merge with the verdicts and group by day, a sample of one month "
        f"({rows / 1e6:.2f} million rows): {month:.2f} CPU s without start-up, "
        f"{max(run.megabytes for run in runs):.0f} MB; "
        f"scaled to {country.rows / 1e6:.0f} million: {month * country.rows / rows:.0f} CPU s, "
        f"without judging, gaps or intervals; ours with all of that {ours.cpu:.1f} CPU s"
    )
