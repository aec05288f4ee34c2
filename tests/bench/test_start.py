"""How long a command takes before it does anything."""

import sys
from pathlib import Path

import pytest
from tests.bench.measured import Spent, median, patchstand, report, spent, verdict

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

ROUNDS = 15
TARGET_RATIO = 15


def test_help_is_quick(tmp_path: Path) -> None:
    """`patchstand --help` costs at most 15 times what an empty Python program does."""
    empty: list[Spent] = []
    helped: list[Spent] = []
    for _ in range(ROUNDS):
        empty.append(spent([sys.executable, "-c", "pass"], tmp_path))
        helped.append(spent(patchstand("--help"), tmp_path))
    assert all(run.code == 0 for run in helped)

    report(f"--help beside `python -c pass`, median of {ROUNDS} rounds")
    for what in ("wall", "cpu"):
        floor = median([getattr(run, what) for run in empty])
        value = median([getattr(run, what) for run in helped])
        report(
            f"{what}: {value * 1000:.0f} ms beside {floor * 1000:.0f} ms, {value / floor:.1f} x; "
            f"target {TARGET_RATIO} x: {verdict(value / floor, TARGET_RATIO)}"
        )
        assert value / floor <= TARGET_RATIO


@pytest.mark.parametrize(
    "arguments",
    [
        ("identify", "--kind", "imap", "* OK Microsoft Exchange Server 2007 IMAP4 ready", "--json"),
        ("build", "15.2.1118.40", "--json"),
        ("knowledge", "show", "--json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_one_answer(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """One question asked once; most of it is start-up."""
    runs = [spent(patchstand(*arguments), tmp_path) for _ in range(7)]
    assert all(run.code == 0 for run in runs)

    wall, cpu = median([run.wall for run in runs]), median([run.cpu for run in runs])
    report(f"{arguments[0]}: {wall * 1000:.0f} ms wall, {cpu * 1000:.0f} ms of the processor")
