"""The charts of a census as SVG, one module each.

svg.py        elements of a drawing, escaped
palette.py    colours, and the style sheet that dresses charts inside the page
axes.py       scales, grid lines, ticks, labels
thin.py       fewer points without losing an extreme
shares.py     figures in words
raster.py     SVG to PNG
"""

from collections.abc import Callable

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog, catalog
from patchstand.report.charts import behind, classes, lines, states, time_to_patch, trend

_CHARTS: dict[str, Callable[[Document, Catalog], str | None]] = {
    "classes": classes.draw,
    "trend": trend.draw,
    "lines": lines.draw,
    "behind": behind.draw,
    "time_to_patch": time_to_patch.draw,
    "states": states.draw,
}


def charts(document: Document, lang: str) -> dict[str, str]:
    """Each chart of a `patchstand/census/1` document by its name, as the text of an SVG.

    A chart whose parts the document lacks is not among them.

    Raises:
        UsageError: there is no catalog for `lang`.
    """
    cat = catalog(lang)
    drawn = {name: draw(document, cat) for name, draw in _CHARTS.items()}
    return {name: svg for name, svg in drawn.items() if svg is not None}
