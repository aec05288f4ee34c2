"""Nothing is lost: scans that are killed, interrupted or run out of disk end whole."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from tests.lab.conversation import an_estate
from tests.services.scanning import (
    LOOK,
    asked,
    complete,
    connections,
    kill,
    leftovers,
    observed_once,
    running,
    rows,
    wait_until,
    write_scope,
    write_targets,
)

from patchstand.lab import Lab, lab_in_thread

pytestmark = [pytest.mark.services, pytest.mark.timeout(240)]

CLEAN = '{"2016": 1, "2019": 1}'
SERVERS = 450
KILLS = 20
PER_SERVER, PER_NETWORK = 24, 1200


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Ordinary servers in two /24, with counts of its own."""
    with lab_in_thread(an_estate(SERVERS, CLEAN)) as running_lab:
        yield running_lab


def begun(store: Path) -> bool:
    """True when the list of a scan under way is complete."""
    return any(store.glob("scans/*/targets.parquet"))


def test_a_scan_killed_at_twenty_moments_loses_nothing(tmp_path: Path, lab: Lab) -> None:
    """`kill -9` twenty times, --resume after each: one observation each, budgets kept."""
    budgets = {"requests_per_server": PER_SERVER, "requests_per_network": PER_NETWORK}
    scope = write_scope(tmp_path, rate=900, **budgets)
    targets, store = write_targets(tmp_path, lab.targets()), tmp_path / "store"
    moments = Random(20)
    begin = ("scan", "--store", store, "--targets", targets, "--scope", scope, *LOOK)
    arguments: tuple[str | Path, ...] = (*begin, "--concurrency", "40", "--seed", "1")

    for _ in range(KILLS):
        calls = connections(lab) + moments.randrange(SERVERS // KILLS + 8)
        with running(*arguments, folder=tmp_path) as process:
            on_its_way = wait_until(lambda: begun(store), process) and wait_until(
                lambda at=calls: connections(lab) >= at, process
            )
            kill(process)
            print(on_its_way, connections(lab))
        arguments = ("scan", "--store", store, "--resume", *LOOK)
    complete(*arguments, folder=tmp_path)

    observed_once(store, lab)
    per_server, per_network = asked(lab).most()
    assert per_server <= PER_SERVER
    assert per_network <= PER_NETWORK
    assert leftovers(store) == []
