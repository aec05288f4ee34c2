"""One figure of a census as a sentence that says no more than the figure does.

What is said of the servers comes in three forms (`census_say.RULE`): of one server (`one`),
of several (`many`), and after *that* or *whether* (`that`). Which sentence it becomes depends
on what is certain: of all, of none, of some, or of nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from patchstand.report.as_json import Document
from patchstand.report.catalog import Catalog, Value
from patchstand.report.census_basis import within
from patchstand.report.census_numbers import WHOLE, Part, day, down, near, percent, up

Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of servers: the name of its texts, and the values that stand in them."""

    name: str
    values: Values

    def of_one(self, cat: Catalog) -> str:
        """`is vulnerable`."""
        return cat.text(f"census_say.{self.name}.one", **self.values)

    def of_many(self, cat: Catalog) -> str:
        """`are vulnerable`."""
        return cat.text(f"census_say.{self.name}.many", **self.values)

    def after_that(self, cat: Catalog) -> str:
        """`it is vulnerable`."""
        return cat.text(f"census_say.{self.name}.that", **self.values)


def when(document: Document, cat: Catalog) -> str:
    """`on 10 September 2024`, and in which country where only one was counted."""
    on_day = day(document["as_of"], cat)
    return cat.text("census_say.when", day=on_day, where=within(document, cat))


def statement(figure: Part, said: Said, when: str, cat: Catalog) -> str:
    """The figure as a sentence, with its bounds and its denominator.

    `when`: the day, and the country where there is one (`on 10 September 2024`).
    """
    return cat.text(
        f"census_say.figure.{_kind(figure)}",
        when=when,
        of=figure["of"],
        one=said.of_one(cat),
        many=said.of_many(cat),
        that=said.after_that(cat),
        does=said.of_one(cat) if is_single(figure) else said.of_many(cat),
        portion=portion(figure, cat),
        upper=upper(figure, cat),
    )


def _kind(figure: Part) -> str:
    n, n_high, of = figure["n"], figure["n_high"], figure["of"]
    if not of:
        return "nothing"
    if n == n_high:
        return {0: "none", of: "all"}.get(n, "exact")
    if n == 0:
        return "unknown" if n_high == of else "maybe"
    return "open" if n_high == of else "bounds"


def portion(figure: Part, cat: Catalog) -> str:
    """`32.5 % (14,701 of 45,147) of the`, or counts alone where a percent would say nothing.

    Rounded down where it is a lower bound, to the nearest where it is exact.
    """
    key = "count" if _is_counted(figure) else "share"
    share = percent(_tenths(figure), cat)
    return cat.text(f"census_say.portion.{key}", share=share, n=figure["n"], of=figure["of"])


def _tenths(figure: Part) -> int:
    share = figure["low"] or 0.0
    return near(share) if figure["n"] == figure["n_high"] else down(share)


def _is_counted(figure: Part) -> bool:
    return _tenths(figure) in (0, WHOLE)


def is_single(figure: Part) -> bool:
    """True where the sentence is about one server, counted and not as a share."""
    return bool(figure["n"] == 1 and _is_counted(figure))


def upper(figure: Part, cat: Catalog) -> str:
    """The upper bound, rounded up: `37.0 % (16,678)`; a count where that would be all."""
    tenths = up(figure["high"] or 0.0)
    key = "count" if tenths == WHOLE else "share"
    return cat.text(f"census_say.upper.{key}", share=percent(tenths, cat), n=figure["n_high"])
