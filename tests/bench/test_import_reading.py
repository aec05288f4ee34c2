"""Reading a report of a million rows: beside `csv.reader` alone, and in how much memory."""

import csv
import json
import sys
from pathlib import Path
from random import Random

import pytest
from tests.bench.measured import median, report, spent, verdict

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROWS = 1_000_000
ROUNDS = 3
MICROSECONDS_A_ROW = 8.0
MEGABYTES = 200
NETWORKS = 3000
COLUMNS = (
    "timestamp", "severity", "ip", "protocol", "port", "hostname", "tag", "asn", "geo", "region",
    "city", "naics", "hostname_source", "sector", "version", "servername", "url",
)  # fmt: skip
VERSIONS = (
    "15.2.721", "15.1.2507.39", "15.2.1118.40", "15.2.1544.11", "15.0.1497.48", "15.2.1748.36",
    "14.3.513.0", "",
)  # fmt: skip
SECTORS = ("", "Government", "Communications, Service Provider, and Hosting Service")
_FLOOR = """
import csv, sys
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    print(sum(1 for _ in csv.reader(file)) - 1)
"""
_READ = """
import sys
from pathlib import Path
from patchstand.observe.importers.shadowserver import IMPORTER
print(sum(1 for _ in IMPORTER.read(Path(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of a day: a row every 86 ms, 3,000 networks, each in one country and sector."""
    random = Random(1)
    networks = [
        (str(64512 + n), random.choice(("DE", "AT", "CH")), random.choice(SECTORS))
        for n in range(NETWORKS)
    ]
    path = tmp_path_factory.mktemp("report") / "2026-11-20-scan_exchange-example.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, dialect="unix")
        writer.writerow(COLUMNS)
        for number in range(ROWS):
            writer.writerow(_row(number, random, networks[random.randrange(NETWORKS)]))
    return path


def _row(number: int, random: Random, network: tuple[str, str, str]) -> list[str]:
    second = number * 86_400 // ROWS
    ip = ".".join(str(random.randrange(1, 224)) for _ in range(4))
    when = f"2026-11-20 {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    asn, country, sector = network
    port = random.choice(("443", "443", "443", "8443"))
    region = f"REGION {random.randrange(3)}"
    return [
        when, "critical", ip, "tcp", port, f"mail{number}.example.org", "exchange;cve-2021-26855",
        asn, country, region, "CITY", "517311", "ptr", sector, random.choice(VERSIONS),
        f"EX{number % 100:02}", f"https://{ip}/owa/",
    ]  # fmt: skip


def test_reading_a_million_rows(million: Path, tmp_path: Path) -> None:
    """The reader's share of an import: at most 8 microseconds of the processor a row."""
    rounds = [_round(million, tmp_path) for _ in range(ROUNDS)]
    floor, ours = median([each[0] for each in rounds]), median([each[1] for each in rounds])
    megabytes = max(each[2] for each in rounds)
    each_row = ours / ROWS * 1e6

    report(
        f"shadowserver: {ROWS / ours:.0f} rows per processor second, {each_row:.1f} microseconds a "
        f"row, {megabytes:.0f} MB; csv.reader alone: {ROWS / floor:.0f} rows, "
        f"{floor / ROWS * 1e6:.1f} microseconds; {ours / floor:.1f} times as much; target "
        f"{MICROSECONDS_A_ROW:.0f} microseconds: {verdict(each_row, MICROSECONDS_A_ROW)}"
    )
    assert megabytes < MEGABYTES
    assert ours / floor < 8


def _round(path: Path, folder: Path) -> tuple[float, float, float]:
    floor = spent([sys.executable, "-c", _FLOOR, path], folder)
    ours = spent([sys.executable, "-c", _READ, path], folder)
    assert (floor.code, ours.code) == (0, 0)
    assert json.loads(floor.said) == json.loads(ours.said) == ROWS
    return floor.cpu, ours.cpu, ours.megabytes
