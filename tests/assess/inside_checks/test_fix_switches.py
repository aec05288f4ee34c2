"""Overrides that turn fixes off, for every switch the knowledge knows."""

import pytest
from tests.assess.inside_checks.servers import E2016, E2016_CU22, SE, Server, run
from tests.assess.overriding import by_directory, by_server

from patchstand import knowledge
from patchstand.assess.inside_checks.fix_switches import CHECK
from patchstand.model import FixSwitch, Status

SWITCHES = knowledge.load().fix_switches
IDS = sorted({switch.cve for switch in SWITCHES})


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: f"{switch.cve} {switch.parameter}")
def test_a_switch_opens_its_cve_and_no_other(switch: FixSwitch) -> None:
    """The fix is installed, an override undoes it."""
    parameter = f"{switch.parameter}={switch.open_when.title()}"
    place = (switch.component, switch.section)

    by_list = run(CHECK, Server(E2016, **by_server((*place, parameter))))
    by_ad = run(CHECK, Server(E2016, **by_directory(*place, parameter)))

    for ran in (by_list, by_ad):
        assert {cve for cve in IDS if ran.status(cve) is Status.AFFECTED} == {switch.cve}
        assert ran.value("fix_switched_off", "setting") == f"{switch.section}/{parameter}"


def test_the_safe_value_and_no_override_keep_it_closed() -> None:
    """Set to what it is anyway, or not set: fixed."""
    said = [(each.component, each.section, f"{each.parameter}=true") for each in SWITCHES]

    for ran in (run(CHECK, Server(SE, **by_server(*said))), run(CHECK, Server(SE, **by_server()))):
        assert ran.findings == {}
        assert Status.AFFECTED not in {ran.status(cve) for cve in IDS}


def test_a_name_that_only_begins_alike_is_another() -> None:
    """`Enabled` is not `EnabledForTests`, nor the other way round."""
    said = ("OAuth", "AppIdBasedAudienceValidation", "EnabledForTests=false", "NotEnabled=false")

    assert run(CHECK, Server(SE, **by_server(said))).findings == {}


def test_missing_fixes_and_missing_lists_are_told_apart() -> None:
    """A build without the fix is open anyway; a list nobody exported is asked for."""
    old = run(CHECK, Server(E2016_CU22))
    new = run(CHECK, Server(E2016))

    assert old.said == ()
    assert new.unread == {"GetSettingOverride": set(IDS)}
