"""census: the figures as one document, and the document as files (docs/census.md)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

from patchstand import knowledge
from patchstand.census.looks import WINDOW
from patchstand.errors import UsageError
from patchstand.knowledge.advisory import read_advisory
from patchstand.knowledge.populations import load_population
from patchstand.model import FEWEST, Census
from patchstand.model.published import PublishedPopulation
from patchstand.model.situation import PublishedSituation
from patchstand.report.as_json import Document
from patchstand.report.census import census_document
from patchstand.report.census_csv import census_csv
from patchstand.report.census_page import render_census
from patchstand.report.charts import charts
from patchstand.report.prometheus import prometheus
from patchstand.workflow.census import CensusPlan, said_of
from patchstand.workflow.files import write_bytes
from patchstand.workflow.published import compare


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand beside the figures.

    `rule`: the name of a published population; `advisories`: CSAF files of authorities;
    `with_sql`: the text of each query.
    """

    rule: str | None = None
    advisories: tuple[Path, ...] = ()
    with_sql: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the figures, read.

    `left_out`: advisories of a later day; on the day of the census they were not there.
    """

    population: PublishedPopulation | None
    published: tuple[PublishedSituation, ...]
    left_out: tuple[Path, ...]
    with_sql: bool


def beside(wanted: Wanted, plan: CensusPlan) -> Beside:
    """Read what is to stand beside the figures, before anything is counted.

    Raises:
        UsageError: there is no such population, or an advisory cannot be read.
    """
    read = {path: read_advisory(path) for path in wanted.advisories}
    published = [each for each in read.values() if each.date <= plan.as_of]
    return Beside(
        load_population(wanted.rule, plan.override) if wanted.rule is not None else None,
        tuple(sorted(published, key=lambda each: (each.date, each.number))),
        tuple(path for path, each in read.items() if each.date > plan.as_of),
        wanted.with_sql,
    )


def census_report(counted: Census, plan: CensusPlan, shown: Beside) -> Document:
    """The document of a census: `patchstand/census/1`.

    Raises:
        UsageError: nobody is there on that day, or too few to be told of.
    """
    if not counted.population:
        raise UsageError(_nobody(counted) + said_of(counted.skipped))
    if plan.country is not None and counted.population < FEWEST:
        raise UsageError(
            f"--country {plan.country}: fewer than {FEWEST} servers; figures would point at them"
        )
    document = census_document(counted)
    document["published"] = [
        asdict(each) | {"date": each.date.isoformat()} for each in shown.published
    ]
    if shown.population is not None:
        document |= _compared(counted, plan, shown.population)
    if shown.with_sql:
        document["sql"] = dict(counted.sql)
    return document


def _nobody(counted: Census) -> str:
    """Why no server is there on the day."""
    last, day = counted.last, counted.as_of
    if last < day - timedelta(days=WINDOW):
        return (
            f"no server was seen in the {WINDOW} days until {day}; the last one was seen on"
            f" {last}: say --as-of {last}"
        )
    return (
        f"no server is there on {day}: where the last one was seen ({last}), something else was"
        " seen after it; choose another day with --as-of"
    )


def _compared(counted: Census, plan: CensusPlan, population: PublishedPopulation) -> Document:
    """The published figures, and ours by the rules they were counted by."""
    rows = compare(population, counted.sights, knowledge.load(plan.override), plan.as_of)
    return {
        "published_population": {
            "name": population.name,
            "as_of": population.as_of.isoformat(),
            "total": population.total,
            "denominator": dict(population.denominator),
            "assumed": [dict(each) for each in population.assumed],
            "sources": list(population.sources),
        },
        "compare": [row.row() for row in rows],
    }


def check_places(files: Mapping[str, Path], store: Path) -> None:
    """Refuse outputs that cannot be written or would do harm, before anything is counted.

    Raises:
        UsageError: a name is empty or in the store, or two outputs have one name.
    """
    places = [path.resolve() for path in files.values()]
    for path, place in zip(files.values(), places, strict=True):
        if not path.name:
            raise UsageError(f"cannot write {str(path)!r}: name a file")
        if place == store.resolve() or store.resolve() in place.parents:
            raise UsageError(f"cannot write {path}: it lies in the store; choose another folder")
        if places.count(place) > 1:
            raise UsageError(f"cannot write {path}: two outputs have this name")


def write_files(document: Document, files: Mapping[str, Path], lang: str) -> list[Path]:
    """Write the document in each form (`csv`, `html`, `svg`, `png`, `prometheus`).

    `svg` and `png` go into a folder, one file a chart; the others are one file each.

    Raises:
        UsageError: a file cannot be written.
    """
    written = []
    for form, path in files.items():
        for each, content in _FORMS[form](document, path, lang):
            write_bytes(each, content)
            written.append(each)
    return written


Content = tuple[Path, bytes]
"""A file and what it is to hold."""


def _csv(document: Document, path: Path, _: str) -> Iterable[Content]:
    yield path, "".join(census_csv(document)).encode()


def _html(document: Document, path: Path, lang: str) -> Iterable[Content]:
    yield path, render_census(document, lang).encode()


def _svg(document: Document, folder: Path, lang: str) -> Iterable[Content]:
    for name, drawn in charts(document, lang).items():
        yield _folder(folder) / f"{name}.svg", drawn.encode()


def _png(document: Document, folder: Path, lang: str) -> Iterable[Content]:
    from patchstand.report.charts.raster import png  # noqa: PLC0415  needs an extra of its own

    for name, drawn in charts(document, lang).items():
        yield _folder(folder) / f"{name}.png", png(drawn)


def _prometheus(document: Document, path: Path, _: str) -> Iterable[Content]:
    yield path, "".join(prometheus(document)).encode()


def _folder(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


_FORMS: dict[str, Callable[[Document, Path, str], Iterable[Content]]] = {
    "csv": _csv,
    "html": _html,
    "svg": _svg,
    "png": _png,
    "prometheus": _prometheus,
}
