from datetime import date
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchstand import knowledge
from patchstand.identify import guess_kind, identify, read_version
from patchstand.model import (
    Evidence,
    EvidenceKind,
    Identity,
    IdentityPrecision,
    Knowledge,
    ProductLine,
    Update,
)

KNOWN = knowledge.load()
TODAY = date(2026, 10, 13)
KINDS = st.sampled_from(list(EvidenceKind))


def seen(kind: str, text: str, **more: object) -> Identity:
    evidence = Evidence(EvidenceKind(kind), text, **more)  # type: ignore[arg-type]
    return identify([evidence], KNOWN, TODAY).nodes[0]


def builds(found: Identity) -> list[str]:
    return [str(build) for build in found.builds]


@given(KINDS, st.text())
@settings(max_examples=400)
def test_any_text_is_read_without_an_exception(kind: EvidenceKind, text: str) -> None:
    """Whatever the text, there is an answer; random text is never a server."""
    found = identify([Evidence(kind, text)], KNOWN, TODAY)

    assert all(node.is_exchange is not True for node in found.nodes)
    assert guess_kind(text) in EvidenceKind


@given(
    KINDS,
    st.lists(
        st.sampled_from(
            [
                "X-OWA-Version:", "15.2.1118", "15.02.2562.037", "X-FEServer: EX1", "\r\n", "220 ",
                "Received: from a by B with Microsoft SMTP Server id ", "8.3.83.4", "; Tue, 12 Jan",
                "<form action=", "/owa/auth/", "/themes/", "XEXCH50", "Microsoft Exchange", "[",
                "MajorVersion=", '"15"', "assemblyIdentity", "\x00", "TlRMTVNTUAAC",
                "99999.99999.9", " 2021 19:29:40 +0800", "MS-Server-ActiveSync: ", "14.1",
                "version", "publicKeyToken=",
            ]
        ),
        max_size=30,
    ),
)  # fmt: skip
@settings(max_examples=600)
def test_pieces_of_real_evidence_in_any_order(kind: EvidenceKind, pieces: list[str]) -> None:
    """Shuffled pieces of evidence give sorted, unique members that fit the named lines."""
    for node in identify([Evidence(kind, "".join(pieces))], KNOWN, TODAY).nodes:
        assert list(node.builds) == sorted(set(node.builds))
        assert {build.line for build in node.builds} <= set(node.lines)
        if node.builds:
            assert node.is_exchange is True


@given(st.sampled_from(KNOWN.updates))
def test_a_published_build_in_the_header_is_exact(update: Update) -> None:
    """Each published build of 2007 and later is read back from X-OWA-Version as itself."""
    if update.line.rank >= ProductLine.V2007.rank:
        found = seen("http_headers", f"X-OWA-Version: {update.build}")

        assert found.builds == (update.build,)
        assert found.precision is IdentityPrecision.EXACT


@pytest.mark.parametrize(
    ("version", "lowest"),
    [("8.3.83.4", "8.3.83.6"), ("14.3.487.0", "14.3.496.0"), ("15.0.775.32", "15.0.775.38")],
)
def test_a_component_version_is_rounded_up(version: str, lowest: str) -> None:
    """A number a little below a build stands for the next published one or a later one."""
    found = seen("http_headers", f"X-OWA-Version: {version}")

    assert builds(found)[0] == lowest
    assert found.or_later is True
    assert found.precision is IdentityPrecision.NARROWED


@given(st.sampled_from(KNOWN.updates), st.integers(1, 9))
def test_a_component_a_little_below_is_rounded_up(update: Update, below: int) -> None:
    """An unlisted number below a build gives the next published one or later, never an older."""
    parts = (*update.build.parts[:3], update.build.parts[-1] - below)
    text = ".".join(map(str, parts))
    reading = read_version(KNOWN, text, TODAY)

    if update.line.rank < ProductLine.V2007.rank or parts[3] < 0 or reading is None:
        return
    exact = KNOWN.update(type(update.build)(parts))
    if exact is None and reading.builds:
        assert min(reading.builds).parts > parts
        assert reading.or_later


@given(st.sampled_from(KNOWN.updates), st.dates(date(2005, 1, 1), date(2026, 10, 13)))
def test_no_member_is_newer_than_the_evidence(update: Update, day: date) -> None:
    """Builds that were released after the day the evidence is from are no members."""
    reading = read_version(KNOWN, ".".join(map(str, update.build.parts[:3])), day)

    if reading is not None and reading.builds and update.line.rank >= ProductLine.V2007.rank:
        rows = [KNOWN.update(build) for build in reading.builds]
        assert all(row is not None and row.released_from <= day for row in rows)


def test_the_day_narrows_a_cu_to_what_existed() -> None:
    """15.2.1118 seen on 2023-01-15 has six members."""
    page = '<link href="/owa/auth/15.2.1118/themes/resources/favicon.ico">'
    found = seen("html", page, seen_on=date(2023, 1, 15))

    assert len(found.builds) == 6
    assert found.precision is IdentityPrecision.CU


def test_headers_and_page_of_one_node_agree_on_one_build() -> None:
    """A four-part header narrows the page's three parts to one build."""
    evidence = [
        Evidence(EvidenceKind.HTML, '<img src="/owa/auth/15.2.1118/themes/a.png">', connection=1),
        Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.1118.26", connection=1),
    ]
    found = identify(evidence, KNOWN, TODAY)

    assert len(found.nodes) == 1
    assert builds(found.nodes[0]) == ["15.2.1118.26"]
    assert found.nodes[0].conflicts == ()


def test_a_contradiction_in_one_node_is_reported_with_both() -> None:
    """When header and page of one node disagree both stay members, and it is said."""
    evidence = [
        Evidence(EvidenceKind.HTML, '<img src="/owa/auth/15.2.1258/themes/a.png">', connection=1),
        Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.1118.26", connection=1),
    ]
    found = identify(evidence, KNOWN, TODAY).nodes[0]

    assert "15.2.1118.26" in builds(found)
    assert any(build.startswith("15.2.1258.") for build in builds(found))
    assert [conflict.rule for conflict in found.conflicts] == ["contradiction"]


def test_back_ends_with_different_names_are_different_nodes() -> None:
    """Two X-FEServer names behind one address are two nodes with their own builds."""
    evidence = [
        Evidence(
            EvidenceKind.HTTP_HEADERS,
            f"HTTP/1.1 302 Found\nX-FEServer: {name}\nX-OWA-Version: {build}\n",
            connection=number,
        )
        for number, (name, build) in enumerate(
            [("EX1", "15.2.1118.26"), ("EX2", "15.2.2562.17"), ("EX1", "15.2.1118.26")]
        )
    ]
    found = identify(evidence, KNOWN, TODAY)

    assert {(node.node, *builds(node)) for node in found.nodes} == {
        ("EX1", "15.2.1118.26"),
        ("EX2", "15.2.2562.17"),
    }


def test_a_gateway_before_the_mail_side_does_not_hide_the_server() -> None:
    """Postfix on port 25 and Outlook on the web on 443: it is an Exchange server."""
    evidence = [
        Evidence(EvidenceKind.HTTP_HEADERS, "X-FEServer: EX1\nX-OWA-Version: 15.2.2562.17"),
        Evidence(EvidenceKind.SMTP_BANNER, "220 mx.example.org ESMTP Postfix", connection=9),
    ]

    assert identify(evidence, KNOWN, TODAY).nodes[0].is_exchange is True


def test_a_product_in_front_is_named() -> None:
    """Cookies of a load balancer are reported beside the build, not instead of it."""
    found = seen(
        "http_headers",
        "X-OWA-Version: 15.2.2562.17\nSet-Cookie: BIGipServerowa=1.2.3; path=/\nServer: nginx",
    )

    assert builds(found) == ["15.2.2562.17"]
    assert set(found.fronts) == {"F5 BIG-IP", "nginx"}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("http_headers", "MS-Server-ActiveSync: 16.1\nServer: SOGo 5.8"),
        ("http_headers", "X-Z-Push-Version: 2.6\nMS-Server-ActiveSync: 6.5.7638.1"),
        ("http_headers", "X-ServerApplication: Exchange/15.00.0847.4040"),
        ("http_headers", "X-OWA-Version: 15.20.7595.016\nX-FEServer: EX2019-MBX-01"),
        ("http_headers", "X-OWA-Version: 15.21.1.3"),
        ("html", '<img src="https://owa.bank.example/owa/auth/15.2.1118/themes/a.png">'
                 '<form action="login.php"><input type="password"></form>'),
        ("manifest", '<assemblyIdentity name="microsoft.exchange.ediscovery.exporttool.application"'
                     ' version="15.2.986.5" publicKeyToken="0000000000000000" />'),
        ("imap", "* OK The Microsoft Exchange IMAP4 service is ready. "
                 "[QQBNADAAUABSADAAMgBDAEEAMAAwADAAMQAuAGUAdQA=]"),
        ("received", "Received: from a by AM0PR01MB1.eurprd01.prod.outlook.com (2603::1) with "
                     "Microsoft SMTP Server id 15.21.84.3; Mon, 13 Jul 2026 10:00:00 +0000"),
    ],
)  # fmt: skip
def test_look_alikes_are_no_servers(kind: str, text: str) -> None:
    """Other products, Exchange Online, decoys and copied pages are recognised and named."""
    found = seen(kind, text)

    assert found.is_exchange is False
    assert found.builds == ()
    assert found.look_alike


def test_a_page_that_points_to_a_foreign_host_says_nothing_of_this_one() -> None:
    """Versioned paths of another owner's host are no evidence; those of the own host are."""
    page = '<link rel="icon" href="https://mail.bank.example/owa/auth/15.2.1118/themes/f.ico">'

    foreign = seen("html", page, server_name="phish.invalid")

    assert foreign.is_exchange is None
    assert [conflict.rule for conflict in foreign.conflicts] == ["foreign_paths"]
    assert seen("html", page, server_name="owa.bank.example").is_exchange is True


def test_a_rewritten_header_is_not_trusted() -> None:
    """A zero-padded X-OWA-Version was not written by Exchange: reported, never a build."""
    found = seen("http_headers", "X-FEServer: EX1\nX-OWA-Version: 15.02.2562.037")

    assert found.is_exchange is True
    assert found.builds == ()
    assert [conflict.rule for conflict in found.conflicts] == ["version_rewritten"]


def test_a_build_newer_than_the_table_has_no_member() -> None:
    """SE with an unknown higher build: the line is known, the build is not, and why is said."""
    found = seen("http_headers", "X-OWA-Version: 15.2.2562.99")

    assert found.line is ProductLine.SE
    assert found.builds == ()
    assert found.reason == "knowledge_too_old"


def test_a_pasted_header_tells_the_senders_server_and_its_age() -> None:
    """The lowest Exchange hop comes first, with the day it was seen; others are other nodes."""
    header = """Received: from EX2.rcpt.example (10.0.0.2) by EX2.rcpt.example (10.0.0.2) with
 Microsoft SMTP Server (version=TLS1_2, cipher=TLS_AES) id 15.2.1544.11; Wed, 1 May 2024
 10:00:03 +0200
Received: from gw.rcpt.example by EX2.rcpt.example with mapi id 15.02.1544.011; Wed, 1 May 2024
 10:00:02 +0200
Received: from EX1.sender.example (10.1.0.2) by EX1.sender.example (10.1.0.2) with
 Microsoft SMTP Server id 15.1.2507.35; Wed, 1 May 2024 10:00:00 +0200
Subject: hello
"""
    found = identify([Evidence(EvidenceKind.RECEIVED, header)], KNOWN, TODAY)

    assert [(node.node, *builds(node)) for node in found.nodes] == [
        ("EX1.sender.example", "15.1.2507.35"),
        ("EX2.rcpt.example", "15.2.1544.11"),
    ]
    assert found.nodes[0].seen_on == date(2024, 5, 1)


def test_only_received_lines_count_in_a_mail() -> None:
    """Text of the subject, of other headers or of the body is nobody's build."""
    mail = (
        "Received: from a by EX1.example with Microsoft SMTP Server id 15.1.2507.35;\n"
        " Mon, 13 Nov 2023 23:30:00 -0800\n"
        "Subject: with Microsoft SMTP Server id 15.2.1118.40\n\n"
        "> with Microsoft SMTP Server id 15.2.986.5\n"
    )
    found = identify([Evidence(EvidenceKind.RECEIVED, mail)], KNOWN, TODAY)

    assert [builds(node) for node in found.nodes] == [["15.1.2507.35"]]
    assert found.nodes[0].seen_on == date(2023, 11, 14)  # in UTC


def test_a_build_shown_before_its_release_is_said() -> None:
    """A date before the build's release leaves no member, and a conflict that says why."""
    found = seen(
        "received", "with Microsoft SMTP Server id 15.2.1118.40; Tue, 2 Jul 2002 10:00:00 +0000"
    )

    assert found.builds == ()
    assert [conflict.rule for conflict in found.conflicts] == ["not_yet_released"]


@pytest.mark.parametrize(
    ("version", "is_exchange", "line"),
    [
        ("15.20", False, "online"),
        ("15.1", True, "2016"),
        ("15.0", True, "2013"),
        ("15.2", True, None),
    ],
)
def test_the_imap_id_names_the_line(version: str, is_exchange: bool, line: str | None) -> None:
    """The ID reply carries two parts: the line, or Exchange Online."""
    found = seen(
        "imap", f'* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "{version}")'
    )

    assert found.is_exchange is is_exchange
    assert (found.line.value if found.line else None) == line


@pytest.mark.parametrize(
    ("version", "line"), [("15.1.2600.1", "2016"), ("15.2.1800.3", "2019"), ("15.0.1500.2", "2013")]
)
def test_a_number_above_the_last_cu_is_newer_than_the_table(version: str, line: str) -> None:
    """The line is certain, the build is not; below the last CU such numbers are Online's."""
    found = seen("http_headers", f"X-OWA-Version: {version}")

    assert found.line is not None
    assert (found.line.value, found.builds, found.reason) == (line, (), "knowledge_too_old")
    assert seen("http_headers", "X-OWA-Version: 15.1.1240.20").is_exchange is None


def test_ntlm_alone_never_says_exchange() -> None:
    """A Windows build limits what could run there, no more."""
    found = seen("ntlm", "Target_Name: A\nProduct_Version: 10.0.20348")

    assert found.is_exchange is None
    assert "Windows Server 2022" in found.evidence[0].says


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("* OK Der Microsoft Exchange Server 2003 IMAP4rev1-Server, Version 6.5.7638.1 (x), steht "
         "zur Verf\xfcgung.", "2003"),
        ("* OK La version 5.5.2653.23 (x) du serveur IMAP4rev1 Microsoft Exchange est pr\xeate",
         "5.5"),
        ("* OK Microsoft Exchange Server 2003 IMAP4rev1 \xb7\xfe\xce\xf1\xc6\xf7\xb0\xe6\xb1\xbe "
         "6.5.6944.0 (x)", "2003"),
        ("+OK \xd1\xe5\xf0\xe2\xe5\xf0 Microsoft Exchange POP3 \xe2\xe5\xf0\xf1\xe8\xe8 "
         "5.5.2653.23  \xe3\xee\xf2\xee\xe2", "5.5"),
        ("+OK Microsoft Exchange Server 2007 POP3 service ready", "2007"),
    ],
)  # fmt: skip
def test_greetings_in_other_languages(text: str, line: str) -> None:
    """A greeting is understood by the product's name and number, in whatever language."""
    found = seen("imap" if text.startswith("*") else "pop", text)

    assert found.line is not None
    assert found.line.value == line


def test_an_unlisted_number_since_2016_casts_doubt() -> None:
    """From 2016 on a number between two published ones is never taken as the next one alone:
    with and without the CU's path beside it the set stays open and carries the doubt."""
    header = Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.2562.54")
    path = Evidence(EvidenceKind.HTML, '<img src="/owa/auth/15.2.2562/themes/a.png">')

    for evidence in ([header], [header, path]):
        found = identify(evidence, KNOWN, TODAY).nodes[0]

        assert found.or_later is True
        assert found.precision is IdentityPrecision.NARROWED
        assert found.reason == "unlisted_build"


def test_a_build_too_new_beside_a_published_one_casts_doubt() -> None:
    """When one answer shows a build newer than the table the other is not simply believed."""
    evidence = [
        Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.2562.99", source="/owa/"),
        Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.2562.56", source="/ecp/"),
    ]

    assert identify(evidence, KNOWN, TODAY).nodes[0].reason == "knowledge_too_old"


PROVEN = "HTTP/1.1 302 Found\nX-FEServer: EX1\nX-OWA-Version: 15.2.1118.7\n"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("imap", "* OK The Microsoft Exchange IMAP4 service is ready. "
                 "[QQBNADAAUABSADAAMgBDAEEAMAAwADAAMQAuAGUAdQA=]"),
        ("ehlo", "220 AM6.mail.protection.outlook.com Microsoft ESMTP MAIL Service ready at x"),
        ("http_headers", "X-OWA-Version: 15.20.7595.16"),
        ("http_headers", "MS-Server-ActiveSync: 16.1"),
        ("http_headers", "Server: SOGo"),
        ("html", '<form action="/mfa/check"><input type="password">'
                 '<img src="/owa/auth/15.2.1118/themes/a.png">'),
    ],
)  # fmt: skip
def test_another_answer_cannot_erase_a_proven_server(kind: str, text: str) -> None:
    """What one path, page or port says never hides a server that another answer proves."""
    evidence = [
        Evidence(EvidenceKind.HTTP_HEADERS, PROVEN, source="GET /owa/"),
        Evidence(EvidenceKind(kind), text, source="another", connection=5),
        Evidence(EvidenceKind(kind), text, source="another", connection=0),
    ]
    found = identify(evidence, KNOWN, TODAY).nodes[0]

    assert found.is_exchange is True
    assert builds(found) == ["15.2.1118.7"]


def test_a_foreign_name_in_a_policy_header_means_nothing() -> None:
    """Names of Exchange Online count in the headers that name back ends, nowhere else."""
    found = seen("http_headers", PROVEN + "Content-Security-Policy: x.internal.outlook.com\n")

    assert found.is_exchange is True


@pytest.mark.parametrize(
    "name", ["mercury", "courier", "sophos", "kerio", "postfix", "domino", "zimbra", "cyrus"]
)
def test_a_product_in_a_host_name_is_no_product(name: str) -> None:
    """A server may be called like a product."""
    banner = f"220 {name}.example.com Microsoft ESMTP MAIL Service ready at Wed, 21 Jul 2010"
    location = f"Location: https://mail.{name}-partner.example/owa/auth/logon.aspx\n" + PROVEN

    assert seen("smtp_banner", banner).is_exchange is True
    assert seen("http_headers", location).is_exchange is True
    assert seen("smtp_banner", f"220 {name}.example.com ESMTP ready").is_exchange is None


def test_back_ends_that_take_turns_on_one_connection_are_kept_apart() -> None:
    """A balancer may answer one connection from two back ends; each keeps its own build."""
    evidence = [
        Evidence(
            EvidenceKind.HTTP_HEADERS,
            f"HTTP/1.1 302 Found\nX-FEServer: {name}\nX-OWA-Version: {build}\n",
            source=f"GET {path}",
            connection=1,
        )
        for name, build, path in [
            ("EX1", "15.2.2562.56", "/owa/"),
            ("EX2", "15.2.2562.17", "/ecp/"),
            ("EX1", "15.2.2562.56", "/mapi/"),
        ]
    ]
    found = identify(evidence, KNOWN, TODAY)
    together = identify(
        [Evidence(EvidenceKind.HTTP_HEADERS, "\n".join(item.text for item in evidence))],
        KNOWN,
        TODAY,
    )

    for nodes in (found.nodes, together.nodes):
        assert {(node.node, *builds(node)) for node in nodes} == {
            ("EX1", "15.2.2562.56"),
            ("EX2", "15.2.2562.17"),
        }


def test_nameless_connections_with_different_builds_are_not_one_node() -> None:
    """Without a back end's name, two connections that show different sets stay apart."""
    evidence = [
        Evidence(EvidenceKind.HTTP_HEADERS, "X-OWA-Version: 15.2.2562.56", connection=1),
        Evidence(EvidenceKind.HTML, '<img src="/owa/auth/15.2.2562/a.png">', connection=2),
    ]

    assert len(identify(evidence, KNOWN, TODAY).nodes) == 2


def test_two_mail_servers_with_the_same_first_label_are_two() -> None:
    """Nodes of a mail's way are told apart by their full names."""
    header = "".join(
        f"Received: from a by mail.{domain} with Microsoft SMTP Server id {build}; "
        "Wed, 1 May 2024 10:00:00 +0200\n"
        for domain, build in (("one.example", "15.1.2507.35"), ("two.example", "15.2.1544.11"))
    )
    found = identify([Evidence(EvidenceKind.RECEIVED, header)], KNOWN, TODAY)

    assert len(found.nodes) == 2


def test_old_greetings_are_no_members_before_their_release() -> None:
    """A build that was not out yet on the day of the evidence is no member."""
    reading = read_version(KNOWN, "6.5.7638.1", date(1996, 1, 1))

    assert reading is not None
    assert reading.builds == frozenset()


def test_evidence_of_nothing_is_undecided(known: Knowledge) -> None:
    """No evidence at all gives one node of which nothing can be said."""
    found = identify([], known, TODAY)

    assert [node.is_exchange for node in found.nodes] == [None]


def test_hostile_texts_are_read_in_linear_time() -> None:
    """64 KiB of a text made to be slow take under half a second, in any kind."""
    pieces = [
        "<form ", "version 5.5 SP", "1.2.3.", "Received:", "Microsoft ESMTP MAIL ",
        "<assemblyIdentity ", "//a", "x-sogo-", "CAPABILITY ", "a.", "with Microsoft SMTP Server (",
        "Via: ", "X-OWA-Version: ", "\n", "a-b.", "<img src=/owa/auth/",
    ]  # fmt: skip
    tried = {(kind, piece) for kind in EvidenceKind for piece in pieces}
    tried |= {
        (kind, needle)
        for fingerprint in KNOWN.fingerprints
        if fingerprint.pattern is not None
        for kind in fingerprint.kinds
        for needle in fingerprint.contains
    }
    for kind, piece in sorted(tried):
        text = "Microsoft Exchange " + piece * ((1 << 16) // len(piece))
        start = process_time()
        seen(kind.value, text)
        assert process_time() - start < 0.5, (kind, piece)
