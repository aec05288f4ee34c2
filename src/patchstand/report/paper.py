"""The terminal as a sheet of paper: cleaned text, words for colours, tables that fit.

Everything goes out as `rich.text.Text`, never as markup, so `[red]` from a server stays
four letters and two brackets; control characters are removed by `clean`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from patchstand.model import Severity
from patchstand.report.catalog import Catalog
from patchstand.report.clean import clean, fold

LONGEST_LINE = 2000
"""Characters of one paragraph; texts from servers are cut much earlier."""

SYMBOLS = {"vulnerable": "✗", "undetermined": "?", "not_vulnerable": "✓"}
"""The shape of each class, so that none depends on its colour; others get a dash."""

_CLASS_STYLES = {
    "vulnerable": "bold red",
    "undetermined": "bold yellow",
    "not_vulnerable": "bold green",
}
_SEVERITY_STYLES = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFO: "dim",
}


@dataclass(frozen=True, slots=True)
class Paper:
    """A console and the language to write in."""

    console: Console
    cat: Catalog

    def text(self, shown: str, style: str = "") -> Text:
        """Cleaned text that the console's encoding can express."""
        return Text(fold(clean(shown, LONGEST_LINE), self.console.encoding), style=style)

    def line(self, *parts: str | Text, indent: int = 0) -> None:
        """One paragraph; parts are put side by side, wrapped lines keep the indent."""
        whole = Text.assemble(
            *(part if isinstance(part, Text) else self.text(part) for part in parts)
        )
        self._print(whole, indent)

    def _print(self, shown: Text | Table, indent: int) -> None:
        if isinstance(shown, Text) and self.console.soft_wrap:
            # Lines are not to be wrapped, and padding would cut them at the width.
            self.console.print(Text(" " * indent) + shown)
        else:
            self.console.print(Padding(shown, (0, 0, 0, indent), expand=False))

    def step(self, number: int, shown: str, indent: int) -> None:
        """A numbered step; its wrapped lines stand under its text."""
        if self.console.soft_wrap:
            self.line(f"{number}. {shown}", indent=indent)
            return
        table = Table.grid(padding=(0, 1, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        table.add_row(f"{number}.", self.text(shown))
        self._print(table, indent)

    def mark(self, sign: str) -> Text:
        """A sign before a line that deserves attention."""
        return Text(f"{sign} ", style="bold yellow")

    def gap(self) -> None:
        """An empty line."""
        self.console.print()

    def heading(self, key: str) -> None:
        """A heading after an empty line."""
        self.gap()
        self.line(self.text(self.cat.text(key), "bold"))

    def facts(self, rows: Iterable[tuple[str, str | Text]]) -> None:
        """Pairs of name and value, names in one column; empty values are left out."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for key, value in rows:
            if value:
                shown = value if isinstance(value, Text) else self.text(value)
                table.add_row(self.text(self.cat.text(key), "dim"), shown)
        self._print(table, 2)

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Iterable[str | Text]],
        *,
        right: str = "",
        whole: str = "",
    ) -> None:
        """A table under headings (keys); `right` ones stand right, `whole` ones do not wrap."""
        table = Table(
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            show_edge=False,
            header_style="bold",
            padding=(0, 1, 0, 0),
        )
        for key in headings:
            table.add_column(
                self.text(self.cat.text(key)),
                justify="right" if key in right.split() else "left",
                no_wrap=key in whole.split(),
                overflow="fold",
            )
        for row in rows:
            cells = [cell if isinstance(cell, Text) else self.text(cell) for cell in row]
            table.add_row(*cells)
        self._print(table, 2)

    def verdict(self, key: str) -> Text:
        """A class with symbol, word and colour."""
        shown = f"{SYMBOLS.get(key, '-')} {self.cat.text(f'class.{key}')}"
        return self.text(shown, _CLASS_STYLES.get(key, "bold"))

    def severity(self, severity: Severity, word: str) -> Text:
        """A severity as a word, with its colour."""
        return self.text(word, _SEVERITY_STYLES[severity])
