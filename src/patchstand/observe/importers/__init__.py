"""One file per foreign format; each declares an `IMPORTER`."""

import sys
from pathlib import Path

from patchstand import plugins
from patchstand.errors import UsageError
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import head_of

__all__ = ["all_importers", "head_of", "importer_for"]


def all_importers() -> dict[str, Importer]:
    """Every importer by its name."""
    found = plugins.declared(sys.modules[__name__], "IMPORTER").values()
    return {importer.name: importer for importer in found}


def importer_for(path: Path, name: str | None = None) -> Importer:
    """The importer of that name, else the one that recognises the file.

    Raises:
        UsageError: there is none of that name, none recognises it, or it cannot be read.
    """
    importers = all_importers()
    known = ", ".join(importers)
    if name is not None:
        if name not in importers:
            raise UsageError(f"no format {name[:40]!r}; there are {known}")
        return importers[name]
    file, head = head_of(path)
    found = next((each for each in importers.values() if each.recognises(file, head)), None)
    if found is None:
        raise UsageError(f"{path} is in no known format; name one with --format: {known}")
    return found
