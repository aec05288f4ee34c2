"""The scan engine and its number."""

import pytest
from tests.assess.inside_checks.servers import E2013, E2016_CU22, SE, Server, obj, run

from patchstand.assess.inside_checks.scan_engine import CHECK
from patchstand.model import Severity
from patchstand.model.inside import Value

EXPORT = "GetFIPFSScanEngineVersionState"
BAD, GOOD = 2_201_010_000, 2_112_330_001


def a_server(build: str, highest: Value) -> Server:
    return Server(
        build, {EXPORT: [obj(HighestVersionNumberDetected=highest, FIPFSFixedBuild=True)]}
    )


@pytest.mark.parametrize(
    ("build", "highest", "severity"),
    [
        (E2016_CU22, BAD, Severity.MEDIUM),
        ("15.1.2375.18", BAD, Severity.MEDIUM),
        ("15.1.2375.24", BAD, Severity.INFO),
        ("15.2.986.15", BAD, Severity.MEDIUM),
        ("15.2.922.27", BAD, Severity.INFO),
        (SE, str(BAD), Severity.INFO),
        (E2016_CU22, GOOD, None),
        (SE, None, Severity.LOW),
        (E2013, BAD, None),
    ],
)
def test_old_builds_stop_at_large_numbers(
    build: str, highest: Value, severity: Severity | None
) -> None:
    """The build is judged by us, whatever the collector concluded."""
    found = run(CHECK, a_server(build, highest)).findings

    assert [each.severity for each in found.values()] == ([severity] if severity else [])


def test_no_export_is_no_missing_engine() -> None:
    """It is wanted."""
    assert run(CHECK, Server(SE)).unread == {EXPORT: set()}
