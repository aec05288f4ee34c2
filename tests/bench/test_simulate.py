"""What it costs to simulate a country, and whether all of them have the published figures."""

import json
import time
from pathlib import Path

import pytest
from tests.bench.measured import patchstand, report, spent, verdict
from tests.workflow.countries import POPULATIONS, compared

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

SERVERS = 45_000
DAYS = 1825
CPU_SECONDS = 40.0


def test_simulating_a_country_over_five_years(tmp_path: Path) -> None:
    """45,000 servers over 1,825 days into a store, and the same again, which writes nothing."""
    command = patchstand(
        "simulate", "--population", "de-2024-09", "--servers", str(SERVERS), "--days", str(DAYS),
        "--store", str(tmp_path / "store"), "--json", "--quiet",
    )  # fmt: skip
    first = spent(command, tmp_path)
    done = json.loads(first.said)
    again = spent(command, tmp_path)

    report(
        f"simulating {done['observations']:,} observations: {first.cpu:.1f} CPU s, "
        f"{first.megabytes:.0f} MB of memory, {done['bytes'] / 1e6:.0f} MB of files; "
        f"target {CPU_SECONDS:.0f} s: {verdict(first.cpu, CPU_SECONDS)}"
    )
    report(f"the same again: {again.cpu:.1f} CPU s")
    assert json.loads(again.said) == done


@pytest.mark.parametrize("days", [1, 400])
def test_every_figure_of_every_seed_at_full_size(days: int) -> None:
    """Four publications, seeds 1 to 20, 45,000 servers: every derivable figure agrees."""
    began, figures, apart = time.process_time(), 0, []
    for population in POPULATIONS:
        for seed in range(1, 21):
            for row in compared(population, SERVERS, days, seed).values():
                figures += row.derivable
                if row.derivable and row.agrees is not True:
                    apart.append((population, seed, row.figure))

    report(
        f"{figures:,} figures of 80 countries over {days} days: {len(apart)} do not agree; "
        f"{time.process_time() - began:.0f} CPU s"
    )
    assert apart == []
