"""Finds the one declared object in each module of a folder.

A new probe, check or command is one file: it is found here, never listed by hand.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any


def declared(package: ModuleType, name: str) -> dict[str, Any]:
    """Return `{module name: object called NAME}` for each module of `package`, sorted by name.

    Modules whose name starts with an underscore are skipped.

    Raises:
        AttributeError: a module of the folder does not declare `name`.
    """
    found = {}
    for entry in sorted(pkgutil.iter_modules(package.__path__), key=lambda entry: entry.name):
        if not entry.name.startswith("_"):
            module = importlib.import_module(f"{package.__name__}.{entry.name}")
            found[entry.name] = getattr(module, name)
    return found
