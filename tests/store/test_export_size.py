"""How much memory and time an export of a million rows takes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.store.conftest import BATCH, NOW, conclusion, record

from patchstand.store.folder import Folder
from patchstand.store.writer import BatchWriter

ROWS = 1_000_000
_MEASURED = """
import sys, time
from pathlib import Path
from patchstand.store.export import Selection, export_json
from patchstand.store.folder import Folder
from patchstand.store.pseudonym import Mask
start, rows, before = time.process_time(), 0, ""
for line in export_json(Folder.open(Path(sys.argv[1])), Selection(), Mask(bytes(32))):
    target = line[46:74]
    assert before <= target
    rows, before = rows + 1, target
status = Path("/proc/self/status").read_text().split()
print(rows, int(status[status.index("VmHWM:") + 1]) // 1024, time.process_time() - start)
"""


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_a_million_rows_leave_in_bounded_memory(tmp_path: Path) -> None:
    """1,000,000 rows under pseudonyms, sorted, as JSON lines: less than 500 MB."""
    folder = Folder.open(tmp_path / "store", NOW)
    writer = BatchWriter(folder, BATCH, journaled=False)
    for number in range(ROWS):
        address = f"91.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        made = replace(record(number % 200), target=f"mail{number}.firma.de", address=address)
        writer.add(replace(made, answers=()), conclusion(made))
    writer.seal()

    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, str(folder.root)],
        check=True,
        capture_output=True,
        text=True,
    )
    rows, megabytes, seconds = done.stdout.split()

    print(f"export: {rows} rows, {megabytes} MB, {float(seconds):.1f} CPU seconds")
    assert int(rows) == ROWS
    assert int(megabytes) < 500
