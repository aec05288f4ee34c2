"""The page for people: self-contained, well-formed, escaped, in both languages."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from lxml import etree, html
from tests.report import samples

from patchstand.errors import UsageError
from patchstand.model import CheckedServer, Knowledge
from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.html import render_check

_VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})


@pytest.fixture(params=LANGUAGES)
def lang(request: pytest.FixtureRequest) -> str:
    """Each language."""
    return str(request.param)


def _page(servers: list[CheckedServer], lang: str) -> str:
    return render_check(servers, lang, samples.AS_OF)


def _pages(servers: list[CheckedServer], lang: str) -> Iterator[str]:
    yield _page(servers, lang)
    for server in servers:
        yield _page([server], lang)


def _text(page: str) -> str:
    body = html.fromstring(page).find("body")
    assert body is not None
    return " ".join(body.text_content().split())


def test_page_is_well_formed(servers: list[CheckedServer], lang: str) -> None:
    """Every element is closed: with the void ones closed too, it is XML."""
    for page in _pages(servers, lang):
        void = "|".join(_VOID)
        xml = re.sub(rf"<({void})\b([^>]*)>", r"<\1\2/>", page).replace("<!DOCTYPE html>", "")
        root = etree.fromstring(xml.strip())
        assert root.get("lang") == lang


def test_page_loads_nothing(servers: list[CheckedServer], lang: str) -> None:
    """No address, no script, no import: a strict policy says so too."""
    for page in _pages(servers, lang):
        assert not re.search(r"https?://|//[a-z]|@import|url\(|<script|<iframe|\son\w+=", page)
        assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in page
        links = html.fromstring(page).xpath("//@href | //@src")
        assert all(link.startswith(("#", "data:,")) for link in links)


def test_links_lead_somewhere(servers: list[CheckedServer], lang: str) -> None:
    """Every anchor of the overview exists once."""
    root = html.fromstring(_page(servers, lang))
    ids = root.xpath("//@id")
    targets = {link.removeprefix("#") for link in root.xpath("//a/@href")}

    assert targets <= set(ids)
    assert len(ids) == len(set(ids))


def test_headings_do_not_skip_a_level(servers: list[CheckedServer], lang: str) -> None:
    """One h1, and no jump from h2 to h4: screen readers go by headings."""
    for page in _pages(servers, lang):
        found = html.fromstring(page).xpath("//h1 | //h2 | //h3 | //h4 | //h5 | //h6")
        levels = [int(heading.tag[1]) for heading in found]
        assert levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))


def test_light_has_word_and_shape(servers: list[CheckedServer], lang: str) -> None:
    """The class is a word beside the light, and the light's own description."""
    cat = catalog(lang)
    words = [cat.text(f"class.{key}") for key in ("vulnerable", "not_vulnerable", "undetermined")]
    for server, word in zip((servers[0], servers[2], servers[3]), words, strict=True):
        root = html.fromstring(_page([server], lang))
        assert root.xpath("//p[@class='word']")[0].text == word
        assert word in root.xpath("//*[@role='img']/@aria-label")[0]


def test_no_placeholder_is_left(servers: list[CheckedServer], lang: str) -> None:
    """All texts are filled in."""
    for page in _pages(servers, lang):
        assert "{" not in _text(page)
        assert "None" not in _text(page)


def test_hostile_text_is_escaped(known: Knowledge, lang: str) -> None:
    """Nothing that a server says becomes markup; the page stays well-formed."""
    page = _page([samples.hostile(known)], lang)
    root = html.fromstring(page)

    assert root.xpath("//script | //*[@onload]") == []
    assert "&lt;script&gt;" in page
    assert not set(page) & set("\x1b\x07\u202e")
    assert len(page) < 100_000


def test_director_reads_questions_and_sentences(known: Knowledge) -> None:
    """The first part holds the verdict, three sentences and five questions."""
    root = html.fromstring(_page([samples.vulnerable(known)], "de"))
    sentences = root.xpath("//div[@class='inshort']/p")

    assert root.xpath("//h1")[0].text == "Patchstand von mail.example.de"
    assert len(sentences) == 3
    assert "seit dem 09.08.2022" in sentences[1].text
    assert len(root.xpath("//div[@class='questions']//li")) == 5


def test_administrator_finds_everything(known: Knowledge) -> None:
    """Findings with steps, evidence, CVEs, services, certificate, permission, limits."""
    text = _text(_page([samples.vulnerable(known)], "en"))
    wanted = [
        "Install Oct25SU for CU23", "HTTP header X-OWA-Version", "CVE-2022-41082",
        "Exchange Web Services (/ews)", "CN=mail.example.de", "Permitted by: scope file",
        "probe-1.example.net", "Knowledge 2026", "What cannot be seen from outside", "GET /ecp/",
    ]  # fmt: skip

    assert [each for each in wanted if each not in text] == []


def test_every_open_flaw_is_named(known: Knowledge) -> None:
    """Those not in the table follow as a list."""
    server = samples.vulnerable(known)
    assessment = server.nodes[0].assessment
    assert assessment is not None
    page = _page([server], "en")

    assert all(cve.id in page for cve in assessment.cves if cve.status == "affected")


def test_members_of_a_set_are_listed(known: Knowledge) -> None:
    """All thirteen possible builds stand on the page."""
    page = _page([samples.whole_cu(known)], "en")

    assert sum(f"<td class=\"short\" data-label=\"Possible builds\">15.2.1118.{last}<" in page
               for last in (7, 9, 12, 15, 20, 21, 25, 26, 30, 36, 37, 39, 40)) == 13  # fmt: skip


def test_nodes_are_told_apart(known: Knowledge) -> None:
    """With several nodes, each has its part, and the one that counts is marked."""
    one, other = samples.vulnerable(known), samples.up_to_date(known)
    both = replace(one, nodes=(*other.nodes, *one.nodes), worst=1)
    text = _text(_page([both], "en"))

    assert text.index("Node 1") < text.index("Node 2") < text.index("This node counts")


def test_stale_knowledge_is_said_in_the_first_part(known: Knowledge, lang: str) -> None:
    """The page of a director warns as well."""
    day = samples.stale_day(known)
    page = render_check([samples.up_to_date(known, day)], lang, day)

    assert html.fromstring(page).xpath("//div[@class='inshort']/p[@class='stale']")


def test_unknown_language_is_a_usage_error(servers: list[CheckedServer]) -> None:
    """As everywhere."""
    with pytest.raises(UsageError):
        _page(servers, "fr")


def test_page_of_no_servers_says_so() -> None:
    """An empty list gives an empty overview."""
    assert "0 servers" in _page([], "en")
