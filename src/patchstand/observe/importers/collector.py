"""What administrators send: HealthChecker's files, or `Get-ExchangeServer` as text, alone or zipped.

Here only a server's name and its build are read. Text, JSON and CLIXML are taken, in UTF-8
or in UTF-16, which PowerShell writes. A zip is read within limits or not at all.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from lxml import etree

from patchstand.errors import UsageError
from patchstand.model import Evidence, EvidenceKind, Outcome
from patchstand.model.record import Record, Rejected, Source
from patchstand.observe.importer import Importer
from patchstand.observe.importers._opened import RATIO_AT_MOST, RATIO_FREE_BYTES, bomb
from patchstand.observe.importers._reading import (
    UnusableError,
    in_utc,
    moment,
    readable,
    said,
)
from patchstand.observe.names import canonical_name

MEMBER_BYTES = 64 << 20
BUNDLE_BYTES = 256 << 20
MEMBERS = 10_000
NESTING = 60
NODES = 2_000_000
_ZIP = b"PK\x03\x04"
_ENDINGS = (".txt", ".log", ".json", ".xml", ".clixml", ".csv")
_DISPLAYED = re.compile(r"(?i)\bversion\s+\d{1,2}\.\d{1,5}\s*\(build\s+\d{1,5}\.\d{1,5}\)")
_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,5}){3}", re.ASCII)
_STAMP = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?!\d)")
_PAIR = re.compile(r"^\s*([A-Za-z][A-Za-z ]{0,40}?)\s*:\s*(\S.{0,300}?)\s*$")
_ROW = re.compile(
    r"^\s*([A-Za-z0-9][A-Za-z0-9._-]{0,250})\s.{0,400}?(?=\bVersion\s+\d)", re.IGNORECASE
)
_NAMES = ("Fqdn", "ServerName", "Name", "PSComputerName", "Server Name")
_BUILDS = ("AdminDisplayVersion", "FileVersion", "Build Number", "ExchangeBuildNumber")
_TIMES = ("GenerationTime",)
_MARKS = (b"AdminDisplayVersion", b"HealthChecker", b"ExSetup", b"Exchange Health Checker")


@dataclass(frozen=True, slots=True)
class _Stated:
    """One build as one file states it; `server` is empty where the file names none."""

    server: str
    text: str
    observed_at: datetime
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class _File:
    """One unpacked file, and when it was written as far as that can be told."""

    name: str
    content: bytes
    written: datetime
