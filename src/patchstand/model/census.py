"""The nouns of a census: a figure with its bounds, and what was counted how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """How many servers of a denominator something holds for.

    `n` servers certainly, `n_high` at most (those it cannot be told of included), both out
    of `of`. `rule` is the id of the rule it was counted by; its text is in the catalogs.
    """

    n: int
    n_high: int
    of: int
    rule: str

    @property
    def low(self) -> float | None:
        """The lower bound of the share, 0 to 1; None when the denominator is empty."""
        return self.n / self.of if self.of else None

    @property
    def high(self) -> float | None:
        """The upper bound of the share, 0 to 1; None when the denominator is empty."""
        return self.n_high / self.of if self.of else None


FEWEST = 5
"""Published cells with fewer servers are suppressed (DESIGN, principle 6)."""
