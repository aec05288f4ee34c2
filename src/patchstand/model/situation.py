"""What authorities have published of a situation; our own level is none of it."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PublishedSituation:
    """One advisory of an authority, as imported; nothing in it is our judgement.

    `number` and `version` are the authority's (`2025-287772-1032`, `1.0`), `date` is the day
    of that version. `level` keeps the authority's own words (`2 / Gelb`); None when the
    advisory states none. `products` are the names of the products it calls affected, or all
    that it names when it does not say which.
    """

    number: str
    version: str
    date: date
    publisher: str
    level: str | None
    title: str
    products: tuple[str, ...]
