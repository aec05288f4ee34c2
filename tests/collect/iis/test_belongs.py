"""Which web.config belongs where: by the collector's name, or by its path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.collect.iis.configs import BACK, FRONT, host

from patchstand import knowledge
from patchstand.collect.iis.belongs import is_web_config, places_of, shown_by, usually_shown
from patchstand.collect.iis.host import host_config
from patchstand.collect.markup import read_xml
from patchstand.model.inside import MarkupFile

SHOWN = shown_by(host_config(MarkupFile("applicationHost.config", read_xml(host()))))
USUAL = usually_shown(knowledge.load().directories.directories)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("DefaultWebSite_web.config", "Default Web Site"),
        ("DefaultWebSite-AutoD_web.config", "Default Web Site/Autodiscover"),
        ("DefaultWebSite-EAS_web.config", "Default Web Site/Microsoft-Server-ActiveSync"),
        ("DefaultWebSite-Rest_web.config", "Default Web Site/API"),
        ("ExchangeBackEnd-EWS_web.config", "Exchange Back End/EWS"),
        ("ExchangeBackEnd-MapiEmsmdb_web.config", "Exchange Back End/mapi/emsmdb"),
        ("FrontEnd/HttpProxy/ecp/web.config", "Default Web Site/ecp"),
        (r"C:\Program Files\Microsoft\Exchange Server\V15\ClientAccess\ecp\web.config",
         "Exchange Back End/ecp"),
        ("inetpub/wwwroot/Web.Config", "Default Web Site"),
        ("V15/ClientAccess/web.config", "Exchange Back End"),
        ("FrontEnd/HttpProxy/ecp/auth/web.config", "Default Web Site/ecp/auth"),
        ("ClientAccess/exchweb/EWS/bin/web.config", "Exchange Back End/EWS/bin"),
    ],
)  # fmt: skip
def test_a_file_belongs_where_its_name_or_path_says(file: str, place: str) -> None:
    """Names of collectors and tails of physical paths both lead to one virtual directory."""
    assert places_of(file, SHOWN) == (place,)


def test_directories_that_show_one_folder_share_its_file() -> None:
    """The calendar of OWA has no folder of its own."""
    wanted = ("Default Web Site/owa", "Default Web Site/owa/Calendar")

    assert places_of("DefaultWebSite-OWA_web.config", SHOWN) == wanted
    assert places_of("FrontEnd/HttpProxy/owa/web.config", SHOWN) == wanted


@pytest.mark.parametrize("file", ["web.config", "owa/web.config", "x/y/web.config", "S_web.config"])
def test_what_fits_several_places_belongs_nowhere(file: str) -> None:
    """A folder called owa lies in front end and back end: nobody guesses."""
    assert places_of(file, SHOWN) == ()


def test_without_the_configuration_the_default_installation_counts() -> None:
    """A single web.config with its path is placed as setup would have."""
    assert places_of("FrontEnd/HttpProxy/sync/web.config", USUAL) == (
        "Default Web Site/Microsoft-Server-ActiveSync",
    )
    assert places_of("ExchangeBackEnd-Push_web.config", USUAL) == (
        "Exchange Back End/PushNotifications",
    )


@given(st.sampled_from([*FRONT.values(), *BACK.values()]), st.integers(2, 4), st.booleans())
def test_a_tail_of_a_physical_path_finds_its_place_in_any_case(
    folder: str, kept: int, upper: bool
) -> None:
    """However much of the path is left, upper or lower case: the same places."""
    tail = "/".join(folder.split("\\")[-kept:])
    whole = places_of(folder + r"\web.config", SHOWN)
    found = places_of(f"{tail.upper() if upper else tail.lower()}/web.config", SHOWN)

    assert whole
    assert found == whole


def test_only_web_configs_are_taken_for_such() -> None:
    """Shared configurations, and files that only sound alike, are none."""
    names = ["web.config", "a/WEB.CONFIG", "Site_web.config"]
    others = ["DefaultWebSite_SharedWebConfig.config", "myweb.config", "web.config.bak"]

    assert [is_web_config(name) for name in names] == [True] * 3
    assert [is_web_config(name) for name in others] == [False] * 3
