"""One server from inside: what its settings decide, and nobody else's."""

from pathlib import Path

import pytest
from tests.workflow.bundles import DAY, exports, zipped

from patchstand.errors import UsageError
from patchstand.model.audited import AuditedServer
from patchstand.workflow.audit import AuditPlan, audit

DOWNLOADS = "CVE-2021-1730"


def judged(*paths: Path) -> list[AuditedServer]:
    found = list(audit(AuditPlan(paths, DAY)))
    assert all(isinstance(server, AuditedServer) for server in found)
    return [server for server in found if isinstance(server, AuditedServer)]


@pytest.mark.parametrize(("build", "first"), [("15.02.2562.017", True), ("15.02.1544.011", False)])
def test_servers_of_one_build_are_judged_by_their_own_settings(
    tmp_path: Path, build: str, first: bool
) -> None:
    """Whichever comes first, a flaw that is open on one server is not open on the other."""
    paths = [
        zipped(tmp_path / f"{downloads}.zip", exports(build, downloads=downloads))
        for downloads in (first, not first)
    ]

    found = judged(*paths)

    for server, downloads in zip(found, (first, not first), strict=True):
        for finding in server.findings:
            if finding.id == "missing_security_updates":
                assert (DOWNLOADS in finding.cves) is not downloads


def test_a_folder_a_zip_and_single_files_say_the_same(tmp_path: Path) -> None:
    """The same files give the same findings however they are handed over."""
    paths = []
    for name, text in exports().items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        paths.append(path)

    folder, whole = judged(tmp_path / "folder", zipped(tmp_path / "whole.zip", exports()))
    (single,) = judged(*paths)

    assert folder.findings == whole.findings
    assert [each.id for each in single.findings] == [each.id for each in folder.findings]


def test_the_only_bundle_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    """A single file or folder that is not there is a usage error."""
    with pytest.raises(UsageError):
        judged(tmp_path / "none.zip")
