"""Reads one file of knowledge, shipped or overridden."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

import msgspec

from patchstand.errors import KnowledgeError

_File = TypeVar("_File")


def read_data_file(name: str, shape: type[_File], override: Path | None = None) -> _File:
    """Read one JSON file of knowledge, from the override folder where it has one.

    Raises:
        KnowledgeError: the file is missing or does not have the shape; names file and place.
    """
    if override is not None and not override.is_dir():
        raise KnowledgeError(f"knowledge folder {override}: no such folder")
    source: Traversable | Path = files("patchstand.knowledge") / "data" / name
    if override is not None and (override / name).is_file():
        source = override / name
    try:
        return msgspec.json.decode(source.read_bytes(), type=shape)
    except (OSError, msgspec.DecodeError) as error:
        raise KnowledgeError(f"knowledge file {name}: {error}") from error
