"""A bundle for a third party: the same findings, and none of the names."""

import base64
import json
import re
import zipfile
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from tests.collect.certified import pair
from tests.workflow.bundles import DAY, DOMAIN, SERVER, USER, clixml, exports, whole, zipped

from patchstand.errors import UsageError
from patchstand.model.audited import AuditedServer
from patchstand.workflow.audit import AuditPlan, audit
from patchstand.workflow.audit_redact import redact

KEY = bytes(range(32))
THUMBPRINT = "0F1E2D3C4B5A69788796A5B4C3D2E1F001234567"
SERIAL = "5C7566D43451D0A14FBC9B3B6F4E7246"
TENANT = "7d0cfe1a-3c5b-4a2e-9f44-0123456789ab"
SID = "S-1-5-21-3966804624-2143408355-627260183"
ADDRESSES = ("10.20.30.40", "2a02:810d:1234::15", "00-15-5D-01-02-03")
SECRET = "Sommer2026!"
PERSON = "Erika Musterfrau"
DN = f"CN={SERVER},CN=Servers,CN=Stadtwerke Org,CN=Microsoft Exchange,DC=stadtwerke,DC=example"
SCHEMA = "bf967a7f-0de6-11d0-a285-00aa003049e2;bf967a86-0de6-11d0-a285-00aa003049e2"
ACL = f"D:(OD;CI;WP;{SCHEMA};{SID}-1122)"
NAMES = (
    SERVER, "stadtwerke", DOMAIN, USER, "mustermann", PERSON, "STADTNB", "Koelnsite",
    THUMBPRINT, SERIAL, TENANT, "3966804624", *ADDRESSES, SECRET, "mailrelay", "KOELNDB01",
    "geheimer-server", "Protokolltext",
)  # fmt: skip
CONFIGURATION = f"""<configuration>
  <!-- written by {USER} -->
  <appSettings><add key="ProxyPassword" value="{SECRET}" /><add key="a" value="b" /></appSettings>
  <connectionStrings><add connectionString="Server=x;Password={SECRET}" /></connectionStrings>
  <system.applicationHost><sites><site name="Default Web Site"><bindings>
    <binding protocol="https" bindingInformation="{ADDRESSES[0]}:443:mail.{DOMAIN}" />
  </bindings></site></sites></system.applicationHost>
  <runtime><assemblyIdentity newVersion="15.0.0.0" oldVersion="0.0.0.0-15.0.0.0" /></runtime>
  <location path="Default Web Site/owa"><system.webServer><security><authentication>
    <windowsAuthentication><extendedProtection tokenChecking="Require" /></windowsAuthentication>
  </authentication></security></system.webServer></location>
</configuration>"""


def certificate() -> str:
    return base64.b64encode(pair("geheimer-server")[0].public_bytes(Encoding.DER)).decode()


def telling() -> dict[str, str]:
    """A bundle in which every kind of name stands somewhere."""
    raw = certificate()
    used = x509.load_der_x509_certificate(base64.b64decode(raw)).fingerprint(hashes.SHA1())
    files = {
        **exports(),
        "Exchange/GetAcceptedDomain.xml": clixml({"Name": "Haupt", "DomainName": DOMAIN}),
        "Exchange/GetMailboxServer.xml": clixml(
            {
                "DistinguishedName": DN,
                "Database": f"CN=KOELNDB01,CN=Databases,{DN}",
                "Site": f"stadtwerke.example/Sites/Koelnsite,CN=Koelnsite,CN=Sites,{DN}",
                "Id": TENANT,
                "AdminDisplayVersion": "Version 15.2 (Build 2562.17)",
                "Path": rf"C:\Users\{USER}\Desktop",
                "ObjectType": "bf967a86-0de6-11d0-a285-00aa003049e2",
            }
        ),
        "Exchange/GetLocalGroupMember.xml": clixml(
            {"Name": rf"STADTNB\{USER}", "SID": f"{SID}-1104"},
            {"Name": r"BUILTIN\Administrators", "SID": "S-1-5-32-544"},
        ),
        "Exchange/GetSendConnector.xml": clixml(
            {
                "SmartHosts": [f"mailrelay.{DOMAIN}", ADDRESSES[0]],
                "Comment": f"ask {USER}@{DOMAIN} or {PERSON} <e.musterfrau@{DOMAIN}>",
                "Fqdn": f"{SERVER}.{DOMAIN}",
                "Mac": ADDRESSES[2],
                "SourceIP": f"{ADDRESSES[1]} and {ADDRESSES[0]}, 0.0.0.0",
                "Contact": f"CN={PERSON},OU=Einkauf,DC=stadtwerke,DC=example",
            }
        ),
        "Exchange/GetExchangeCertificate.xml": clixml({"Thumbprint": THUMBPRINT, "Serial": SERIAL}),
        "Exchange/GetAuthConfig.xml": clixml({"CurrentCertificateThumbprint": THUMBPRINT}),
        "Exchange/GetDomainsAcl.xml": clixml({"Sddl": ACL}),
        "Exchange/Certificates.xml": clixml({"x": 1}).replace(
            "</MS>", f'<BA N="RawData">{raw}</BA><S N="SerializationData">{SERVER}</S></MS>'
        ),
        "Exchange/Named.xml": clixml({"Thumbprint": used.hex().upper()}),
        "Exchange/IIS/applicationHost.config": CONFIGURATION,
        "OS/GetWinEventSystem.xml": clixml({"Message": "Protokolltext"}),
        "registry.json": json.dumps({"HKLM\\SYSTEM": {"Hostname": SERVER, "Domain": DOMAIN}}),
        "notes.docx": "STADTNB",
    }
    return whole(files, Get=f"{USER} may not, on {SERVER}")


@pytest.fixture
def redacted(tmp_path: Path) -> Path:
    target = tmp_path / "out.zip"
    redact(zipped(tmp_path / "in.zip", telling()), target, KEY)
    return target


def contents(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def judged(path: Path) -> AuditedServer:
    (server,) = audit(AuditPlan((path,), DAY))
    assert isinstance(server, AuditedServer)
    return server


def told(server: AuditedServer) -> list[tuple[str, str]]:
    return [(finding.id, finding.severity.value) for finding in server.findings]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_is_left_in_any_file(redacted: Path, name: str) -> None:
    """Neither the files nor their names hold a name, in whatever case."""
    for file, text in contents(redacted).items():
        assert name.casefold() not in text.casefold(), file
        assert name.casefold() not in file.casefold()


def test_the_audit_says_the_same(tmp_path: Path, redacted: Path) -> None:
    """Findings, severities and verdicts are those of the original."""
    before, after = judged(tmp_path / "in.zip"), judged(redacted)

    assert told(after) == told(before)
    assert after.assessment == before.assessment
    assert after.provenance is not None
    assert after.provenance.altered == ()


def test_one_name_has_one_placeholder(redacted: Path) -> None:
    """What was the same before is the same after, in every file; other names differ."""
    files = contents(redacted)
    server = re.search(r'N="Name">(name-\d+)<', files["Exchange/GetExchangeServer.xml"])
    assert server is not None

    assert server[1] in files["registry.json"]
    assert f"CN={server[1]}," in files["Exchange/GetMailboxServer.xml"]
    assert json.loads(files["manifest.json"])["computer"] == server[1]
    thumbprint = re.search(r'Thumbprint">(\w{40})<', files["Exchange/GetAuthConfig.xml"])
    assert thumbprint is not None
    assert thumbprint[1] in files["Exchange/GetExchangeCertificate.xml"]


def test_what_decides_stays(redacted: Path) -> None:
    """Versions, schema identifiers, settings and well-known accounts are no names."""
    files = contents(redacted)

    assert 'oldVersion="0.0.0.0-15.0.0.0"' in files["Exchange/IIS/applicationHost.config"]
    assert 'tokenChecking="Require"' in files["Exchange/IIS/applicationHost.config"]
    assert 'key="a" value="b"' in files["Exchange/IIS/applicationHost.config"]
    assert r"BUILTIN\Administrators" in files["Exchange/GetLocalGroupMember.xml"]
    assert "S-1-5-32-544" in files["Exchange/GetLocalGroupMember.xml"]
    assert "Version 15.2 (Build 2562.17)" in files["Exchange/GetMailboxServer.xml"]
    assert ACL[: ACL.index(SID)] in files["Exchange/GetDomainsAcl.xml"]
    assert "CN=Microsoft Exchange" in files["Exchange/GetMailboxServer.xml"]


def test_a_certificate_keeps_what_is_judged(redacted: Path) -> None:
    """Dates, key and algorithm stay; its new thumbprint stands wherever the old one did."""
    files = contents(redacted)
    raw = re.search(r'RawData">([^<]+)<', files["Exchange/Certificates.xml"])
    assert raw is not None
    found = x509.load_der_x509_certificate(base64.b64decode(raw[1]))
    algorithm = found.signature_hash_algorithm
    assert algorithm is not None

    assert (found.not_valid_after_utc.year, algorithm.name) == (2036, "sha256")
    assert found.subject == found.issuer
    assert "SerializationData" not in files["Exchange/Certificates.xml"]
    assert found.fingerprint(hashes.SHA1()).hex().upper() in files["Exchange/Named.xml"]


def test_what_nobody_can_vouch_for_is_left_out(tmp_path: Path) -> None:
    """Event logs, other kinds of files, and broken ones are named and not handed out."""
    files = {**telling(), "Exchange/Broken.xml": "<Objs", "x.json": "{"}
    target = tmp_path / "out.zip"

    found = redact(zipped(tmp_path / "in.zip", files), target, KEY)

    left_out = {"OS/GetWinEventSystem.xml", "notes.docx", "Exchange/Broken.xml", "x.json"}
    assert {file.file for file in found.left_out} == left_out
    assert not left_out & contents(target).keys()


def test_a_name_that_is_a_word_of_exchange_breaks_nothing(tmp_path: Path) -> None:
    """A server called `server` in a domain called `exchange` is redacted where that is safe."""
    files = {
        **exports(),
        "Exchange/GetExchangeServer.xml": clixml(
            {"Name": "server", "Fqdn": "server.exchange.de", "ServerRole": "Exchange server"}
        ),
    }
    target = tmp_path / "out.zip"

    redact(zipped(tmp_path / "in.zip", files), target, KEY)

    text = contents(target)["Exchange/GetExchangeServer.xml"]
    assert "server.exchange.de" not in text
    assert told(judged(target)) == told(judged(tmp_path / "in.zip"))


def test_a_new_key_gives_other_hashes(tmp_path: Path) -> None:
    """Two redactions of one bundle cannot be joined by their thumbprints."""
    source = zipped(tmp_path / "in.zip", telling())
    for name in ("a.zip", "b.zip"):
        redact(source, tmp_path / name)

    one, other = (
        contents(tmp_path / name)["Exchange/GetAuthConfig.xml"] for name in ("a.zip", "b.zip")
    )

    assert one != other


def test_a_bundle_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nothing is written for a bundle that does not exist."""
    with pytest.raises(UsageError):
        redact(tmp_path / "none.zip", tmp_path / "out.zip")

    assert not (tmp_path / "out.zip").exists()


def test_the_real_server_is_judged_the_same_without_its_names(shared: Path, tmp_path: Path) -> None:
    """The real bundle: the same findings and verdicts, and no trace of its names."""
    source, target = shared / "real" / "server_e16", tmp_path / "out.zip"

    redact(source, target, KEY)

    before, after = judged(source), judged(target)
    assert told(after) == told(before)
    assert after.assessment == before.assessment
    everything = "".join(contents(target).values()).casefold()
    for name in ("solo", "win-9uc94etvm30", "3966804624", "133250c427c654a74b7e13809b9e672f",
                 "92e196f3c8d3d753fcfc5b7690c3173aa1c0abe3"):  # fmt: skip
        assert name not in everything
