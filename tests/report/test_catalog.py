"""The catalogs: same keys, same placeholders, a text for each member of each enum."""

import string
from datetime import UTC, date, datetime
from enum import StrEnum

import pytest

from patchstand.errors import UsageError
from patchstand.model import (
    Condition,
    IdentityPrecision,
    Outcome,
    PhaseName,
    ServerClass,
    Severity,
    Status,
    Why,
)
from patchstand.report.catalog import LANGUAGES, Plural, catalog

# fmt: off
_FINDINGS = (
    "missing_security_updates", "possibly_missing_updates", "open_without_update",
    "unsupported_line", "undetermined_configuration", "build_not_exact", "build_unknown",
    "knowledge_stale", "knowledge_too_old", "withdrawn_update", "reissued_update",
    "version_rewritten", "several_builds", "remote_powershell_exposed", "admin_center_exposed",
    "basic_authentication", "clear_text_login", "old_tls", "certificate_expired",
    "certificate_self_signed", "certificate_expires_soon", "router_in_front",
)
_REMEDIES = (
    "install_cu", "install_su", "install_esu_update", "upgrade_to_se", "replace_by_se",
    "check_for_compromise", "apply_mitigation", "restrict_from_internet",
    "enable_extended_protection", "decide", "renew_certificate", "disable_old_tls",
    "disable_basic_authentication", "check_again", "update_knowledge",
)
# fmt: on
_ENUMS: list[tuple[str, type[StrEnum]]] = [
    ("class", ServerClass),
    ("class_meaning", ServerClass),
    ("severity", Severity),
    ("status", Status),
    ("why", Why),
    ("reason", Why),
    ("phase", PhaseName),
    ("outcome", Outcome),
    ("precision", IdentityPrecision),
    ("condition", Condition),
]


def _placeholders(entry: str | Plural) -> set[str]:
    templates = (entry.one, entry.other) if isinstance(entry, Plural) else (entry,)
    names = {name for text in templates for _, name, _, _ in string.Formatter().parse(text) if name}
    return names | ({entry.by} if isinstance(entry, Plural) else set())


def test_languages_have_the_same_keys() -> None:
    """No text is missing in one of the languages."""
    assert set(catalog("de").texts) == set(catalog("en").texts)


def test_languages_have_the_same_placeholders() -> None:
    """A text takes the same values in both languages; the form of a date is its own."""
    german, english = catalog("de").texts, catalog("en").texts
    different = {
        key
        for key in english
        if key != "format.date" and _placeholders(german[key]) != _placeholders(english[key])
    }

    assert different == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_findings_have_title_reason_and_question(lang: str) -> None:
    """Each finding has all its texts."""
    cat = catalog(lang)
    keys = [f"finding.{name}.{part}" for name in _FINDINGS for part in ("title", "why")]

    assert [key for key in keys if not cat.has(key)] == []
    assert [name for name in _FINDINGS if not cat.has(f"question.{name}")] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_remedies_have_both_texts(lang: str) -> None:
    """Each remedy has a text for administrators and one for everybody."""
    cat = catalog(lang)
    keys = [f"remedy.{name}.{part}" for name in _REMEDIES for part in ("text", "plain")]

    assert [key for key in keys if not cat.has(key)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(("group", "members"), _ENUMS)
def test_each_member_of_an_enum_has_a_text(lang: str, group: str, members: type[StrEnum]) -> None:
    """Whatever value the model can hold, there is a word for it."""
    cat = catalog(lang)

    assert [member for member in members if not cat.has(f"{group}.{member.value}")] == []


def test_dates_and_numbers_follow_the_language() -> None:
    """Dates, times and numbers look as readers of the language expect."""
    german, english = catalog("de"), catalog("en")
    day = date(2026, 10, 3)
    at = datetime(2026, 10, 3, 9, 5, tzinfo=UTC)

    assert (german.date(day), english.date(day)) == ("03.10.2026", "3 October 2026")
    assert german.moment(at) == "03.10.2026, 09:05 UTC"
    assert (german.number(12345), english.number(12345)) == ("12.345", "12,345")
    assert (german.number(9.8), english.number(9.8)) == ("9,8", "9.8")


def test_plural_forms_follow_their_number() -> None:
    """One server, two servers."""
    assert catalog("en").text("check.servers", n=1) == "1 server"
    assert catalog("en").text("check.servers", n=2) == "2 servers"


def test_lists_are_joined_with_the_word_of_the_language() -> None:
    """`a, b und c`."""
    assert catalog("de").join(["a", "b", "c"]) == "a, b und c"
    assert catalog("en").join(["a", "b"], "or") == "a or b"
    assert catalog("en").join(["a"]) == "a"


def test_braces_in_a_value_stay_what_they_are() -> None:
    """Values are never templates."""
    text = catalog("en").text("page.title_one", target="{0.__class__}")

    assert text == "Patch level of {0.__class__}"


def test_missing_value_is_an_error_unless_a_gap_is_given() -> None:
    """A forgotten value shows in the tests, and as a gap in a report."""
    cat = catalog("en")

    with pytest.raises(KeyError):
        cat.text("page.title_one")
    assert cat.fill("page.title_one", {}, "-") == "Patch level of -"


def test_unknown_language_is_a_usage_error() -> None:
    """The message names the languages there are."""
    with pytest.raises(UsageError, match="de, en"):
        catalog("fr")
