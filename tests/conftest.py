"""Fixtures for all tests: the shipped knowledge, and the real input beside the checkout."""

from pathlib import Path

import pytest
from hypothesis import settings

from patchstand import knowledge
from patchstand.model import Knowledge

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def known() -> Knowledge:
    """The knowledge that ships with the product."""
    return knowledge.load()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts and real input beside the checkout; skips where it is absent."""
    if not _SHARED.is_dir():
        pytest.skip("../shared (facts and real input) is not beside this checkout")
    return _SHARED
