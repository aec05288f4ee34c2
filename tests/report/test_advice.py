"""Findings, remedies, sentences and questions in words."""

from dataclasses import replace

import pytest
from tests.report import samples

from patchstand.model import CheckedServer, Finding, Knowledge, Remedy, Severity
from patchstand.report.advice import (
    QUESTIONS,
    finding_text,
    finding_texts,
    questions,
    remedy_plain,
    remedy_text,
    sentences,
)
from patchstand.report.catalog import LANGUAGES, catalog

_VALUES = {
    "missing_security_updates": {
        "count": "3", "count_low": "3", "count_high": "5", "since": "2026-02-10", "days": "252",
        "months": "8", "names": "Feb26SU, Jun26SU, Jul26SU", "newest": "Jul26SU",
        "open_cves": "12", "exploited": "CVE-2026-1, CVE-2026-2", "rce": "1",
    },
    "possibly_missing_updates": {
        "count_low": "0", "count_high": "1", "since": "2026-10-13", "days": "7", "months": "0",
        "newest": "Oct26SU",
    },
    "open_without_update": {"cves": "CVE-2026-42897"},
    "unsupported_line": {"release": "2016 CU23", "phase": "esu", "until": "2026-10-31"},
    "undetermined_configuration": {
        "cves": "CVE-2024-21410", "conditions": "extended_protection", "decide_by": "a command",
    },
    "build_not_exact": {
        "count": "13", "lowest": "15.2.1118.7", "highest": "15.2.1118.40", "decide_by": "x",
    },
    "build_unknown": {"count": "0", "lowest": "", "highest": "", "decide_by": "x"},
    "knowledge_stale": {"covered_until": "2026-10-13", "patch_day": "2026-11-10"},
    "knowledge_too_old": {"value": "15.2.9999.1"},
    "withdrawn_update": {
        "update": "Nov24SU", "withdrawn_on": "2024-11-14", "replacement": "Nov24SUv2",
    },
    "reissued_update": {"update": "Sep26SU", "withdrawn_on": "", "replacement": "Sep26SUv2"},
    "version_rewritten": {"value": "15.02.2562.037", "rule": "version_rewritten"},
    "several_builds": {"builds": "15.2.1118.7, 15.2.1118.9", "nodes": "EX1, EX2"},
    "remote_powershell_exposed": {"port": "8443"},
    "admin_center_exposed": {"port": "443"},
    "basic_authentication": {"services": "ews, autodiscover"},
    "clear_text_login": {"services": "imap, pop"},
    "old_tls": {"versions": "TLSv1, TLSv1.1"},
    "certificate_expired": {"not_after": "2026-10-01"},
    "certificate_self_signed": {"subject": "CN=EX1"},
    "certificate_expires_soon": {"not_after": "2026-11-01", "days": "12"},
    "router_in_front": {"router": "FRITZ!Box"},
}  # fmt: skip
_REMEDIES = {
    "install_cu": {"update": "CU15", "cu": "CU15", "kb": "", "build": "15.2.1748.10"},
    "install_su": {"update": "Oct26SU", "kb": "KB1", "cu": "CU15", "build": "15.2.1748.55"},
    "install_esu_update": {"update": "Oct26SU", "kb": "", "cu": "CU23"},
    "upgrade_to_se": {},
    "replace_by_se": {},
    "check_for_compromise": {"cves": "CVE-2022-41040"},
    "apply_mitigation": {"cves": "CVE-2026-42897"},
    "restrict_from_internet": {"service": "powershell"},
    "enable_extended_protection": {
        "command": "ExchangeExtendedProtectionManagement.ps1 -ShowExtendedProtection"
    },
    "decide": {"command": "Get-SettingOverride"},
    "renew_certificate": {},
    "disable_old_tls": {},
    "disable_basic_authentication": {"services": "ews"},
    "check_again": {},
    "update_knowledge": {},
}


def _finding(name: str, **changed: str) -> Finding:
    values = _VALUES.get(name, {}) | changed
    return Finding(name, Severity.HIGH, tuple(values.items()))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", _VALUES)
def test_finding_is_filled_in(name: str, lang: str) -> None:
    """Every text of every finding takes the values that its check gives."""
    shown = finding_text(_finding(name), catalog(lang))
    whole = " ".join((shown.title, *shown.why))

    assert "{" not in whole
    assert " - " not in whole
    assert shown.title != name


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("action", _REMEDIES)
def test_remedy_is_filled_in(action: str, lang: str) -> None:
    """Every remedy is a sentence for administrators and a part of one for everybody."""
    remedy = Remedy(action, tuple(_REMEDIES[action].items()))
    text, plain = remedy_text(remedy, catalog(lang)), remedy_plain(remedy, catalog(lang))

    assert "{" not in text + plain
    assert " - " not in text
    assert not plain.endswith(".")


def test_unknown_kb_number_is_said() -> None:
    """A missing KB number is no empty pair of brackets."""
    remedy = Remedy("install_su", tuple((_REMEDIES["install_su"] | {"kb": ""}).items()))

    assert "no KB number known" in remedy_text(remedy, catalog("en"))


def test_set_of_builds_gives_bounds() -> None:
    """A finding over a set says `at least` and gives the upper bound."""
    shown = finding_text(_finding("missing_security_updates"), catalog("en"))

    assert shown.title.startswith("At least 3 security updates are missing")
    assert any("at most 5" in sentence for sentence in shown.why)


def test_exact_build_gives_no_bounds() -> None:
    """With one build there is one number."""
    finding = _finding("missing_security_updates", count_high="3", exploited="", rce="0")
    shown = finding_text(finding, catalog("en"))

    assert shown.title == "3 security updates are missing, the oldest since 10 February 2026"
    assert not any("at most" in part or "attacks" in part for part in shown.why)
    assert not any("run code" in part for part in shown.why)


def test_phase_of_support_chooses_the_words() -> None:
    """A running paid programme and the end of support read differently."""
    esu = finding_text(_finding("unsupported_line"), catalog("en"))
    ended = finding_text(_finding("unsupported_line", phase="ended"), catalog("en"))

    assert any("ESU" in sentence for sentence in esu.why)
    assert any("ended on" in sentence for sentence in ended.why)


def test_unknown_finding_and_remedy_are_shown_by_their_values() -> None:
    """A check or step without texts is still reported."""
    finding = Finding("new_check", Severity.LOW, (("port", "25"),), (Remedy("new_step"),))
    shown = finding_text(finding, catalog("de"))

    assert (shown.title, shown.why) == ("new_check", ("port: 25",))
    assert shown.steps[0].startswith("new_step")


def test_steps_are_said_once() -> None:
    """A second finding with the same steps refers to the first one."""
    finding = replace(_finding("old_tls"), remedy=(Remedy("disable_old_tls"),))
    first, second = finding_texts([finding, finding], catalog("en"))

    assert (len(first.steps), first.as_above) == (1, False)
    assert (second.steps, second.as_above) == ((), True)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_server_has_three_sentences(servers: list[CheckedServer], lang: str) -> None:
    """What it is, how bad, what must happen: for servers of every kind."""
    for server in servers:
        said = sentences(server, catalog(lang))
        assert len(said) == 3
        assert all(sentence.endswith(".") and "{" not in sentence for sentence in said)


def test_sentences_on_a_vulnerable_server(known: Knowledge) -> None:
    """They name the level, the day since when, and that it must happen at once."""
    what, bad, must = sentences(samples.vulnerable(known), catalog("en"))

    assert "Exchange Server 2016 with update level CU23 May22SU" in what
    assert "since 9 August 2022" in bad
    assert must.startswith("What must happen at once: install")


def test_sentences_on_a_fine_server(known: Knowledge) -> None:
    """Nothing to do, with the day on which that was so."""
    _, bad, must = sentences(samples.up_to_date(known), catalog("en"))

    assert "As known on 20 October 2026" in bad
    assert must.startswith("Nothing needs to be done")


def test_stale_knowledge_is_never_called_fine(known: Knowledge) -> None:
    """After a patch day that the knowledge lacks, the sentence says up to when it holds."""
    server = samples.up_to_date(known, samples.stale_day(known))
    _, bad, must = sentences(server, catalog("en"))

    assert bad.startswith(f"Up to {catalog('en').date(known.covered_until)} no update")
    assert "Nothing needs to be done" not in must


@pytest.mark.parametrize("lang", LANGUAGES)
def test_five_different_questions(servers: list[CheckedServer], lang: str) -> None:
    """There are always five, with the findings first."""
    for server in servers:
        asked = questions(server, catalog(lang))
        assert len(set(asked)) == QUESTIONS
        assert not any("{" in question for question in asked)
    assert "9 August 2022" in questions(servers[0], catalog("en"))[0]


def test_search_for_traces_is_never_cut_away(known: Knowledge) -> None:
    """However many steps there are, the sentence names the look for a break-in."""
    server = samples.vulnerable(known)
    install = [Remedy("install_su", (("update", f"SU{number}"),)) for number in range(9)]
    first = replace(
        server.findings[0], remedy=(*install, Remedy("check_for_compromise"), Remedy("check_again"))
    )
    must = sentences(replace(server, findings=(first,)), catalog("en"))[2]

    assert must.count("install") == 4
    assert must.endswith("examine the server for traces of a break-in.")


def test_update_of_the_same_day_is_less_than_a_day_late() -> None:
    """Nobody is zero days behind."""
    finding = _finding("missing_security_updates", days="0", months="0")

    assert "less than a day" in finding_text(finding, catalog("en")).why[0]
