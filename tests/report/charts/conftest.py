"""Fixtures for the tests of the charts."""

import pytest

from patchstand.report.catalog import LANGUAGES, Catalog, catalog


@pytest.fixture(params=LANGUAGES)
def cat(request: pytest.FixtureRequest) -> Catalog:
    """The texts of each language."""
    return catalog(str(request.param))
