"""Published populations: `data/populations/NAME.toml`, or a file of that name in the override."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import msgspec

from patchstand.errors import KnowledgeError, UsageError
from patchstand.model.published import Cell, Habits, PublishedFigure, PublishedPopulation

_FOLDER = "populations"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """A file as it is written: TOML, every field by its name in the model."""

    name: str
    as_of: date
    sources: tuple[str, ...]
    figure: tuple[PublishedFigure, ...]
    cell: tuple[Cell, ...]
    free: Habits
    remark: str = ""
    total: int | None = None


def population_names(override: Path | None = None) -> list[str]:
    """The names of all populations there are."""
    shipped = files("patchstand.knowledge") / "data" / _FOLDER
    found = {each.name for each in shipped.iterdir()}
    if override is not None and (override / _FOLDER).is_dir():
        found |= {path.name for path in (override / _FOLDER).iterdir()}
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def load_population(name: str, override: Path | None = None) -> PublishedPopulation:
    """The population of a name; a file in the override folder wins.

    Raises:
        UsageError: there is none of that name.
        KnowledgeError: its file is wrong.
    """
    if name not in population_names(override):
        known = ", ".join(population_names(override))
        raise UsageError(f"there is no population {name!r}; known: {known}")
    own = override / _FOLDER / f"{name}.toml" if override is not None else None
    if own is not None and own.exists():
        content = own.read_bytes()
    else:
        content = (files("patchstand.knowledge") / "data" / _FOLDER / f"{name}.toml").read_bytes()
    return _read(name, content)


def _read(name: str, content: bytes) -> PublishedPopulation:
    try:
        row = msgspec.toml.decode(content, type=_File)
    except msgspec.MsgspecError as error:
        raise KnowledgeError(f"population {name}: {error}") from error
    problem = _problem(row)
    if problem:
        raise KnowledgeError(f"population {name}: {problem}")
    return PublishedPopulation(
        name=row.name,
        as_of=row.as_of,
        remark=row.remark,
        total=row.total,
        sources=row.sources,
        figures=row.figure,
        cells=row.cell,
        habits=row.free,
    )


def _problem(row: _File) -> str | None:
    """What is wrong with the numbers of a file."""
    if abs(sum(cell.share for cell in row.cell) - 1) > 1e-9:
        return "the shares of the cells do not add up to 1"
    if any(not figure.low <= figure.high for figure in row.figure):
        return "a figure whose lower bound is above its upper bound"
    if any(not figure.derivable and not figure.why for figure in row.figure):
        return "a figure that cannot be derived, without a word why"
    if len({figure.id for figure in row.figure}) < len(row.figure):
        return "two figures of one id"
    return None
