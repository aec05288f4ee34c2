"""What is known: loaded, validated and versioned; the files lie in `data/`."""

from patchstand.knowledge.invariants import broken_invariants
from patchstand.knowledge.load import About, about, load

__all__ = ["About", "about", "broken_invariants", "load"]
