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
from patchstand.model import Census
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


def census_report(counted: Census, plan: CensusPlan, wanted: Wanted) -> Document:
    """The document of a census: `patchstand/census/1`.

    An advisory of a later day is left out: on the day of the census it was not there.

    Raises:
        UsageError: nobody is there on that day, there is no such population, or an advisory
            cannot be read.
    """
    if not counted.population:
        raise UsageError(_nobody(counted) + said_of(counted.skipped))
    document = census_document(counted)
    published = [read_advisory(path) for path in wanted.advisories]
    document["published"] = [
        asdict(each) | {"date": each.date.isoformat()}
        for each in sorted(published, key=lambda each: (each.date, each.number))
        if each.date <= plan.as_of
    ]
    if wanted.rule is not None:
        document |= _compared(counted, plan, wanted.rule)
    if wanted.with_sql:
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


def _compared(counted: Census, plan: CensusPlan, rule: str) -> Document:
    """The published figures, and ours by the rules they were counted by."""
    population = load_population(rule, plan.override)
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
