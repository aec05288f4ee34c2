"""The list of all overrides."""

from tests.assess.inside_checks.servers import Server, run
from tests.assess.overriding import by_directory, by_server

from patchstand.assess.inside_checks.setting_overrides import CHECK
from patchstand.model import Severity

FIRST = ("BigFunnel", "Queries", "Retry=5", "Scope=false")


def test_all_are_listed_as_a_note() -> None:
    """An override is counted once, however many parameters it has."""
    ran = run(CHECK, Server(**by_server(FIRST, ("Cafe", "Other", "Enabled=true"))))

    assert ran.severity("setting_overrides") is Severity.INFO
    assert ran.value("setting_overrides", "count") == "2"
    assert len(ran.findings["setting_overrides"].read) == 3


def test_two_for_one_parameter_are_a_fault() -> None:
    """In any case of the names; one override may set several parameters."""
    again = ("bigfunnel", "QUERIES", "retry=7")

    once = run(CHECK, Server(**by_server(FIRST)))
    twice = run(CHECK, Server(**by_server(FIRST, again)))

    assert "override_twice" not in once.findings
    assert twice.value("override_twice", "setting") == "BigFunnel/Queries/Retry"
    assert twice.value("override_twice", "override") == "Test 0, Test 1"


def test_one_that_the_server_does_not_list_is_told() -> None:
    """The directory has it, the server's own list is empty."""
    both = by_server() | {"exports": by_directory(*FIRST)["exports"]}

    assert "override_not_arrived" in run(CHECK, Server(**both)).findings
    assert "override_not_arrived" not in run(CHECK, Server(**by_directory(*FIRST))).findings


def test_none_and_unknown_are_told_apart() -> None:
    """An empty list says that there are none; no list says nothing."""
    assert run(CHECK, Server(**by_server())).said == ()
    assert run(CHECK, Server()).unread == {"GetSettingOverride": set()}
