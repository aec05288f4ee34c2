"""Published populations: `data/populations/NAME.toml`, and the habits that they share.

A file of the same name in the override folder wins, for `habits.toml` as well.
"""

from dataclasses import fields
from datetime import date
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from patchstand.errors import KnowledgeError, UsageError
from patchstand.knowledge.population_invariants import broken_invariants
from patchstand.model.published import Cell, Habits, PublishedFigure, PublishedPopulation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_FOLDER = "populations"
_HABITS = "habits.toml"
_Shape = TypeVar("_Shape", bound="DataclassInstance")


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it is written: TOML, every field by its name in the model.

    `free` has `chosen`, and whatever of the shared habits is different here.
    """

    name: str
    as_of: date
    sources: dict[str, str]
    denominator: dict[str, str]
    figure: list[dict[str, Any]]
    cell: list[dict[str, Any]]
    free: dict[str, Any]
    assumed: tuple[dict[str, str], ...] = ()
    total: int | None = None


def population_names(override: Path | None = None) -> list[str]:
    """The names of all populations there are."""
    shipped = files("patchstand.knowledge") / "data" / _FOLDER
    found = {each.name for each in shipped.iterdir()}
    if override is not None and (override / _FOLDER).is_dir():
        found |= {path.name for path in (override / _FOLDER).iterdir()}
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_population(name: str, override: Path | None = None) -> PublishedPopulation:
    """The population of a name.

    Raises:
        UsageError: there is none of that name.
        KnowledgeError: its file, or that of the habits, is wrong; names file and place.
    """
    if name not in population_names(override):
        known = ", ".join(population_names(override))
        raise UsageError(f"there is no population {name!r}; known: {known}")
    content = _content(f"{_FOLDER}/{name}.toml", override)
    shared = _content(_HABITS, override)
    try:
        found = _read(content, shared)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"population {name}: {error}") from error
    for problem in broken_invariants(name, found):
        raise KnowledgeError(f"population {name}: {problem}")
    return found


def _content(path: str, override: Path | None) -> bytes:
    source: Traversable | Path = files("patchstand.knowledge") / "data" / path
    if override is not None and (override / path).exists():
        source = override / path
    try:
        return source.read_bytes()
    except OSError as error:
        raise KnowledgeError(f"knowledge file {source}: {error.strerror}") from error


def _read(content: bytes, shared: bytes) -> PublishedPopulation:
    row = msgspec.toml.decode(content, type=_File)
    habits = msgspec.toml.decode(shared, type=dict[str, Any])
    chosen = msgspec.convert(row.free.pop("chosen", ()), tuple[str, ...])
    return PublishedPopulation(
        name=row.name,
        as_of=row.as_of,
        total=row.total,
        cited=row.sources,
        denominator=row.denominator,
        assumed=row.assumed,
        figures=tuple(_row(each, PublishedFigure) for each in row.figure),
        cells=tuple(_row(each, Cell) for each in row.cell),
        habits=_row(habits | row.free, Habits),
        chosen=chosen,
        digest=sha256(content + shared).hexdigest(),
    )


def _row(row: dict[str, Any], shape: type[_Shape]) -> _Shape:
    """A row as the model has it; a name that the model does not have is a slip of the pen."""
    unknown = sorted(row.keys() - {each.name for each in fields(shape)})
    if unknown:
        raise msgspec.ValidationError(f"a {shape.__name__} has no {unknown[0]!r}")
    try:
        return msgspec.convert(row, shape)
    except msgspec.ValidationError as error:
        which = row.get("id", row.get("share", "values"))
        raise msgspec.ValidationError(f"{shape.__name__} {which}: {error}") from error
