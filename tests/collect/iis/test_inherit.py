"""Sections over their layers: clear, remove, locks, and which layer comes when."""

from hypothesis import given
from hypothesis import strategies as st
from tests.collect.iis.configs import access, host, location, read, web

from patchstand.model.iis import Place

HEADERS = "httpprotocol/customheaders"
NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


def _headers(*parts: str) -> str:
    return f"<httpProtocol><customHeaders>{''.join(parts)}</customHeaders></httpProtocol>"


def _add(names: list[str]) -> list[str]:
    return [f'<add name="{name}" value="1" />' for name in names]


def _place(path: str, files: dict[str, bytes]) -> Place:
    return next(each for each in read(files).places if each.full_path.lower() == path.lower())


def _names(place: Place) -> list[str]:
    return [entry.get("name") for entry in place.entries[HEADERS]]


@given(NAMES, NAMES)
def test_clear_empties_what_came_before(above: list[str], own: list[str]) -> None:
    """After `<clear/>` only what stands behind it is left."""
    files = {
        "applicationHost.config": host(server=_headers(*_add(above))),
        "DefaultWebSite-ECP_web.config": web(_headers("<clear />", *_add(own))),
    }

    assert _names(_place("Default Web Site/ecp", files)) == own


@given(NAMES, st.sampled_from("abcdef"))
def test_remove_drops_one_member_and_keeps_the_order(above: list[str], gone: str) -> None:
    """The others stay as they were; removing what is not there changes nothing."""
    files = {
        "applicationHost.config": host(server=_headers(*_add(above))),
        "DefaultWebSite-ECP_web.config": web(_headers(f'<remove name="{gone.upper()}" />')),
    }

    assert _names(_place("Default Web Site/ecp", files)) == [n for n in above if n != gone]


@given(st.sampled_from(["Default Web Site/ecp", "DEFAULT WEB SITE/ECP", "default web site/Ecp/"]))
def test_paths_of_locations_count_in_any_case(path: str) -> None:
    """IIS compares paths without regard to case."""
    files = {"applicationHost.config": host(location(path, access("Ssl")))}

    found = _place("Default Web Site/ecp", files).setting("security/access@sslFlags")
    assert found is not None
    assert found.value == "Ssl"


def test_the_nearer_layer_wins() -> None:
    """Server, site, location of the place, web.config of the site, own web.config."""
    header = "<httpRedirect destination='{}' />"
    files = {
        "applicationHost.config": host(
            location("Default Web Site/ecp", header.format("place"))
            + location("Default Web Site", header.format("site")),
            server=header.format("server"),
        ),
        "DefaultWebSite_web.config": web(header.format("web of site")),
    }
    own = {"DefaultWebSite-ECP_web.config": web(header.format("own"))}
    paths = ["Exchange Back End/ecp", "Default Web Site/owa", "Default Web Site/ecp"]

    seen = [_place(path, files).setting("httpRedirect@destination") for path in paths]
    nearest = _place(paths[2], files | own).setting("httpRedirect@destination")
    assert [each.value for each in seen if each] == ["server", "web of site", "place"]
    assert nearest is not None
    assert nearest.value == "own"


def test_a_location_in_a_web_config_reaches_below_it() -> None:
    """The site's web.config can speak for one of its directories."""
    inner = '<location path="ecp"><system.webServer>{}</system.webServer></location>'
    files = {
        "applicationHost.config": host(),
        "DefaultWebSite_web.config": web("", inner.format(_headers(*_add(["a"])))),
    }

    assert _names(_place("Default Web Site/ecp", files)) == ["a"]
    assert _names(_place("Default Web Site/owa", files)) == []


def test_what_is_not_inherited_stays_in_its_application() -> None:
    """`inheritInChildApplications="false"` keeps a location out of applications below."""
    kept = (
        '<location inheritInChildApplications="false">'
        "<system.webServer>{}</system.webServer></location>"
    )
    files = {
        "applicationHost.config": host(),
        "DefaultWebSite_web.config": web("", kept.format(_headers(*_add(["a"])))),
    }

    assert _names(_place("Default Web Site", files)) == ["a"]
    assert _names(_place("Default Web Site/ecp", files)) == []


def test_a_locked_section_in_a_web_config_is_not_taken_but_told() -> None:
    """IIS refuses such a place, so nothing certain is said about it."""
    files = {
        "applicationHost.config": host(location("Default Web Site", access("Ssl"))),
        "DefaultWebSite-ECP_web.config": web(access("None")),
    }
    unlocked = location("Default Web Site", access("Ssl"), overrideMode="Allow")

    place = _place("Default Web Site/ecp", files)
    found = place.setting("security/access@sslFlags")
    assert found is not None
    assert found.value == "Ssl"
    assert [each.value for each in place.doubts] == ["locked by a file above it"]
    allowed = _place(
        "Default Web Site/ecp", files | {"applicationHost.config": host(unlocked)}
    ).setting("security/access@sslFlags")
    assert allowed is not None
    assert allowed.value == "None"


def test_a_second_member_of_a_name_is_told() -> None:
    """A name that the site has already makes IIS refuse the place below."""
    files = {
        "applicationHost.config": host(server=_headers(*_add(["a"]))),
        "DefaultWebSite-ECP_web.config": web(_headers(*_add(["A"]))),
    }

    assert [each.value for each in _place("Default Web Site/ecp", files).doubts] == [
        "a second a, which IIS refuses"
    ]


def test_a_section_in_a_file_of_its_own_is_named_not_followed() -> None:
    """`configSource` is told as a doubt about the place."""
    files = {
        "applicationHost.config": host(),
        "DefaultWebSite_web.config": web('<httpRedirect configSource="redirect.config" />'),
    }

    doubts = _place("Default Web Site", files).doubts
    assert [each.value for each in doubts] == ["in redirect.config, which was not read"]
