"""Small bundles for tests, written as the collector would write them."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

NAMESPACE = "http://schemas.microsoft.com/powershell/2004/04"
DAY = date(2026, 10, 13)
SERVER, DOMAIN, USER = "EXCH-KOELN7", "stadtwerke.example", "m.mustermann"
Exports = Mapping[str, str]


def clixml(*objects: Mapping[str, object]) -> str:
    """Objects as `Export-Clixml` writes them; texts, truths and numbers as properties."""
    return f'<Objs Version="1.1.0.1" xmlns="{NAMESPACE}">{"".join(map(_object, objects))}</Objs>'


def _object(properties: Mapping[str, object]) -> str:
    inner = "".join(_value(value, name) for name, value in properties.items())
    return f"<Obj><MS>{inner}</MS></Obj>"


def _value(value: object, name: str = "") -> str:
    named = f' N="{name}"' if name else ""
    if value is None:
        return f"<Nil{named} />"
    if isinstance(value, bool):
        return f"<B{named}>{str(value).lower()}</B>"
    if isinstance(value, int):
        return f"<I32{named}>{value}</I32>"
    if isinstance(value, list):
        return f"<Obj{named}><LST>{''.join(map(_value, value))}</LST></Obj>"
    if isinstance(value, dict):
        return _object(value).replace("<Obj>", f"<Obj{named}>", 1)
    return f"<S{named}>{escape(str(value))}</S>"


def exports(build: str = "15.02.2562.017", *, downloads: bool = False) -> dict[str, str]:
    """A server with few exports; `downloads`: whether download domains are on."""
    return {
        "Exchange/ExSetup.xml": clixml({"FileVersion": build}),
        "Exchange/GetExchangeServer.xml": clixml(
            {"Name": SERVER, "Fqdn": f"{SERVER.lower()}.{DOMAIN}", "MitigationsEnabled": True}
        ),
        "Exchange/GetOrganizationConfig.xml": clixml(
            {"EnableDownloadDomains": downloads, "MitigationsEnabled": True}
        ),
        "Exchange/GetOwaVirtualDirectory.xml": clixml(
            {
                "Name": "owa (Default Web Site)",
                "InternalDownloadHostName": f"files.{DOMAIN}" if downloads else None,
                "ExternalDownloadHostName": f"files.{DOMAIN}" if downloads else None,
            }
        ),
    }


def manifest(files: Exports, failed: Mapping[str, str] | None = None) -> str:
    """manifest.json of these files."""
    document = {
        "schema": "patchstand/bundle/1",
        "collector": "1",
        "computer": SERVER,
        "collected_at": "2026-10-20T03:00:00Z",
        "files": [
            {
                "name": name,
                "sha256": hashlib.sha256(text.encode()).hexdigest().upper(),
                "size": len(text.encode()),
            }
            for name, text in files.items()
        ],
        "failed": [{"name": name, "why": why} for name, why in (failed or {}).items()],
    }
    return json.dumps(document)


def zipped(path: Path, files: Exports) -> Path:
    """A zip of these files, with backslashes as Windows PowerShell writes them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("/", "\\"), text)
    return path


def whole(files: Exports, **failed: str) -> dict[str, str]:
    """The files and their manifest."""
    return {**files, "manifest.json": manifest(files, failed)}
