"""Texts that name a product: other mail servers, look-alikes, products in front."""

import re
from dataclasses import dataclass
from enum import StrEnum

from patchstand.model.evidence import EvidenceKind


class FingerprintMeaning(StrEnum):
    """What a match means for the server that said it."""

    OTHER_PRODUCT = "other_product"
    LOOK_ALIKE = "look_alike"
    ONLINE = "online"
    FRONT = "front"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One product and how its texts are recognised.

    A text matches when one of `contains` (lower case) is in it and, if given, `pattern`
    is found as well. `examples` must match; they are the proof of the entry.
    """

    id: str
    name: str
    meaning: FingerprintMeaning
    kinds: frozenset[EvidenceKind]
    contains: tuple[str, ...]
    pattern: re.Pattern[str] | None
    examples: tuple[str, ...]
    source: str

    def matches(self, text: str, lowered: str) -> bool:
        """True when `text` (and `lowered`, the same in lower case) shows this product."""
        if not any(needle in lowered for needle in self.contains):
            return False
        return self.pattern is None or self.pattern.search(text) is not None
