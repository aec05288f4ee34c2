"""The import of a million rows: read, judged, stored."""

import csv
import json
from pathlib import Path
from random import Random

import pytest
from tests.bench.measured import median, patchstand, report, spent, verdict
from tests.bench.test_import_reading import COLUMNS, NETWORKS, ROWS, SECTORS, _row

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROWS_A_SECOND = 50_000
MEGABYTES = 500
ROUNDS = 3
_FLOOR = "import csv, sys; print(sum(1 for _ in csv.reader(open(sys.argv[1], newline=''))))"


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a million rows."""
    random = Random(1)
    networks = [(str(64512 + n), "DE", random.choice(SECTORS)) for n in range(NETWORKS)]
    path = tmp_path_factory.mktemp("report") / "2026-11-20-scan_exchange-example.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, dialect="unix")
        writer.writerow(COLUMNS)
        for number in range(ROWS):
            writer.writerow(_row(number, random, networks[number % NETWORKS]))
    return path


def test_rows_of_an_import(million: Path, tmp_path: Path) -> None:
    """At least 50,000 rows for each second of the processor, in less than 500 MB."""
    rates, floors, memory = [], [], []
    for number in range(ROUNDS):
        floor = spent(["python3", "-c", _FLOOR, str(million)], tmp_path)
        store = tmp_path / f"store-{number}"
        run = spent(
            patchstand("import", str(million), "--store", str(store), "--json", "--quiet"), tmp_path
        )
        document = json.loads(run.said)
        assert (document["stored"], document["rejected_count"]) == (ROWS, 0)
        rates.append(ROWS / run.cpu)
        floors.append(run.cpu / floor.cpu)
        memory.append(run.megabytes)
    rate = median(rates)
    report(f"import of {ROWS:,} Shadowserver rows into judged observations, median of {ROUNDS}")
    said = verdict(-rate, -ROWS_A_SECOND)
    report(f"{rate:,.0f} rows for a second of the processor, target {ROWS_A_SECOND:,}: {said}")
    report(f"{median(floors):.1f} times csv.reader alone; {max(memory):.0f} MB")
    assert max(memory) < MEGABYTES
