"""Bundles of an inbox: their hashes, their signatures, and what is refused."""

from pathlib import Path

import pytest
from tests.collect.certified import Pair, pair, pem, signed
from tests.workflow.bundles import DAY, exports, whole, zipped

from patchstand.model.audited import AuditedServer
from patchstand.model.bundled import RefusedBundle, Signature
from patchstand.workflow.audit import AuditPlan, audit

CHANGED = "Exchange/GetOrganizationConfig.xml"


@pytest.fixture(scope="module")
def known() -> Pair:
    return pair()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def certificate(folder: Path, known: Pair) -> Path:
    path = folder.parent / "known.pem"
    path.write_bytes(pem(known[0]))
    return path


def signed_bundle(path: Path, files: dict[str, str], by: Pair) -> None:
    zipped(path, files)
    path.with_name(f"{path.name}.p7s").write_bytes(signed(path.read_bytes(), by))


def results(inbox: Path, certificates: Path | None = None) -> list[AuditedServer | RefusedBundle]:
    return list(audit(AuditPlan((), DAY, inbox=inbox, certificates=certificates)))


def test_every_zip_of_the_folder_is_audited_in_order(inbox: Path) -> None:
    """Zips are servers, by name; other files, unfinished ones too, are not looked at."""
    for name in ("b.zip", "a.ZIP"):
        zipped(inbox / name, exports())
    (inbox / "c.zip.part").write_bytes(b"PK")
    (inbox / "readme.txt").write_text("no bundle")

    found = results(inbox)

    assert len(found) == 2
    assert all(isinstance(server, AuditedServer) for server in found)


def test_a_manifest_that_fits_is_told_with_what_failed(inbox: Path) -> None:
    """Who wrote the bundle, when, and what could not be exported comes with the server."""
    zipped(inbox / "a.zip", whole(exports(), GetHybridConfiguration="Access is denied."))

    (server,) = results(inbox)

    assert isinstance(server, AuditedServer)
    assert server.provenance is not None
    assert server.provenance.manifest is not None
    assert server.provenance.altered == ()
    assert [each.why for each in server.provenance.manifest.failed] == ["Access is denied."]
    assert server.provenance.signature is Signature.NONE


@pytest.mark.parametrize("how", ["changed", "missing", "added"])
def test_an_altered_file_is_not_judged(inbox: Path, how: str) -> None:
    """A file that differs from the manifest decides nothing, and is named."""
    files = whole(exports(downloads=True))
    if how == "changed":
        files[CHANGED] += " "
    elif how == "missing":
        del files[CHANGED]
    else:
        files["Exchange/GetSettingOverride.xml"] = "<Objs/>"
    zipped(inbox / "a.zip", files)

    (server,) = results(inbox)

    assert isinstance(server, AuditedServer)
    assert server.provenance is not None
    (altered,) = server.provenance.altered
    assert altered.file not in server.read
    if how != "added":
        assert altered.file == CHANGED
        assert "GetOrganizationConfig" in [each.wanted for each in server.undetermined]


def test_a_signature_without_certificate_is_said_to_be_unverified(inbox: Path, known: Pair) -> None:
    """A signature nobody could verify is reported as such, neither good nor absent."""
    signed_bundle(inbox / "a.zip", whole(exports()), known)

    (server,) = results(inbox)

    assert isinstance(server, AuditedServer)
    assert server.provenance is not None
    assert server.provenance.signature is Signature.NOT_VERIFIED


def test_with_a_certificate_only_its_bundles_are_judged(inbox: Path, known: Pair) -> None:
    """Signed by the known certificate: judged. Unsigned, or by somebody else: refused."""
    signed_bundle(inbox / "a.zip", whole(exports()), known)
    signed_bundle(inbox / "b.zip", whole(exports()), pair("other"))
    zipped(inbox / "c.zip", whole(exports()))

    good, other, unsigned = results(inbox, certificate(inbox, known))

    assert isinstance(good, AuditedServer)
    assert good.provenance is not None
    assert good.provenance.signature is Signature.VERIFIED
    assert isinstance(other, RefusedBundle)
    assert "somebody else" in other.why
    assert isinstance(unsigned, RefusedBundle)
    assert unsigned.why == "not signed"


def test_with_a_certificate_an_altered_bundle_is_refused(inbox: Path, known: Pair) -> None:
    """Whether the zip changed after it was signed, or its files before: it is not judged."""
    files = whole(exports())
    signed_bundle(inbox / "a.zip", files, known)
    zipped(inbox / "a.zip", {**files, "more.txt": "x"})
    signed_bundle(inbox / "b.zip", {**files, CHANGED: files[CHANGED] + " "}, known)

    after, before = results(inbox, certificate(inbox, known))

    assert isinstance(after, RefusedBundle)
    assert isinstance(before, RefusedBundle)
    assert CHANGED in before.why


def test_one_broken_bundle_does_not_end_the_others(inbox: Path) -> None:
    """A zip that breaks off, a broken manifest and a link are refused; the rest is judged."""
    zipped(inbox / "a.zip", exports())
    (inbox / "b.zip").write_bytes((inbox / "a.zip").read_bytes()[:100])
    zipped(inbox / "c.zip", {**exports(), "manifest.json": "{"})
    (inbox / "d.zip").symlink_to(inbox / "a.zip")

    found = results(inbox)

    assert [type(each) for each in found] == [AuditedServer, *[RefusedBundle] * 3]
