"""Reads scope files (docs/scope.md), one or several, and says what is wrong with them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import msgspec

from patchstand.errors import UsageError
from patchstand.model import Scope
from patchstand.observe.names import (
    Domains,
    Networks,
    canonical_name,
    is_public_suffix,
    parse_network,
)
from patchstand.observe.opt_out import opt_out_name, read_opt_outs
from patchstand.observe.pace import PaceRules

Number = TypeVar("Number", int, float)
Parsed = TypeVar("Parsed")

AUTHORITIES = ("own", "contract", "statutory")
PURPOSES = ("inform", "census", "publish")
WIDEST = {4: 8, 6: 16}
"""Shortest prefix a scope may name; the registries' own blocks are /8 and /12 or longer."""


class _ScopeFile(msgspec.Struct, forbid_unknown_fields=True):
    authority: str
    purposes: list[str]
    contact: str
    legal_basis: str = ""
    networks: list[str] = []
    domains: list[str] = []
    denied_networks: list[str] = []
    denied_domains: list[str] = []
    valid_from: date | None = None
    valid_until: date | None = None
    organisation: str = ""
    data_protection_officer: str = ""
    opt_outs: list[str] = []
    opt_out_file: str | None = None
    requests_per_server: int | None = None
    requests_per_network: int | None = None
    rate: float | None = None
    rate_per_network: float | None = None
    schema: str = "patchstand/scope/1"


def read_scope(path: Path, today: date | None) -> Scope:
    """Read and check a scope file (JSON, the fields of `Scope`).

    `opt_out_file` is relative to the scope file. With `today` None a file that is not valid
    yet or any more is read too: to be shown, not to be asked with.

    Raises:
        UsageError: unreadable, wrong in one field, or not valid on `today`.
    """
    row = _decoded(path)
    try:
        wrong = _wrong_words(row) or _wrong_dates(row) or _wrong_targets(row)
        scope = _scope(row, path)
    except UsageError as error:
        raise UsageError(f"scope file {path}: {error}") from error
    if wrong:
        raise UsageError(f"scope file {path}: {wrong} (docs/scope.md)")
    if today is not None:
        _refuse_outside_validity(scope, path, today)
    return scope


def opt_out_path(path: Path) -> Path:
    """The opt-out file that a scope file names; it need not exist yet.

    Raises:
        UsageError: the scope file cannot be read, or names none.
    """
    row = _decoded(path)
    if row.opt_out_file is None:
        raise UsageError(f"scope file {path} names no opt_out_file; add one (docs/scope.md)")
    return path.parent / row.opt_out_file


def _decoded(path: Path) -> _ScopeFile:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_ScopeFile)
    except OSError as error:
        raise UsageError(f"scope file {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"scope file {path}: {error} (docs/scope.md)") from error


def read_scopes(paths: Sequence[Path], today: date | None) -> tuple[Scope, ...]:
    """Read several scope files that are to be used together.

    Raises:
        UsageError: as `read_scope`; or two of them cover the same addresses or names on
            different grounds: an address has one legal basis.
    """
    scopes = [(path, read_scope(path, today)) for path in paths]
    for (path, scope), (other_path, other) in combinations(scopes, 2):
        if _grounds(scope) != _grounds(other):
            shared = _shared(scope, other)
            if shared:
                raise UsageError(
                    f"scope files {path} and {other_path} both cover {shared}, with different"
                    " authority, legal basis or purposes; take it out of one of them"
                )
    return tuple(scope for _, scope in scopes)


def pace_rules(scopes: Iterable[Scope], requests_per_server: int | None = None) -> PaceRules:
    """The strictest budgets and rates of all scopes, and of what the user asked for."""
    known = tuple(scopes)
    servers = [requests_per_server, *(scope.requests_per_server for scope in known)]
    return PaceRules(
        requests_per_server=_least(servers) or PaceRules().requests_per_server,
        requests_per_network=_least(scope.requests_per_network for scope in known),
        rate=_least(scope.rate for scope in known),
        rate_per_network=_least(scope.rate_per_network for scope in known),
    )


def _least(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _scope(row: _ScopeFile, path: Path) -> Scope:
    opt_outs = [_named("opt_outs", opt_out_name, text) for text in row.opt_outs]
    file = None if row.opt_out_file is None else path.parent / row.opt_out_file
    if file is not None:
        opt_outs += [entry.name for entry in read_opt_outs(file)]  # one that is missing refuses
    return Scope(
        authority=row.authority,
        legal_basis=row.legal_basis,
        purposes=tuple(row.purposes),
        contact=row.contact,
        networks=tuple(row.networks),
        domains=_canonical_names(row.domains),
        denied_networks=tuple(row.denied_networks),
        denied_domains=_canonical_names(row.denied_domains),
        valid_until=row.valid_until,
        valid_from=row.valid_from,
        organisation=row.organisation,
        data_protection_officer=row.data_protection_officer,
        opt_outs=tuple(dict.fromkeys(opt_outs)),
        opt_out_file=None if file is None else str(file),
        requests_per_server=row.requests_per_server,
        requests_per_network=row.requests_per_network,
        rate=row.rate,
        rate_per_network=row.rate_per_network,
    )


def _wrong_words(row: _ScopeFile) -> str | None:
    if row.schema != "patchstand/scope/1":
        return f"schema {row.schema!r} is not known; use patchstand/scope/1"
    if row.authority not in AUTHORITIES:
        return f"authority must be one of {', '.join(AUTHORITIES)}"
    if row.authority == "statutory" and not row.legal_basis.strip():
        return "a statutory authority names its norm in legal_basis"
    if not row.purposes or not set(row.purposes) <= set(PURPOSES):
        return f"purposes must be some of {', '.join(PURPOSES)}"
    return None if row.contact.strip() else "contact must say who asks"


def _wrong_dates(row: _ScopeFile) -> str | None:
    if row.valid_from and row.valid_until and row.valid_until < row.valid_from:
        return f"valid_until {row.valid_until} lies before valid_from {row.valid_from}"
    PaceRules(
        row.requests_per_server if row.requests_per_server is not None else 1,
        row.requests_per_network,
        row.rate,
        row.rate_per_network,
    )
    return None


def _wrong_targets(row: _ScopeFile) -> str | None:
    if not row.networks and not row.domains:
        return "name at least one network or domain"
    denied = Networks(
        str(_named("denied_networks", parse_network, text)) for text in row.denied_networks
    )
    for text in row.networks:
        network = _named("networks", parse_network, text)
        if network.prefixlen < WIDEST[network.version]:
            return f"network {text} is wider than /{WIDEST[network.version]}; name smaller ones"
        if denied.cover(network):
            return f"networks: {text} lies wholly inside denied_networks; take it out of one"
    return _wrong_domains(row)


def _wrong_domains(row: _ScopeFile) -> str | None:
    for name in (*row.domains, *row.denied_domains):
        if canonical_name(name) is None:
            return f"domain {name!r} is not a domain name"
    denied = Domains(_canonical_names(row.denied_domains))
    for name in _canonical_names(row.domains):
        if is_public_suffix(name):
            return f"domain {name!r} is open to everybody; name the domains below it"
        if name in denied:
            return f"domains: {name} lies wholly inside denied_domains; take it out of one"
    return None


def _named(field: str, read: Callable[[str], Parsed], text: str) -> Parsed:
    """Read one value; an error names its field."""
    try:
        return read(text)
    except UsageError as error:
        raise UsageError(f"{field}: {error}") from error


def _refuse_outside_validity(scope: Scope, path: Path, today: date) -> None:
    if scope.valid_until is not None and scope.valid_until < today:
        raise UsageError(f"scope file {path} expired on {scope.valid_until}; have it renewed")
    if scope.valid_from is not None and scope.valid_from > today:
        raise UsageError(f"scope file {path} is valid from {scope.valid_from} on; today is {today}")


def _grounds(scope: Scope) -> tuple[object, ...]:
    return scope.authority, scope.legal_basis, frozenset(scope.purposes)


def _shared(scope: Scope, other: Scope) -> str | None:
    """What two scopes both cover: the smaller network or domain; None for nothing."""
    for one, two in ((scope, other), (other, scope)):
        networks, domains = Networks(one.networks), Domains(one.domains)
        for text in two.networks:
            if networks.meet(parse_network(text)):
                return text
        for name in two.domains:
            if name in domains:
                return name
    return None


def _canonical_names(domains: Iterable[str]) -> tuple[str, ...]:
    return tuple(canonical_name(name) or name for name in domains)
