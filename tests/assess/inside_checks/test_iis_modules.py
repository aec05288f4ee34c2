"""Native modules of IIS and who signed them."""

import pytest
from tests.assess.inside_checks.clixml import export
from tests.collect.iis.configs import REWRITE_MODULE, V15, host, inside

from patchstand.assess.inside import Inside, Unread
from patchstand.assess.inside_checks.iis_modules import CHECK
from patchstand.model import Finding, Severity

REWRITE = r"C:\Windows\system32\inetsrv\rewrite.dll"


def _module(
    name: str, path: str = REWRITE, status: str = "Valid", *, signed: bool = True, own: bool = True
) -> dict[str, object]:
    details = {"Signer": "CN=X", "SignatureStatus": status, "IsMicrosoftSigned": own}
    return {"Name": name, "Path": path, "Signed": signed, "SignatureDetails": details}


def _server(*modules: dict[str, object], images: str = REWRITE_MODULE) -> Inside:
    files = {"applicationHost.config": host(modules=images)}
    listed = export({"ModuleList": list(modules)})
    return inside(files | ({"GetIISModules.xml": listed} if modules else {}))


def _found(server: Inside) -> list[tuple[str, Severity]]:
    return [(e.id, e.severity) for e in CHECK.run(server) if isinstance(e, Finding)]


def test_modules_signed_by_microsoft_are_fine() -> None:
    """Nothing to say, nothing open."""
    assert list(CHECK.run(_server(_module("RewriteModule")))) == []


@pytest.mark.parametrize(
    ("module", "finding", "severity"),
    [
        (_module("RewriteModule", signed=False), "iis_module_unsigned", Severity.HIGH),
        (_module("RewriteModule", status="HashMismatch"), "iis_module_unsigned", Severity.HIGH),
        (_module("RewriteModule", own=False), "iis_module_foreign", Severity.LOW),
        (_module("RewriteModule", status="NotTrusted"), "iis_module_foreign", Severity.LOW),
    ],
)
def test_what_nobody_or_somebody_else_signed_is_told(
    module: dict[str, object], finding: str, severity: Severity
) -> None:
    """A file changed after it was signed is as good as unsigned."""
    assert _found(_server(module)) == [(finding, severity)]


def test_modules_whose_signature_was_not_exported_are_not_called_fine() -> None:
    """The list of IIS and the list of signatures have to agree."""
    backdoor = '<add name="Extra" image="%windir%\\System32\\inetsrv\\extra.dll" />'
    server = _server(_module("RewriteModule"), images=REWRITE_MODULE + backdoor)

    assert list(CHECK.run(server)) == [Unread("GetIISModules")]
    assert list(CHECK.run(_server())) == [Unread("GetIISModules")]


def test_code_from_other_folders_is_told() -> None:
    """Windows and Exchange have theirs; what lies elsewhere needs an explanation."""
    images = (
        REWRITE_MODULE
        + f'<add name="kerbauth" image="{V15}\\Bin\\kerbauth.dll" />'
        + '<add name="wsm" image="C:\\Windows\\system32\\wsmsvc.dll" />'
        + '<add name="odd" image="C:\\ProgramData\\odd.dll" />'
    )
    server = _server(
        *(_module(n) for n in ("RewriteModule", "kerbauth", "wsm", "odd")), images=images
    )
    found = next(each for each in CHECK.run(server) if isinstance(each, Finding))

    assert found.id == "iis_module_elsewhere"
    assert [each.value for each in found.read] == [r"C:\ProgramData\odd.dll"]
