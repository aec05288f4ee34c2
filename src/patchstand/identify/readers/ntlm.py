"""NTLM type 2 messages: names of the domain and the Windows build, nothing of Exchange."""

import base64
import binascii
import re
import struct
from collections.abc import Iterator

from patchstand.identify.reader import Context, Reader
from patchstand.model import Clue, Evidence, EvidenceKind

_PRODUCT_VERSION = re.compile(r"(?i)Product_Version:\s*(\d+\.\d+(?:\.\d+)?)")
_MESSAGE = re.compile(r"TlRMTVNTUAAC[A-Za-z0-9+/]{40,4000}={0,2}")
_VERSION_OFFSET = 48
_CARRIES = {
    "6.0": "Windows Server 2008: Exchange 2007 or 2010",
    "6.1": "Windows Server 2008 R2: Exchange 2010 or 2013",
    "6.2": "Windows Server 2012: Exchange 2010 SP3, 2013 or 2016",
    "6.3": "Windows Server 2012 R2: Exchange 2010 SP3, 2013 or 2016",
    "10.0.14393": "Windows Server 2016: Exchange 2016",
    "10.0.17763": "Windows Server 2019: Exchange 2019 or SE",
    "10.0.20348": "Windows Server 2022: Exchange 2019 CU12 or later, or SE",
    "10.0.26100": "Windows Server 2025: Exchange 2019 CU15, or SE",
}
"""Which Exchange a Windows build can carry (Microsoft's supportability matrix)."""


def _read(evidence: Evidence, context: Context) -> Iterator[Clue]:
    del context  # a Windows build names no Exchange build
    versions = _PRODUCT_VERSION.findall(evidence.text)
    versions += [found for text in _MESSAGE.findall(evidence.text) if (found := _decode(text))]
    for version in dict.fromkeys(versions):
        says = _CARRIES.get(version) or _CARRIES.get(".".join(version.split(".")[:2]), "Windows")
        yield Clue("windows_build", version, f"{says}, if it is an Exchange server at all")


def _decode(text: str) -> str | None:
    """The Windows version of a type 2 message (MS-NLMP 2.2.1.2, VERSION at offset 48)."""
    try:
        message = base64.b64decode(text + "=" * (-len(text) % 4))
        major, minor, build = struct.unpack_from("<BBH", message, _VERSION_OFFSET)
    except (binascii.Error, struct.error):
        return None
    return f"{major}.{minor}.{build}"


READER = Reader(EvidenceKind.NTLM, _read)
