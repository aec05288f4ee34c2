"""The audit of IIS from files to the audited server."""

from datetime import date
from pathlib import Path

import pytest
from tests.assess.test_extended_protection import configured
from tests.assess.test_mitigations import policy_rule
from tests.collect.iis.configs import REAL, host, rewriting, web

from patchstand.model.audited import AuditedServer
from patchstand.model.seen_mitigations import MitigationState
from patchstand.workflow.audit import AuditPlan, audit

AS_OF = date(2026, 11, 1)
_WRONG = {
    "iis_module_unsigned", "iis_module_elsewhere", "back_end_not_bound", "app_pool_restarts",
    "virtual_directory_path", "bin_search_folders", "install_dir_left", "iis_config_unreadable",
    "iis_config_refused",
}  # fmt: skip


def _audited(path: Path, build: str | None = None, role: str | None = None) -> AuditedServer:
    (server,) = audit(AuditPlan((path,), AS_OF, build, role=role))
    assert isinstance(server, AuditedServer)
    return server


def test_a_single_configuration_with_a_build_is_enough(tmp_path: Path) -> None:
    """Each virtual directory and the counts are there."""
    path = tmp_path / "some_applicationHost.config"
    path.write_bytes(configured())
    server = _audited(path, "15.2.1118.20")

    assert len(server.extended_protection) == 25
    assert server.extended_protection_summary is not None
    assert server.extended_protection_summary.not_secure == 0


def test_the_role_of_a_2013_server_is_taken_from_the_caller(tmp_path: Path) -> None:
    """`--role` says which directories count."""
    path = tmp_path / "applicationHost.config"
    path.write_bytes(host())

    assert len(_audited(path, "15.0.1497.40", "cas").extended_protection) == 11


def test_a_web_config_in_its_folder_shows_its_mitigation(tmp_path: Path) -> None:
    """The tail of the path says where it belongs."""
    path = tmp_path / "FrontEnd" / "HttpProxy" / "owa" / "web.config"
    path.parent.mkdir(parents=True)
    path.write_bytes(web(rewriting(policy_rule())))
    server = _audited(tmp_path, "15.2.2562.37")
    states = {each.id: each.state for each in server.mitigations}

    assert server.extended_protection == ()
    assert server.extended_protection_summary is None
    assert states["m2_cve_2026_42897"] is MitigationState.ACTIVE
    assert states["m1_cve_2022_41040"] is MitigationState.UNDETERMINED


@pytest.mark.skipif(not REAL.is_dir(), reason="the real server is not here")
def test_the_real_server() -> None:
    """Exchange 2016 CU22 of 2021: nothing configured, nothing mitigated, one binding astray."""
    server = _audited(REAL / "server_e16")
    ids = {each.id for each in server.findings}

    assert {each.state for each in server.mitigations} == {MitigationState.ABSENT}
    assert {"extended_protection_build_too_old", "bound_certificate_missing"} <= ids
    assert ids & _WRONG == set()
