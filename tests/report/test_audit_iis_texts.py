"""Texts of what an audit finds in IIS: whatever the checks can say has its words."""

import re

import pytest

from patchstand.model import Finding, Remedy, Severity
from patchstand.report.advice import finding_text, remedy_plain
from patchstand.report.catalog import LANGUAGES, catalog

# fmt: off
FINDINGS = (
    "extended_protection_missing", "extended_protection_partly", "extended_protection_suppressed",
    "extended_protection_unsupported_build", "extended_protection_build_too_old",
    "extended_protection_too_strict", "extended_protection_prerequisites", "mitigation_active",
    "mitigation_missing", "mitigation_incomplete", "mitigation_disabled",
    "mitigation_without_effect", "mitigation_left_over", "iis_module_unsigned",
    "iis_module_foreign", "iis_module_elsewhere", "iis_config_unreadable", "iis_config_refused",
    "iis_config_without_place", "binding_without_certificate", "bound_certificate_missing",
    "back_end_not_bound", "hsts_back_end", "hsts_twice", "hsts_too_short", "hsts_redirects",
    "app_pool_restarts", "install_dir_left", "bin_search_folders", "powershell_requires_ssl",
    "powershell_asks_for_log_in", "virtual_directory_path",
)
REMEDIES = (
    "check_extended_protection_prerequisites", "set_extended_protection",
    "update_then_extended_protection", "unsuppress_extended_protection", "mitigate_until_update",
    "remove_mitigation", "examine_iis_modules", "repair_iis_config", "bind_certificate",
    "bind_back_end", "remove_hsts", "set_hsts", "unset_hsts_redirect", "unset_app_pool_restart",
    "replace_install_dir", "repair_bin_search_folders", "reset_powershell_directory",
    "repair_virtual_directory_path",
)
# fmt: on
_GAP = re.compile(r"(?:^|[\s(])-[.:,)]|: -$")
VALUES = tuple(
    (name, "3" if name == "count" else name)
    for name in (
        "count",
        "directories",
        "value",
        "ntlm",
        "dotnet",
        "offloading",
        "locks_out",
        "places",
        "cve",
        "rules",
        "unread",
        "reasons",
        "modules",
        "files",
        "bindings",
        "thumbprint",
        "said",
        "pools",
        "folders",
        "rule",
        "filter",
        "place",
    )
)  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", FINDINGS)
def test_each_finding_has_all_its_texts(name: str, lang: str) -> None:
    """Title, reason and question fill with the values the checks give; none is left empty."""
    cat = catalog(lang)
    shown = finding_text(Finding(name, Severity.LOW, VALUES), cat)

    assert all(len(part) > 10 for part in (shown.title, *shown.why))
    assert [part for part in (shown.title, *shown.why) if _GAP.search(part)] == []
    assert cat.has(f"question.{name}")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("action", REMEDIES)
def test_each_remedy_has_both_texts(action: str, lang: str) -> None:
    """For administrators with what to run, and as part of a sentence."""
    cat = catalog(lang)
    plain = remedy_plain(Remedy(action, VALUES), cat)

    assert cat.has(f"remedy.{action}.text")
    assert plain[0].islower() or plain.startswith(("Microsoft", "HSTS", "Extended"))
    assert not plain.endswith(".")


def test_a_command_keeps_its_backslashes() -> None:
    """What is to be run stands in the text as it is typed."""
    values = (("rule", "R"), ("filter", "a/b[@name='R']"), ("place", r"Default Web Site\owa"))
    finding = Finding(
        "mitigation_left_over", Severity.LOW, (), (Remedy("remove_mitigation", values),)
    )
    shown = finding_text(finding, catalog("en"))

    assert shown.steps == (
        "Remove the rule R: Clear-WebConfiguration -PSPath "
        r"'IIS:\Sites\Default Web Site\owa'"
        """ -Filter "a/b[@name='R']\"""",
    )
