"""Fixtures for the tests of the reports."""

import pytest
from tests.report import samples

from patchstand.model import CheckedServer, Knowledge


@pytest.fixture(scope="session")
def servers(known: Knowledge) -> list[CheckedServer]:
    """One checked server of each kind."""
    return samples.every(known)
