"""The build number of an Exchange installation and the product line it belongs to."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BUILD = re.compile(r"\d{1,5}(?:\.\d{1,5}){1,3}")
_FIRST_BUILD_OF_SE = 2562


class ProductLine(StrEnum):
    """A generation of Exchange Server, or Exchange Online (`ONLINE`), never on-premises."""

    V4_0 = "4.0"
    V5_0 = "5.0"
    V5_5 = "5.5"
    V2000 = "2000"
    V2003 = "2003"
    V2007 = "2007"
    V2010 = "2010"
    V2013 = "2013"
    V2016 = "2016"
    V2019 = "2019"
    SE = "SE"
    ONLINE = "online"

    @property
    def rank(self) -> int:
        """Position in time: a larger rank is a later line."""
        return _RANK[self]


_RANK = {line: rank for rank, line in enumerate(ProductLine)}
ON_PREMISES = tuple(line for line in ProductLine if line is not ProductLine.ONLINE)
_LINE_BY_PREFIX: dict[tuple[int, ...], ProductLine] = {
    (4, 0): ProductLine.V4_0,
    (5, 0): ProductLine.V5_0,
    (5, 5): ProductLine.V5_5,
    (6, 0): ProductLine.V2000,
    (6, 5): ProductLine.V2003,
    (15, 0): ProductLine.V2013,
    (15, 1): ProductLine.V2016,
    (15, 20): ProductLine.ONLINE,
    (15, 21): ProductLine.ONLINE,
}
_LINE_BY_MAJOR = {8: ProductLine.V2007, 14: ProductLine.V2010}


@dataclass(frozen=True, slots=True, order=True)
class Build:
    """A version number of two to four parts; ordered part by part.

    Lines up to 2003 publish three parts (5.5.2653), later ones four (15.2.2562.17).
    """

    parts: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Build":
        """Read `15.2.1118.40` or the zero-padded `15.02.1118.040`.

        Raises:
            ValueError: the text is not two to four numbers of at most five digits.
        """
        if not _BUILD.fullmatch(text):
            raise ValueError(f"not a build number: {text[:40]!r}")
        return cls(tuple(int(part) for part in text.split(".")))

    def __str__(self) -> str:
        return ".".join(str(part) for part in self.parts)

    @property
    def cu_key(self) -> tuple[int, ...]:
        """The first three parts: on 2013 and later they name one cumulative update."""
        return self.parts[:3]

    @property
    def branch(self) -> tuple[int, ...]:
        """The first two parts: on 2007 and 2010 they name one service pack."""
        return self.parts[:2]

    @property
    def line(self) -> ProductLine | None:
        """The product line by number alone; None when no line has such numbers.

        15.2 below build 2562 is Exchange 2019, from there on SE; 15.20 and 15.21 are
        Exchange Online.
        """
        if len(self.parts) >= 3 and self.branch == (15, 2):
            return ProductLine.SE if self.parts[2] >= _FIRST_BUILD_OF_SE else ProductLine.V2019
        return _LINE_BY_PREFIX.get(self.branch) or _LINE_BY_MAJOR.get(self.parts[0])

    def has_reached(self, firsts: "Iterable[Build]") -> bool:
        """At least the one of `firsts` of its own CU, or of a later CU than all of its branch."""
        of_branch = [first for first in firsts if first.branch == self.branch]
        for first in of_branch:
            if first.cu_key == self.cu_key:
                return self >= first
        return bool(of_branch) and self.cu_key > max(of_branch).cu_key

    @property
    def is_printed_in_full(self) -> bool:
        """True for lines that print their product build in banners (4.0 to 2003)."""
        line = self.line
        return line is not None and line.rank <= ProductLine.V2003.rank
