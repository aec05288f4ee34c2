"""audit --collector: hand out the script that exports a server's state."""

from pathlib import Path

from patchstand.collect.collector import collector
from patchstand.workflow.files import write_bytes


def write_collector(path: Path) -> None:
    """Write the script, byte for byte as it was tested.

    Raises:
        UsageError: the folder is missing or not writable.
    """
    write_bytes(path, collector())
