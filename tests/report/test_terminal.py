"""What the commands print."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from tests.report import samples

from patchstand.model import CheckedServer, Conflict, Knowledge, ProductLine, Sighted, Status
from patchstand.report.catalog import LANGUAGES, catalog
from patchstand.report.terminal import (
    print_build,
    print_identity,
    print_knowledge,
    print_score,
    print_server,
    print_summary,
)
from patchstand.workflow.build import judge_number
from patchstand.workflow.identify import identify_text
from patchstand.workflow.knowledge import summary


def printed(show: Callable[[Console], None], *, encoding: str = "utf-8", width: int = 80) -> str:
    """What `show` writes to a console without colour; fails when it cannot be encoded."""
    written = io.BytesIO()
    stream = io.TextIOWrapper(written, encoding=encoding, errors="strict", write_through=True)
    show(Console(file=stream, width=width, highlight=False, color_system=None))
    return written.getvalue().decode(encoding)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_servers_fit_into_eighty_columns(servers: list[CheckedServer], lang: str) -> None:
    """Every kind of server can be printed, in short and in full, on a narrow terminal."""
    for server in servers:
        for details in (False, True):
            text = printed(
                lambda out, s=server, d=details: print_server(out, s, catalog(lang), details=d)  # type: ignore[misc]
            )
            assert max(map(len, _lines(text))) <= 80
            assert "{" not in text


def test_class_is_told_by_sign_and_word(servers: list[CheckedServer]) -> None:
    """Without colour, sign and word say the class."""
    texts = [printed(lambda out, s=s: print_server(out, s, catalog("en"))) for s in servers]  # type: ignore[misc]
    signs = [_lines(text)[1] for text in texts]

    assert signs == [
        "✗ vulnerable", "✗ vulnerable", "✓ not vulnerable", "? undetermined",
        "- no Exchange", "- not measured",
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_old_consoles_get_plain_letters(
    servers: list[CheckedServer], lang: str, encoding: str
) -> None:
    """What an encoding cannot express is written otherwise; nothing fails."""
    for server in servers:
        text = printed(
            lambda out, s=server: print_server(out, s, catalog(lang), details=True),  # type: ignore[misc]
            encoding=encoding,
        )
        assert "✗" not in text
    assert "x vulnerable" in printed(
        lambda out: print_server(out, servers[0], catalog("en")), encoding="ascii"
    )


def test_finding_has_severity_and_numbered_steps(servers: list[CheckedServer]) -> None:
    """An administrator sees how bad it is and what to do in which order."""
    text = printed(lambda out: print_server(out, servers[0], catalog("en")))

    assert re.search(r"CRITICAL  \d+ security updates are missing, the oldest since", text)
    assert "    1. Install Oct25SU for CU23 (KB5066369, build 15.1.2507.61)." in text
    assert "Steps as above." in text
    assert "Permitted by: scope file; authority: contract." in text


def test_exposure_is_a_table(servers: list[CheckedServer]) -> None:
    """Service, port, whether reachable, the answer, and log-in methods."""
    text = " ".join(printed(lambda out: print_server(out, servers[0], catalog("en"))).split())

    assert "Exchange Web Services (/ews) 443 yes HTTP 401 Basic, NTLM" in text
    assert "IMAP 143 no no answer" in text


def test_hostile_text_stays_text(known: Knowledge) -> None:
    """Escapes are removed, markup is printed as it is, long values are cut."""
    server = samples.hostile(known)
    text = printed(lambda out: print_server(out, server, catalog("en"), details=True), width=400)

    assert not set(text) & set("\x1b\x07\r\u202e")
    assert "[red]markup[/red]" in text
    assert max(map(len, _lines(text))) <= 400


def test_hostile_text_is_not_styled(known: Knowledge) -> None:
    """With colour on, the only escapes are our own."""
    written = io.StringIO()
    out = Console(file=written, force_terminal=True, color_system="truecolor", width=100)

    print_server(out, samples.hostile(known), catalog("en"), details=True)

    assert "[red]" in written.getvalue()
    assert "\x1b[31mred" not in written.getvalue()


def test_several_servers_are_a_table_and_counts(servers: list[CheckedServer]) -> None:
    """A line each, then how many of each class."""
    text = printed(lambda out: print_summary(out, servers, catalog("en")), width=120)

    assert "mail.example.de ✗ vulnerable" in " ".join(text.split())
    assert "2016 CU23 May22SU" in text
    assert text.endswith(
        "6 servers: 2 vulnerable, 1 undetermined, 1 not vulnerable, 1 no Exchange, "
        "1 not measured.\n"
    )


def test_piped_output_is_not_cut(servers: list[CheckedServer]) -> None:
    """Where lines are not wrapped, long texts stay whole."""
    written = io.StringIO()
    out = Console(file=written, width=80, soft_wrap=True, highlight=False)

    print_server(out, servers[0], catalog("en"))

    assert "An update does not remove an attacker who is already inside.\n" in written.getvalue()


def test_stale_knowledge_is_warned_of(known: Knowledge) -> None:
    """The reader sees up to when the verdict holds."""
    server = samples.up_to_date(known, samples.stale_day(known))
    text = printed(lambda out: print_server(out, server, catalog("en")))

    assert f"! As known on {catalog('en').date(known.covered_until)}" in text
    assert "no security update missing up to" in text
    assert "✓" not in text


def test_failed_look_says_why(servers: list[CheckedServer]) -> None:
    """A measurement that failed is a result of its own."""
    text = printed(lambda out: print_server(out, servers[5], catalog("en")))

    assert _lines(text)[2] == "  no answer"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_identity_names_set_and_evidence(known: Knowledge, lang: str) -> None:
    """Line, builds, precision, and where each was read."""
    sighted, _ = identify_text(
        "X-OWA-Version: 15.2.1118\nServer: Apache", "http_headers", samples.AS_OF, known
    )
    text = printed(lambda out: print_identity(out, sighted, catalog(lang)))

    assert "Exchange Server 2019" in text
    assert "15.2.1118.40" in text
    assert "X-OWA-Version" in text
    assert "Apache" in text


def test_identity_of_something_else_says_what(known: Knowledge) -> None:
    """Another product is named; no builds are claimed."""
    sighted, _ = identify_text("220 mx ESMTP Postfix", "smtp_banner", samples.AS_OF, known)
    text = printed(lambda out: print_identity(out, sighted, catalog("en")))

    assert text.startswith("another product: Postfix")
    assert "builds" not in text


def test_nodes_and_conflicts_are_told_apart(known: Knowledge) -> None:
    """Several nodes are printed one after the other, conflicts with a mark."""
    one, _ = identify_text("X-OWA-Version: 15.2.1118.7", "http_headers", samples.AS_OF, known)
    odd = replace(one.nodes[0], node="EX2", conflicts=(Conflict("iis", "", ("IIS/6.0",)),))
    text = printed(lambda out: print_identity(out, Sighted((*one.nodes, odd)), catalog("en")))

    assert "Node 1" in text
    assert "EX2" in text
    assert "! This Exchange version does not run on IIS/6.0." in text


@pytest.mark.parametrize("number", ["15.1.2507.9", "15.2.1118", "15.2.2562.56", "14.3.487.0"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_build_is_explained(known: Knowledge, number: str, lang: str) -> None:
    """Exact builds, whole CUs and rounded numbers can be printed within 80 columns."""
    _, assessment, _ = judge_number(number, known, samples.AS_OF)
    text = printed(lambda out: print_build(out, assessment, catalog(lang)))

    assert max(map(len, _lines(text))) <= 80
    assert "{" not in text


def test_build_lists_open_flaws_first_and_counts_fixed_ones(known: Knowledge) -> None:
    """Exploited flaws lead the table; what is fixed is only a number."""
    _, assessment, _ = judge_number("15.1.2507.9", known, samples.AS_OF)
    text = printed(lambda out: print_build(out, assessment, catalog("en")))
    table, _, undecided = text.partition("? a setting on the server decides")
    rows = [line for line in _lines(table) if line.startswith(("  CVE-", "  ADV"))]
    statuses = [cve.status for cve in assessment.cves]
    exploited = [row for row in rows if re.search(r" [A-Z][a-z]+ 20\d\d ", row)]

    assert f"{statuses.count(Status.AFFECTED)} open" in table
    assert f"{statuses.count(Status.FIXED)} fixed" in table
    assert len(rows) == statuses.count(Status.AFFECTED)
    assert exploited
    assert rows[: len(exploited)] == exploited
    assert "decide with" in undecided


def test_knowledge_shows_coverage_and_warns(known: Knowledge) -> None:
    """Version, coverage, newest build of each line, and a warning when out of date."""
    shown = summary(None, samples.stale_day(known))
    text = printed(lambda out: print_knowledge(out, shown, catalog("en")))

    assert f"complete until {catalog('en').date(known.covered_until)}" in text
    assert str(known.of_line(ProductLine.SE)[-1].build) in text
    assert "! Out of date" in text
    fresh: dict[str, Any] = shown | {"stale": False}
    assert "!" not in printed(lambda out: print_knowledge(out, fresh, catalog("en")))


def test_score_adds_up() -> None:
    """The demo's table ends with totals."""
    rows: Sequence[tuple[str, int, int, int, int]] = [("2016", 20, 18, 2, 0), ("x", 5, 4, 0, 1)]
    text = printed(lambda out: print_score(out, rows, catalog("en")))

    assert "total 25 22 2 1" in " ".join(text.split())
