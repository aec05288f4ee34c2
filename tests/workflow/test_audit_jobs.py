"""Bundles over processes."""

from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.workflow.bundles import DAY, exports, zipped

from patchstand.model.audited import AuditedServer
from patchstand.model.bundled import RefusedBundle
from patchstand.workflow.audit import AuditPlan, audit
from patchstand.workflow.audit_jobs import audit_all
from patchstand.workflow.beyond.executor import executor


class Counted:
    """An executor that works at once, and counts results that nobody has taken yet."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def submit(self, work: Any, *arguments: Any, **options: Any) -> "Future[Any]":  # noqa: ANN401
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        counted = self

        class Taken(Future[Any]):
            def result(self, timeout: float | None = None) -> object:
                counted.waiting -= 1
                return super().result(timeout)

        future = Taken()
        future.set_result(work(*arguments, **options))
        return future


def bundles(folder: Path, count: int) -> tuple[Path, ...]:
    builds = ("15.02.2562.017", "15.02.1544.011", "15.01.2507.061")
    paths = [
        zipped(folder / f"{number}.zip", exports(builds[number % len(builds)]))
        for number in range(count)
    ]
    paths[1].write_bytes(b"PK\x03\x04 broken")
    return tuple(paths)


def test_processes_give_the_same_servers_in_the_same_order(tmp_path: Path) -> None:
    """What two processes return is what this one does, refused bundles too, one by one."""
    plan = AuditPlan((), DAY, inbox=tmp_path)
    bundles(tmp_path, 7)

    with executor(None, processes=2) as pool:
        found = list(audit_all(plan, pool, 2))

    assert found == list(audit(plan))
    assert [type(each) for each in found].count(RefusedBundle) == 1
    assert sum(isinstance(each, AuditedServer) for each in found) == 6


def test_few_results_wait_for_their_turn(tmp_path: Path) -> None:
    """However many bundles there are, twice as many results as processes are kept at most."""
    bundles(tmp_path, 20)
    pool = Counted()

    found = list(audit_all(AuditPlan((), DAY, inbox=tmp_path), pool, 3))  # type: ignore[arg-type]

    assert len(found) == 20
    assert pool.most == 6
