"""CVE-2020-0796 by the release and revision of Windows."""

import pytest
from tests.assess.inside_checks.servers import E2016, E2019, Server, obj, run

from patchstand.assess.inside_checks.smb_compression import CHECK
from patchstand.assess.windows import CURRENT
from patchstand.model import Severity, Status
from patchstand.model.inside import Value

CVE = "CVE-2020-0796"
SERVER = r"SYSTEM\CurrentControlSet\Services\LanmanServer\Parameters"


def a_server(build: int, keys: "dict[str, dict[str, Value] | None] | None" = None) -> Server:
    return Server(E2019, {"Win32_OperatingSystem": [obj(BuildNumber=str(build))]}, keys)


@pytest.mark.parametrize("build", [14393, 17763, 20348, 26100])
def test_other_releases_never_had_it(build: int) -> None:
    """Only 1903 and 1909 compress SMB and lack the fix at first."""
    ran = run(CHECK, a_server(build))

    assert ran.status(CVE) is Status.FIXED


@pytest.mark.parametrize(("revision", "status"), [(719, Status.AFFECTED), (720, Status.FIXED)])
def test_the_revision_decides(revision: int, status: Status) -> None:
    """From revision 720 on the fix is in."""
    assert run(CHECK, a_server(18362, {CURRENT: {"UBR": revision}})).status(CVE) is status


def test_without_compression_it_is_still_open() -> None:
    """The workaround covers one side of a connection: the finding says so and stays."""
    keys: dict[str, dict[str, Value] | None] = {
        CURRENT: {"UBR": 1},
        SERVER: {"DisableCompression": 1},
    }

    ran = run(CHECK, a_server(18363, keys))

    assert ran.status(CVE) is Status.AFFECTED
    assert ran.value("smb_compression", "workaround") == "yes"
    assert ran.severity("smb_compression") is Severity.CRITICAL


def test_an_unknown_windows_decides_nothing() -> None:
    """Neither build nor revision is guessed."""
    assert run(CHECK, Server(E2019)).unread == {"Win32_OperatingSystem": {CVE}}
    assert run(CHECK, a_server(18362)).unread == {"registry.json": {CVE}}


def test_only_exchange_2019_runs_there() -> None:
    """Other lines are not asked."""
    assert run(CHECK, Server(E2016)).said == ()
