"""The page of a census: self-contained, well-formed, escaped, and its figures the document's."""

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree, html
from tests.report import census_documents
from tests.report.charts import documents

from patchstand.errors import UsageError
from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.census_compared import ours, published, reason
from patchstand.report.census_numbers import day, month, share_of
from patchstand.report.census_page import LEVELS, render_census
from patchstand.report.charts import shares

_VOID = "meta|link|br|hr|img|input"
_CASES = [(name, lang) for name in documents.EVERY for lang in LANGUAGES]


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    """Each language."""
    return str(request.param)


def _root(document: dict[str, Any], lang: str) -> html.HtmlElement:
    return html.fromstring(render_census(document, lang))


def _text(element: html.HtmlElement) -> str:
    """The words of an element, without those of its script and styles."""
    copied = html.fromstring(html.tostring(element))
    for each in copied.xpath("//script | //style"):
        each.drop_tree()
    return " ".join(copied.text_content().split())


def _shown(words: str) -> str:
    """Words as `_text` gives them: every space is one of the plain kind."""
    return " ".join(words.split())


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_page_is_well_formed(name: str, lang: str) -> None:
    """Every element is closed: with the void ones closed too, it is XML."""
    page = render_census(documents.EVERY[name](), lang)
    page = re.sub(r"<(style|script)>.*?</\1>", "", page, flags=re.DOTALL)
    xml = re.sub(rf"<({_VOID})\b([^>]*)>", r"<\1\2/>", page).replace("<!DOCTYPE html>", "")
    xml = re.sub(r" hidden(?=[ >])", ' hidden=""', xml)

    assert etree.fromstring(xml.strip()).get("lang") == lang


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_page_loads_nothing(name: str, lang: str) -> None:
    """No address, no import, nothing to fetch: only places within the page are referred to."""
    page = render_census(documents.EVERY[name](), lang)
    root = html.fromstring(page)

    assert not re.search(r"https?://|//[a-z]|@import|<iframe|<link(?! rel=.icon)", page)
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert all(each.startswith(("#", "data:,")) for each in root.xpath("//@href | //@src"))


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_no_gap_is_left(name: str, lang: str) -> None:
    """All texts are filled in, and nothing that is absent is printed as such."""
    page = render_census(documents.EVERY[name](), lang)
    words = _text(html.fromstring(page))

    assert not re.search(r'="[^"]*\b(None|nan|Undefined)\b', page)
    assert not re.search(r"\bNone\b|\bnan\b|Undefined", words)
    assert name == "hostile" or not set(words) & set("{}")


@pytest.mark.parametrize(("name", "lang"), _CASES)
def test_links_and_references_lead_somewhere(name: str, lang: str) -> None:
    """Each id is there once, and whatever is referred to is there."""
    root = _root(documents.EVERY[name](), lang)
    ids = root.xpath("//@id")
    referred = {each.removeprefix("#") for each in root.xpath("//a/@href")}
    referred |= set(
        " ".join(root.xpath("//@aria-labelledby | //@aria-describedby | //@for")).split()
    )
    referred |= {each[5:-1] for each in root.xpath("//@fill[starts-with(., 'url(')]")}

    assert len(ids) == len(set(ids))
    assert referred <= set(ids)


@pytest.mark.parametrize("made", [documents.country, documents.bare])
def test_headings_do_not_skip_a_level(made: Callable[[], Any], lang: str) -> None:
    """One h1, and no jump: screen readers go by headings."""
    levels = [int(each.tag[1]) for each in _root(made(), lang).xpath("//h1 | //h2 | //h3")]

    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_say_what_their_cells_are(lang: str) -> None:
    """Each table has a caption, each row a header, each column a header with a scope."""
    root = _root(documents.country(), lang)

    for table in root.xpath("//table"):
        assert table.xpath("caption")
        assert all(row.xpath("th[@scope='row']") for row in table.xpath("tbody/tr"))
        assert all(cell.get("scope") == "col" for cell in table.xpath("thead//th"))
    assert len(root.xpath("//table")) > 10


def test_only_its_own_style_and_script_are_allowed() -> None:
    """The policy names the digests of the one style and the one script, and nothing else."""
    page = render_census(documents.country(), "en")
    root = html.fromstring(page)
    policy = root.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert root.xpath("//@style") == []
    assert not re.search(r"\son[a-z]+=", re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL))


@pytest.mark.parametrize("made", [documents.country, documents.lone, documents.undetermined,
                                  documents.empty])  # fmt: skip
def test_key_figures_are_those_of_the_document(made: Callable[[], Any], lang: str) -> None:
    """Each card shows the interval and the servers of its figure; the lead those of the class."""
    document, cat = made(), catalog(lang)
    root = _root(document, lang)
    cards = [_text(card) for card in root.xpath("//ul[@class='keys']/li")]
    figures = [document["behind"]["6"], document["behind"]["12"], document["rce"],
               document["known_exploited"], document["support"]["unsupported"]]  # fmt: skip

    for card, figure in zip(cards, figures, strict=False):
        assert _shown(shares.interval(figure, cat)) in card
        assert _shown(shares.counted(figure, cat)) in card
    (lead,) = root.xpath("//p[@class='lead']")
    assert _shown(shares.interval(document["classes"]["vulnerable"], cat)) in _text(lead)
    assert len(cards) == 6


def test_every_bound_the_slider_moves_is_that_of_the_document() -> None:
    """What the script reads are the bounds and numbers of the document, unrounded."""
    document = documents.country()
    root = _root(document, "de")
    read = {
        tuple(float(each.get(f"data-{name}")) for name in ("low", "high", "n", "most"))
        for each in root.xpath("//p[@class='assumed']")
    }
    figures = [document["classes"]["vulnerable"], document["behind"]["6"],
               document["behind"]["12"], document["rce"], document["known_exploited"],
               document["support"]["unsupported"]]  # fmt: skip

    assert read == {
        (each["low"], each["high"], float(each["n"]), float(each["n_high"])) for each in figures
    }


def test_the_slider_starts_at_what_is_certain_and_says_what_it_assumes(lang: str) -> None:
    """It is hidden without a script, starts at 0, goes to 100, and its assumption is in words."""
    root = _root(documents.country(), lang)
    (box,) = root.xpath("//div[@class='assume']")
    (slider,) = box.xpath(".//input")

    assert box.get("hidden") is not None
    assert (slider.get("min"), slider.get("max"), slider.get("value")) == ("0", "100", "0")
    assert catalog(lang).text("census_page.assume_note") in _text(box)
    assert all(each.get("hidden") is not None for each in root.xpath("//p[@class='assumed']"))


def test_day_and_knowledge_stand_on_the_first_screen(lang: str) -> None:
    """The day, the servers, what was observed, and up to when updates are known."""
    document, cat = documents.stale(), catalog(lang)
    facts = _text(_root(document, lang).xpath("//dl[@class='basis']")[0])

    for each in (document["as_of"], document["covered_until"], *document["observed"].values()):
        assert day(each, cat) in facts
    assert cat.number(document["population"]) in facts
    assert document["knowledge"]["version"] in facts


def test_what_limits_the_figures_stands_before_them(lang: str) -> None:
    """Stale knowledge and months left out come before the first figure, each with its words."""
    cat = catalog(lang)
    for document, words in (
        (documents.stale(), [day("2024-08-12", cat)]),
        (documents.skipping(), [month("2024-03", cat), "checksum differs"]),
    ):
        page = render_census(document, lang)
        alarms = " ".join(_text(each) for each in html.fromstring(page).find_class("alarm"))
        assert all(word in alarms for word in words)
        assert page.index('class="alarm"') < page.index('class="lead"')
    real = documents.country() | {"basis": {}}
    assert not _root(real, lang).find_class("alarm")


def test_our_scale_and_the_authority_are_apart(lang: str) -> None:
    """The published level stands in its own section in its own words; ours is none of them."""
    document = documents.country()
    root = _root(document, lang)
    (authority,) = root.find_class("authority")
    (ours,) = root.find_class("situation")
    stated = documents.PUBLISHED

    for each in ("number", "version", "publisher", "level", "title"):
        assert str(stated[each]) in _text(authority)
    assert all(product in _text(authority) for product in stated["products"])
    assert day(str(stated["date"]), catalog(lang)) in _text(authority)
    assert str(stated["level"]) not in _text(ours)
    words = {catalog(lang).text(f"census_page.level.{level}").lower() for level in LEVELS}
    assert not words & {"grau", "gelb", "orange", "rot", "grey", "yellow", "red"}


def test_every_rule_is_printed(lang: str) -> None:
    """Each rule of the document stands on the page with its text in the language."""
    document = documents.country()
    (rules,) = _root(document, lang).xpath("//dl[@class='rules']")

    assert all(_shown(words[lang]) in _text(rules) for words in document["rules"].values())


def test_queries_are_printed_when_they_are_there(lang: str) -> None:
    """With the queries in the document each stands below the rules; without, there are none."""
    document = documents.country() | {"sql": {"rce": "SELECT count(*) WHERE a < 1"}}
    (rules,) = _root(document, lang).xpath("//section[@id='rules']")

    assert [pre.text_content() for pre in rules.xpath(".//pre")] == list(document["sql"].values())
    assert _root(documents.country(), lang).xpath("//pre") == []


def test_comparison_shows_both_sides(lang: str) -> None:
    """Each published figure has its interval, ours by its rule, and whether they agree."""
    document, cat = documents.country(), catalog(lang)
    rows = _root(document, lang).xpath("//section[@id='compare']//tbody/tr")

    assert len(rows) == len(document["compare"])
    for row, each in zip(rows, document["compare"], strict=True):
        words = _text(row)
        assert _shown(published(each, cat)) in words
        if each["derivable"]:
            assert _shown(ours(each, "ours", cat)) in words
        assert _shown(reason(each, cat)) in words


def test_time_to_patch_has_its_table(lang: str) -> None:
    """Each update has a row: who was at risk, and the share after each number of days."""
    document, cat = documents.country(), catalog(lang)
    rows = {
        _text(row.xpath("th")[0]): _text(row)
        for row in _root(document, lang).xpath("//section[@id='time_to_patch']//tbody/tr")
    }

    assert set(rows) == set(document["time_to_patch"])
    for name, course in document["time_to_patch"].items():
        assert cat.number(course["at_risk"]) in rows[name]
        for after in course["after"].values():
            told = cat.text("census_page.text.not_followed")
            if after is not None:
                told = shares.percent(after["share"], cat)
            assert _shown(told) in rows[name]


def test_a_median_that_was_not_reached_says_so(lang: str) -> None:
    """So does one whose upper bound was not."""
    document = documents.country()
    for course in document["time_to_patch"].values():
        course |= {"median": None, "median_low": 41, "median_high": None}
    text = _text(_root(document, lang).xpath("//section[@id='time_to_patch']")[0])

    assert catalog(lang).text("census_page.text.not_reached") in text
    assert catalog(lang).text("census_page.text.at_least", n=41) in text


def test_suppressed_cells_give_nothing_away(lang: str) -> None:
    """A suppressed cell has words in place of its share, and the page says why."""
    root = _root(documents.suppressed(), lang)
    cat = catalog(lang)
    section = root.xpath("//section[@id='states']")[0]
    row = next(
        each
        for each in section.xpath(".//tbody/tr")
        if "Schleswig-Holstein" in _text(each.xpath("th")[0])
    )

    assert [_text(cell) for cell in row.xpath("td")[1:]] == [cat.text("chart.suppressed")] * 4
    assert cat.text("census_page.text.suppressed") in _text(section)


def test_a_small_group_does_not_tell_its_size(lang: str) -> None:
    """A group of one to four servers is said to be smaller than five."""
    document = documents.suppressed()
    document["sectors"]["school"]["population"] = 3
    rows = _root(document, lang).xpath("//section[@id='sectors']//tbody/tr")
    school = shares.named("census_page.sector", "school", catalog(lang))

    assert [_text(row.xpath("td")[0]) for row in rows if school in _text(row)] == ["<5"]


def test_unseen_servers_come_with_the_assumptions(lang: str) -> None:
    """With or without an estimate, what it rests on is printed."""
    document, cat = documents.country(), catalog(lang)
    document["unseen"] |= {
        "estimate": 700, "low": 650, "high": 800, "share": {"low": 0.07, "high": 0.25},
        "pairs": [{"a": "mail", "b": "web", "only_a": 40, "only_b": 300, "both": 262,
                   "estimate": 700, "low": 650, "high": 800}],
    }  # fmt: skip
    for each in (document, documents.country()):
        text = _text(_root(each, lang).xpath("//section[@id='unseen']")[0])
        for name in ("closed", "independent", "matched", "equal_chance"):
            assert cat.text(f"census_page.unseen.{name}") in text
    estimated = _text(_root(document, lang).xpath("//section[@id='unseen']")[0])
    assert _shown(shares.between(0.07, 0.25, cat)) in estimated
    assert "262" in estimated


@pytest.mark.parametrize("part", sorted(documents.parts()))
def test_a_missing_part_leaves_the_others(part: str, lang: str) -> None:
    """Without a part the page is still whole, and shorter."""
    whole = documents.country()
    less = {name: each for name, each in whole.items() if name != part}

    assert len(render_census(less, lang)) < len(render_census(whole, lang))
    assert _text(_root(less, lang).xpath("//h1")[0]) == _text(_root(whole, lang).xpath("//h1")[0])


@pytest.mark.parametrize("part", sorted(documents.parts()))
def test_a_part_alone_is_a_page(part: str, lang: str) -> None:
    """With any single part the page renders, and shows more than without it."""
    nothing = documents.alone(None)
    page = _root(documents.alone(part), lang)

    assert _text(page.xpath("//h1")[0])
    assert len(_text(page)) > len(_text(_root(nothing, lang)))


@settings(max_examples=25, deadline=None)
@given(census_documents.documents())
def test_page_and_terminal_show_the_same_intervals(document: dict[str, Any]) -> None:
    """Whatever the figures are: each key figure of the page has the terminal's interval."""
    cat = catalog("en")
    words = _text(_root(document | {"published": []}, "en"))
    figures = [document[name] for name in ("rce", "known_exploited") if name in document]
    figures += [document["classes"]["vulnerable"]] if document.get("classes") else []

    for each in figures:
        if each["of"]:
            assert f"{share_of(each, cat)} %" in words


def test_what_is_left_of_a_small_census_is_a_page(lang: str) -> None:
    """One statistic alone: the population, its section, the rules; no slider, no bar."""
    root = _root(documents.bare(), lang)

    assert root.xpath("//section/@id") == ["movement", "rules"]
    assert root.xpath("//input | //svg[@class='bar']") == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_texts_are_escaped(lang: str) -> None:
    """Nothing that comes from a store or an advisory becomes markup."""
    page = render_census(documents.hostile(), lang)
    root = html.fromstring(page)

    assert len(root.xpath("//script")) == 1
    assert root.xpath("//*[@onload]") == []
    assert page.count("&lt;script&gt;") > 50
    assert not set(page) & set("\x1b\x07\u202e")


def test_cumulative_updates_are_in_the_order_of_their_numbers() -> None:
    """RTM comes first, the second before the tenth, the service pack of 2013 in its place."""
    document = documents.country()
    one = next(iter(document["cumulative_updates"].values()))
    wanted = ["2013 RTM", "2013 CU3", "2013 SP1", "2013 CU5", "2016 CU2", "2016 CU10", "SE RTM"]
    document["cumulative_updates"] = dict.fromkeys(sorted(wanted), one)
    rows = _root(document, "en").xpath("//section[@id='lines']/details//tbody/tr/th")

    assert [_text(row) for row in rows] == wanted


def test_english_words_on_a_german_page_are_marked() -> None:
    """Sources, and what is damaged, are named in English: a reader's voice has to know."""
    root = _root(documents.skipping(), "de")
    marked = [_text(each) for each in root.xpath("//*[@lang='en']")]

    assert "checksum differs" in marked
    assert any("CERT-Bund" in words for words in marked)


def test_numbers_of_flaws_are_no_shares(lang: str) -> None:
    """Eight published flaws are eight, in the words of the language."""
    document = documents.country()
    document["compare"][0] |= {"unit": "flaws", "published_low": 8.0, "published_high": 8.0,
                               "derivable": False}  # fmt: skip
    row = _root(document, lang).xpath("//section[@id='compare']//tbody/tr")[0]

    assert _text(row.xpath("td")[0]) in ("8 flaws", "8 Schwachstellen")


def test_many_networks_are_folded(lang: str) -> None:
    """The twenty largest are open, the rest is there when asked for."""
    document = documents.country()
    one = next(iter(document["systems"].values()))
    document["systems"] = {str(64512 + at): one | {"population": 900 - at} for at in range(200)}
    section = _root(document, lang).xpath("//section[@id='systems']")[0]

    assert len(section.xpath("./div//tbody/tr")) == 20
    assert len(section.xpath("./details//tbody/tr")) == 180
    assert _text(section.xpath("./div//tbody/tr/th")[0]) == "AS64512"


def test_the_page_of_five_years_is_quick_and_small() -> None:
    """1,825 days, 200 networks: half a CPU second and a megabyte are not reached."""
    document = documents.country()
    one = next(iter(document["systems"].values()))
    document["systems"] = {str(64512 + at): one for at in range(200)}
    series = document["series"]
    series["days"] = [f"{2019 + at // 336}-{at // 28 % 12 + 1:02}-{at % 28 + 1:02}"
                      for at in range(1825)]  # fmt: skip
    series["population"] = [1000] * 1825
    waves = {"low": [at * 7 % 400 for at in range(1825)], "high": [600] * 1825}
    series |= dict.fromkeys(("vulnerable", "rce", "behind_6", "behind_12", "unsupported"), waves)
    series["lines"] = {"2016": [400] * 1825, "2019": [at % 500 for at in range(1825)]}
    render_census(documents.lone(), "de")  # the template is compiled once
    begin = process_time()
    page = render_census(document, "de")

    assert process_time() - begin < 0.5
    assert len(page.encode()) < 1_000_000


def test_unknown_language_is_a_usage_error() -> None:
    """As everywhere."""
    with pytest.raises(UsageError):
        render_census(documents.lone(), "fr")
