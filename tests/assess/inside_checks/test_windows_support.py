"""Support of Windows, at a day."""

from datetime import date

import pytest
from tests.assess.inside_checks.servers import SE, Server, obj, run

from patchstand.assess.inside_checks.windows_support import CHECK
from patchstand.model import Severity


@pytest.mark.parametrize(
    ("build", "day", "finding", "severity"),
    [
        (14393, date(2026, 1, 12), None, None),
        (14393, date(2026, 1, 13), "windows_support_ends", Severity.INFO),
        (14393, date(2027, 1, 12), "windows_support_ends", Severity.INFO),
        (14393, date(2027, 1, 13), "windows_unsupported", Severity.HIGH),
        (9600, date(2026, 10, 13), "windows_paid_updates", Severity.MEDIUM),
        (9600, date(2026, 10, 14), "windows_unsupported", Severity.HIGH),
        (26100, date(2026, 10, 20), None, None),
        (99999, date(2026, 10, 20), None, None),
    ],
)
def test_the_day_decides(
    build: int, day: date, finding: str | None, severity: Severity | None
) -> None:
    """The last day of support is still supported; an unknown release is not judged."""
    system = {"Win32_OperatingSystem": [obj(BuildNumber=build)]}

    found = run(CHECK, Server(SE, system, day=day)).findings

    assert [(each.id, each.severity) for each in found.values()] == (
        [(finding, severity)] if finding else []
    )


def test_an_unknown_windows_is_wanted() -> None:
    """Nothing is assumed of it."""
    assert run(CHECK, Server(SE)).unread == {"Win32_OperatingSystem": set()}
