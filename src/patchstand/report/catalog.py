"""The texts of each language, with plural forms, dates and numbers.

Texts are `str.format` templates in `catalogs/LANG/`, a file for each subject; only values are
ever filled in, so nothing that a server said can act as a template.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.resources import files

from patchstand.errors import UsageError

LANGUAGES = ("de", "en")
"""Languages that have a catalog."""

Value = str | int | float | date


@dataclass(frozen=True, slots=True)
class Plural:
    """A text in two forms; the value named `by` chooses between them."""

    by: str
    one: str
    other: str

    def form(self, values: Mapping[str, Value]) -> str:
        """The template that fits the number in `values`."""
        return self.one if values.get(self.by) == 1 else self.other


class _Values(dict[str, str]):
    """Values by name; one that is missing is an error, or `gap` where that is set."""

    gap: str | None = None

    def __missing__(self, name: str) -> str:
        if self.gap is None:
            raise KeyError(name)
        return self.gap


@dataclass(frozen=True)
class Catalog:
    """All texts of one language, by dotted key."""

    lang: str
    texts: Mapping[str, str | Plural]

    def has(self, key: str) -> bool:
        """True when there is a text of that key."""
        return key in self.texts

    def text(self, key: str, **values: Value) -> str:
        """The text of `key` with its values; dates and numbers in the language's form.

        Raises:
            KeyError: there is no such text, or a value for it is missing.
        """
        return self.fill(key, values)

    def fill(self, key: str, values: Mapping[str, Value], gap: str | None = None) -> str:
        """As `text`, with the values in a mapping; `gap` stands for values that are missing."""
        entry = self.texts[key]
        template = entry.form(values) if isinstance(entry, Plural) else entry
        shown = _Values({name: self.value(value) for name, value in values.items()})
        shown.gap = gap
        return template.format_map(shown)

    def either(self, key: str, otherwise: str) -> str:
        """The text of `key` without values, or `otherwise` where there is none."""
        return self.text(key) if self.has(key) else otherwise

    def value(self, value: Value) -> str:
        """One value as it stands in a sentence."""
        if isinstance(value, datetime):
            return self.moment(value)
        if isinstance(value, date):
            return self.date(value)
        if isinstance(value, str):
            return value
        return self.number(value)

    def date(self, day: date) -> str:
        """`13.10.2026` in German, `13 October 2026` in English."""
        return str(self.texts["format.date"]).format(
            day=day.day, number=day.month, month=self.month(day.month), year=day.year
        )

    def moment(self, at: datetime) -> str:
        """A day with its time in UTC; a time without a zone is taken for UTC."""
        utc = at.astimezone(UTC) if at.tzinfo else at
        day = self.date(utc.date())
        return str(self.texts["format.moment"]).format(day=day, time=f"{utc:%H:%M}")

    def month(self, number: int) -> str:
        """The name of a month, 1 to 12."""
        return str(self.texts[f"month.{number}"])

    def number(self, value: float) -> str:
        """Integers with separators of thousands, others with one decimal place."""
        shown = f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"
        marks = {",": str(self.texts["format.thousands"]), ".": str(self.texts["format.decimal"])}
        return "".join(marks.get(sign, sign) for sign in shown)

    def join(self, items: Sequence[str], word: str = "and") -> str:
        """`a, b and c`, with the catalog's word for and/or."""
        if len(items) < 2:
            return "".join(items)
        return f"{', '.join(items[:-1])} {self.text(f'word.{word}')} {items[-1]}"


@lru_cache(maxsize=len(LANGUAGES))
def catalog(lang: str) -> Catalog:
    """The catalog of a language.

    Raises:
        UsageError: there is none for it.
    """
    if lang not in LANGUAGES:
        raise UsageError(f"unknown language {lang[:20]!r}; one of {', '.join(LANGUAGES)}")
    folder = files("patchstand.report") / "catalogs" / lang
    texts: dict[str, str | Plural] = {}
    for source in folder.iterdir():
        found = _flat(tomllib.loads(source.read_text("utf-8")))
        assert not texts.keys() & found.keys()  # a text stands in one file only
        texts |= found
    return Catalog(lang, texts)


def _flat(table: Mapping[str, object], above: str = "") -> dict[str, str | Plural]:
    texts: dict[str, str | Plural] = {}
    for name, entry in table.items():
        key = f"{above}{name}"
        if isinstance(entry, str):
            texts[key] = entry
        elif isinstance(entry, dict) and "by" in entry:
            texts[key] = Plural(**entry)
        elif isinstance(entry, dict):
            texts |= _flat(entry, f"{key}.")
    return texts
