"""The script for the admin: it parses, it only reads, and it writes into its own folder."""

import re
from pathlib import Path

import pytest
from tests.collect.powershell import Script

from patchstand.collect.collector import collector

SOURCE = Path(__file__).resolve().parents[2] / "src" / "patchstand"
MOST_LINES = 119
READS = {"Get", "Select", "Sort", "ForEach", "Split", "Test", "ConvertTo"}
IN_MEMORY = {"New-Object", "Write-Host", "Connect-ExchangeServer"}
WITH_THESE_ARGUMENTS = {
    "Add-Type": ("-AssemblyName", "System.Security"),
    "Add-PSSnapin": ("Microsoft.Forefront.Filtering.Management.Powershell",),
    "Invoke-WebRequest": (
        "-UseBasicParsing",
        "https://officeclient.microsoft.com/GetExchangeMitigations",
    ),
}
WRITES = {
    "New-Item": 3,
    "Export-Clixml": 1,
    "Set-Content": 0,
    "Compress-Archive": 1,
    "Copy-Item": 1,
    "Rename-Item": 0,
}
"""Cmdlets that write, and which argument says where."""
METHODS = {
    "Add", "ComputeSignature", "Encode", "Exists", "ExpandEnvironmentVariables", "GetAttribute",
    "GetCurrentForest", "GetDirectoryEntry", "GetSecurityDescriptorSddlForm", "GetValue",
    "GetValueNames", "Load", "ReadAllBytes", "RefreshCache", "RemoveChild", "Save", "SelectNodes",
    "Substring", "ToString", "TrimEnd", "WriteAllBytes",
}  # fmt: skip
INSTEAD = {
    "GetAllTlsSettings": "registry.json",
    "GetServiceMitigation": "OS\\Get$noun",
    "GetInternalTransportCertificateFromServer": "TransportService",
    "GetExchangeADSplitPermissionsEnabled": "GetExchangeWellKnownSecurityGroups",
    "GetExchangeAES256CBCDetails": "",
}
"""Exports of other collectors that checks also read: what ours has in their place, if anything."""


@pytest.fixture(scope="module")
def text() -> str:
    return collector().decode("ascii")


@pytest.fixture(scope="module")
def script() -> Script:
    return Script(collector())


def is_in_own_folder(argument: str) -> bool:
    return any(
        all(part.strip().startswith(f'"${own}') for part in argument.split(","))
        for own in ("root", "Folder", "Inbox")
    )


def test_it_is_short_enough_to_be_read(text: str) -> None:
    """An admin can review it: under 120 lines, and in ASCII, which PowerShell 5.1 reads."""
    assert len(text.splitlines()) <= MOST_LINES


def test_it_parses(script: Script) -> None:
    """The whole text is PowerShell."""
    assert script.mistakes() == []


def test_only_known_commands_are_called(script: Script) -> None:
    """Every command reads, or works in memory, or writes what the next test looks at."""
    known = IN_MEMORY | set(WITH_THESE_ARGUMENTS) | set(WRITES) | script.functions()

    named = {call.name for call in script.calls() if call.name[0].isalpha()}

    assert {name for name in named - known if name.partition("-")[0] not in READS} == set()


def test_commands_that_are_named_while_it_runs_are_reads(script: Script) -> None:
    """A name that is put together begins with `Get-`; else only blocks of the script are run."""
    put_together = {call.name for call in script.calls() if not call.name[0].isalpha()}

    assert put_together == {
        '"Get-$noun"',
        "$Do",
        "$Read",
        r'"$env:ExchangeInstallPath\bin\RemoteExchange.ps1"',
    }


def test_it_writes_into_its_folder_and_the_inbox_only(script: Script) -> None:
    """Where a cmdlet or a method writes begins with the folder it was given, or the inbox."""
    places = [call.arguments[WRITES[call.name]] for call in script.calls() if call.name in WRITES]
    saved = [whole for name, whole in script.members() if name in {"Save", "WriteAllBytes"}]

    assert len(places) >= len(WRITES)
    assert [place for place in places if not is_in_own_folder(place)] == []
    assert [whole for whole in saved if '("$root' not in whole] == []


def test_what_leaves_the_script_has_these_arguments(script: Script) -> None:
    """Code is loaded, and the network asked, with these words only."""
    found = {
        call.name: call.arguments for call in script.calls() if call.name in WITH_THESE_ARGUMENTS
    }

    assert found == WITH_THESE_ARGUMENTS


def test_only_known_methods_are_called(script: Script) -> None:
    """No method changes a directory object, a registry key, a service or another file."""
    assert {name for name, _ in script.members()} <= METHODS


def test_no_cmdlet_that_changes_is_written_anywhere(text: str) -> None:
    """Without a parser too: no word of the script is a cmdlet with a verb that changes things."""
    changing = (
        "Set|Remove|Clear|Enable|Disable|Stop|Start|Restart|Update|Install|Uninstall|Move|Mount"
        "|Dismount|Register|Unregister|Grant|Revoke|Reset|Suspend|Resume|Invoke|Import|Out|Send"
    )

    found = set(re.findall(rf"\b(?:{changing})-[A-Z]\w+", text))

    assert found == {"Set-Content", "Invoke-WebRequest"}


def test_it_leaves_out_the_secrets_it_promises_to(text: str) -> None:
    """What the help says is left out stands in the expressions that leave it out."""
    hidden = re.search(r"^\$hidden = (.*)$", text, re.MULTILINE)
    names = re.search(r"^\$secretName = '(.*)'$", text, re.MULTILINE)
    words = re.search(r"^\$secretWord = '(.*)'$", text, re.MULTILINE)
    values = re.search(r"^\$secretValue = '(.*)'$", text, re.MULTILINE)
    assert hidden is not None
    assert names is not None
    assert words is not None
    assert values is not None

    for pattern in re.findall(r"'([^']+)'", hidden[1]):
        assert pattern in text[: text.index("#>")]
    for name in (
        "password", "keyPassword", "validationKey", "decryptionKey", "sessionKey",
        "connectionString", "sqlConnectionString", "clientSecret", "CipherValue",
    ):  # fmt: skip
        assert re.search(names[1], name, re.IGNORECASE)
    for name in ("tokenChecking", "passwordFormat", "flags", "physicalPath", "name", "value"):
        assert not re.search(names[1], name, re.IGNORECASE)
    for key in ("ProxyPassword", "api-key", "ClientSecret", "AccessToken"):
        assert re.search(words[1], key, re.IGNORECASE)
    for value in ("Server=x;Pwd = y", "AccountKey=abc", "Basic dXNlcg=="):
        assert re.search(values[1], value, re.IGNORECASE)


def test_every_export_that_checks_ask_for_is_collected(text: str) -> None:
    """A check asks for nothing the script does not export, but for what other collectors have."""
    wanted = {
        name
        for path in (SOURCE / "assess").rglob("*.py")
        for name in re.findall(r'"((?:Get|Win32_|WebRequest_)\w[\w-]*)"', path.read_text("utf-8"))
        if "Get-" not in name
    }
    collected = {name for name in wanted if f"\\{name}'" in text}
    lists = " ".join(re.findall(r"-split '([^']+)'", text)).split()
    collected |= {name for name in wanted if name.removeprefix("Get") in lists}
    services = re.search(r"foreach \(\$noun in ('Service'.*?)\)", text)
    assert services is not None
    collected |= {name for name in wanted if f"'{name.removeprefix('Get')}'" in services[1]}
    collected |= {name for name in wanted if "AdSchemaClass_" in name}

    assert wanted
    assert wanted - collected <= set(INSTEAD)
