"""The settings of a scan, kept with it, so that a later run goes on as the first began."""

from datetime import datetime
from pathlib import Path

import msgspec

from patchstand.errors import UsageError
from patchstand.store.folder import SETTINGS, Folder, write_whole


class ScanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the targets of a scan are asked; what the command line said, with its defaults."""

    started_at: datetime
    scopes: list[str]
    contact: str
    probes: str
    requests: int
    nodes: int
    most: int
    retries: int
    timeout: float
    vantage_point: str
    resolver: str | None
    only_new: bool
    raw: bool
    seed: int
    places: list[str]
    state_elsewhere: bool
    targets: int = 0


def save(folder: Folder, batch: str, settings: ScanSettings) -> None:
    """Write the settings beside the targets of the scan.

    Raises:
        StoreError: the disk is full.
    """
    write_whole(_path(folder, batch), msgspec.json.encode(settings) + b"\n")


def load(folder: Folder, batch: str) -> ScanSettings:
    """Read the settings of a scan under way.

    Raises:
        UsageError: there is no such scan, or it never got so far as to ask anybody.
    """
    try:
        return msgspec.json.decode(_path(folder, batch).read_bytes(), type=ScanSettings)
    except FileNotFoundError as error:
        raise UsageError(f"{batch}: no scan of that name is under way in {folder.root}") from error
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{_path(folder, batch)}: {error}") from error


def _path(folder: Folder, batch: str) -> Path:
    return folder.root / "scans" / batch / SETTINGS
