"""The IIS part of a bundle: which file is which, and what is missing."""

import pytest
from tests.collect.iis.configs import REAL, host, inside, read, rewriting, rule, web

from patchstand.collect.bundle import members
from patchstand.collect.iis.read import read_iis
from patchstand.collect.markup import read_xml
from patchstand.collect.state import server_state
from patchstand.model.inside import MarkupFile, Skipped


def test_a_single_configuration_may_have_any_name() -> None:
    """`E16_Configured_ApplicationHost.config` is enough input."""
    found = read({"E16_Configured_ApplicationHost.config": host()})

    assert found.host is not None
    assert found.host.file == "E16_Configured_ApplicationHost.config"


def test_the_file_of_the_right_name_wins_over_copies() -> None:
    """A copy beside it does not count."""
    found = read({"old_applicationHost.config": host(), "IIS/applicationHost.config": host()})

    assert found.host is not None
    assert found.host.file == "IIS/applicationHost.config"


def test_of_several_copies_none_is_taken() -> None:
    """Nobody guesses which of two configurations is the server's."""
    found = read({"a.config": host(), "b.config": host()})

    assert found.host is None
    assert [each.file for each in found.refused] == ["a.config", "b.config"]


def test_a_configuration_without_its_root_is_refused() -> None:
    """XML that is something else is no configuration."""
    found = read({"x/web.config": b"<html />"})

    assert [each.why for each in found.refused] == ["its root is <html>, not <configuration>"]


def test_two_files_for_one_place_count_as_none() -> None:
    """The place says that its web.config was not read."""
    files = {
        "applicationHost.config": host(),
        "FrontEnd/HttpProxy/ecp/web.config": web(""),
        "DefaultWebSite-ECP_web.config": web(rewriting(f"<rules>{rule('a')}</rules>")),
    }
    place = next(each for each in read(files).places if each.full_path == "Default Web Site/ecp")

    assert place.rules.inbound.rules == ()
    assert any("one of several files" in each for each in place.unread)


def test_a_file_that_cannot_be_read_is_missed_at_its_place() -> None:
    """What it said may hold there; nothing is certain without it."""
    markup = [MarkupFile("applicationHost.config", read_xml(host()))]
    broken = [Skipped("DefaultWebSite-ECP_web.config", "no XML")]
    found = read_iis(markup, broken)
    place = next(each for each in found.places if each.full_path == "Default Web Site/ecp")

    assert "web.config of Default Web Site/ecp (DefaultWebSite-ECP_web.config)" in place.unread


def test_a_web_config_alone_is_a_place_of_its_own() -> None:
    """Its rules can be looked at, without the rest of the configuration."""
    found = read({"web.config": web(rewriting(f"<rules>{rule('a')}</rules>"))})

    assert [(each.site, each.unread) for each in found.places] == [
        ("", ("applicationHost.config",))
    ]
    assert [each.name for each in found.places[0].rules.inbound.rules] == ["a"]


def test_rewriting_needs_its_module() -> None:
    """Without the module in IIS the rules of a place are not active; unread it is unknown."""
    with_it = read({"applicationHost.config": host()}).places[0]
    without = read({"applicationHost.config": host(modules="")}).places[0]
    alone = read({"web.config": web("")}).places[0]

    assert [each.rules.active for each in (with_it, without, alone)] == [True, False, None]


def test_the_state_of_a_server_holds_its_iis() -> None:
    """A bundle's state has the configuration, each web.config and each place."""
    state = inside({"applicationHost.config": host(), "DefaultWebSite_web.config": web("")}).state

    assert state.iis is not None
    assert [each.places for each in state.web_configs] == [("Default Web Site",)]
    assert state.place("DEFAULT WEB SITE/owa") is not None


@pytest.mark.skipif(not REAL.is_dir(), reason="the real server is not here")
def test_every_web_config_of_the_real_server_has_its_place() -> None:
    """All 23 files of the real bundle are placed, and nothing about them is doubtful."""
    state = server_state("real", members(REAL / "server_e16"))

    assert len(state.web_configs) == 23
    assert [each.file for each in state.web_configs if not each.places] == []
    assert [each for place in state.places for each in place.doubts] == []
    assert {place.rules.active for place in state.places} == {True}
