"""The shape of knowledge that only an audit needs: directories of setup, mitigations by rules."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from patchstand.knowledge.files import read_data_file
from patchstand.model import Build, ProductLine
from patchstand.model.directories import ExchangeDirectories, ExchangeDirectory, TokenChecking
from patchstand.model.seen_mitigations import (
    Effect,
    KnownMitigation,
    MitigationState,
    Trial,
    WebRequest,
)


class _DirectoryRow(msgspec.Struct, forbid_unknown_fields=True):
    site: str
    path: str
    folder: str
    roles: tuple[str, ...] = ("cas", "mbx")
    protection: TokenChecking | None = None
    missing_on: list[ProductLine] = []
    ip_filter: bool = False


class DirectoriesFile(msgspec.Struct, forbid_unknown_fields=True):
    """`exchange-directories.json`."""

    schema: str
    source: str
    protection_since: list[str]
    directories: list[_DirectoryRow]


class _TrialRow(msgspec.Struct, forbid_unknown_fields=True):
    path: str
    effect: Effect
    query: str = ""
    method: str = "GET"
    headers: dict[str, str] = {}
    content_type: str = "text/html; charset=utf-8"
    answer_headers: dict[str, str] = {}
    directive: str = ""


class MitigationExample(msgspec.Struct, forbid_unknown_fields=True):
    """A web.config, and the state of the mitigation that it amounts to."""

    web_config: str
    state: MitigationState


class _MitigationRow(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    title: str
    cve: str
    names: list[str]
    site: str
    path: str
    trials: list[_TrialRow]
    examples: list[MitigationExample]
    source: str
    outbound: bool = False
    not_needed_from: list[str] = []


class MitigationsFile(msgspec.Struct, forbid_unknown_fields=True):
    """`mitigations-seen.json`."""

    schema: str
    mitigations: list[_MitigationRow]


def exchange_directories(override: Path | None = None) -> ExchangeDirectories:
    """The directories of a default installation, in the order of the file."""
    file = read_data_file("exchange-directories.json", DirectoriesFile, override)
    return ExchangeDirectories(
        directories=tuple(map(_directory, file.directories)),
        protection_since=tuple(map(Build.parse, file.protection_since)),
    )


def _directory(row: _DirectoryRow) -> ExchangeDirectory:
    return ExchangeDirectory(
        site=row.site,
        path=row.path,
        folder=row.folder,
        protection=row.protection,
        missing_on=frozenset(row.missing_on),
        roles=frozenset(row.roles),
        ip_filter=row.ip_filter,
    )


def known_mitigations(override: Path | None = None) -> Iterable[KnownMitigation]:
    """Every mitigation of the file."""
    file = read_data_file("mitigations-seen.json", MitigationsFile, override)
    return map(_mitigation, file.mitigations)


def _mitigation(row: _MitigationRow) -> KnownMitigation:
    return KnownMitigation(
        id=row.id,
        title=row.title,
        cve=row.cve,
        names=tuple(row.names),
        site=row.site,
        path=row.path.strip("/"),
        trials=tuple(map(_trial, row.trials)),
        outbound=row.outbound,
        not_needed_from=tuple(map(Build.parse, row.not_needed_from)),
        source=row.source,
    )


def _trial(row: _TrialRow) -> Trial:
    request = WebRequest(
        path=row.path,
        query=row.query,
        method=row.method,
        headers=row.headers,
        content_type=row.content_type,
        answer_headers=row.answer_headers,
    )
    return Trial(request, row.effect, row.directive)
