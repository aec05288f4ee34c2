"""SMB 1 installed, and answered."""

import pytest
from tests.assess.inside_checks.servers import Server, obj, run

from patchstand.assess.inside_checks.smb1 import CHECK
from patchstand.model.inside import PsObject

FEATURES, SERVER = "GetWindowsFeature", "GetSmbServerConfiguration"
OTHER = obj(Name="Web-Server", Installed=True)


def feature(installed: "bool | str") -> PsObject:
    return obj(Name="FS-SMB1", Installed=installed)


@pytest.mark.parametrize(
    ("features", "answers", "found"),
    [
        ([feature(True), OTHER], True, {"smb1_installed", "smb1_answers"}),
        ([feature(True), OTHER], False, {"smb1_installed"}),
        ([feature(False), OTHER], True, {"smb1_answers"}),
        ([feature("False")], False, set()),
        ([OTHER, OTHER], False, set()),
    ],
)
def test_both_are_looked_at(features: list[PsObject], answers: bool, found: set[str]) -> None:
    """Neither follows from the other; a Windows without the feature has nothing installed."""
    configuration = [obj(EnableSMB1Protocol=answers)]

    ran = run(CHECK, Server(exports={FEATURES: features, SERVER: configuration}))

    assert set(ran.findings) == found
    assert ran.unread == {}


def test_neither_is_assumed() -> None:
    """A missing export, one feature out of many, and a value nobody can read stay open."""
    unreadable = Server(exports={FEATURES: [OTHER], SERVER: [obj(EnableSMB1Protocol=None)]})

    for server in (Server(), unreadable):
        ran = run(CHECK, server)
        assert ran.findings == {}
        assert set(ran.unread) == {FEATURES, SERVER}
