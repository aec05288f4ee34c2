"""Who allows which address to be asked: the scope file, the proven domain, and the one gate.

Every connection needs a `Permit`, and only `Gate` grants one (a test sees to that).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from ipaddress import ip_network
from pathlib import Path

import msgspec

from patchstand.errors import ScopeError, UsageError
from patchstand.model import Permit, Scope
from patchstand.observe.declare import Declarations
from patchstand.observe.names import (
    Address,
    Networks,
    canonical,
    canonical_address,
    canonical_name,
    embedded,
    is_local_name,
    is_public_suffix,
    lies_under,
)
from patchstand.observe.resolve import Resolver

AUTHORITIES = ("own", "contract", "statutory")
PURPOSES = ("inform", "census", "publish")
PROOF_LABEL = "_patchstand"
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
    valid_until: date | None = None
    schema: str = "patchstand/scope/1"


def read_scope(path: Path, today: date) -> Scope:
    """Read and check a scope file (JSON, the fields of `Scope`).

    Raises:
        UsageError: unreadable, wrong in one field, or expired on `today`.
    """
    try:
        row = msgspec.json.decode(path.read_bytes(), type=_ScopeFile)
    except OSError as error:
        raise UsageError(f"scope file {path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise UsageError(f"scope file {path}: {error} (docs/scope.md)") from error
    wrong = _wrong_words(row) or _wrong_targets(row)
    if wrong:
        raise UsageError(f"scope file {path}: {wrong} (docs/scope.md)")
    if row.valid_until is not None and row.valid_until < today:
        raise UsageError(f"scope file {path} expired on {row.valid_until}; have it renewed")
    return Scope(
        authority=row.authority,
        legal_basis=row.legal_basis,
        purposes=tuple(row.purposes),
        contact=row.contact,
        networks=tuple(row.networks),
        domains=_canonical_names(tuple(row.domains)),
        denied_networks=tuple(row.denied_networks),
        denied_domains=_canonical_names(tuple(row.denied_domains)),
        valid_until=row.valid_until,
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


def _wrong_targets(row: _ScopeFile) -> str | None:
    if not row.networks and not row.domains:
        return "name at least one network or domain"
    for text in (*row.networks, *row.denied_networks):
        try:
            network = ip_network(text)
        except ValueError as error:
            return f"network {text!r}: {error}"
        if text in row.networks and network.prefixlen < WIDEST[network.version]:
            return f"network {text} is wider than /{WIDEST[network.version]}; name smaller ones"
    for name in (*row.domains, *row.denied_domains):
        if canonical_name(name) is None:
            return f"domain {name!r} is not a domain name"
        if name in row.domains and is_public_suffix(canonical_name(name) or name):
            return f"domain {name!r} is open to everybody; name the domains below it"
    return None


@dataclass(frozen=True, slots=True)
class DomainProof:
    """How a domain proves that it allows the prober: a TXT record that names the contact.

    `_patchstand.<the name or a parent of it>` must hold `contact=<contact>`.
    """

    resolver: Resolver
    contact: str

    async def record_of(self, name: str) -> str | None:
        """The record that proves `name`, None without one; public suffixes are not asked."""
        labels = name.split(".")
        for start in range(len(labels) - 1):
            domain = ".".join(labels[start:])
            if is_public_suffix(domain):
                return None
            record = f"{PROOF_LABEL}.{domain}"
            texts = await self.resolver.texts(record)
            if any(f"contact={self.contact}" in text.split() for text in texts):
                return record
        return None


class Gate:
    """The one gate under every connection (docs/scope.md).

    In this order: loopback is free; what the scope denies is refused; then the scope,
    the proven domain or the declared responsibility permits it, else nothing does.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        scope: Scope | None = None,
        proof: DomainProof | None = None,
        declarations: Declarations | None = None,
    ) -> None:
        """Take what the user brought; without anything only loopback is free."""
        self._now = now
        self._scope = scope
        self._networks = Networks(scope.networks if scope else ())
        self._denied_networks = Networks(scope.denied_networks if scope else ())
        self._domains = _canonical_names(scope.domains if scope else ())
        self._denied_domains = _canonical_names(scope.denied_domains if scope else ())
        self._proof = proof
        self._declarations = declarations

    def check_name(self, name: str, resolver: Resolver) -> None:
        """Refuse a name before it is looked up, where no address of it could be permitted.

        Raises:
            ScopeError: nothing permits this name, or the scope denies it.
        """
        asked = canonical(name)
        if asked is None or is_local_name(asked) or canonical_address(asked) is not None:
            return
        if _is_under(asked, self._denied_domains):
            raise ScopeError(f"{name}: denied by the scope file")
        reachable = (
            resolver.is_loopback
            or self._proof
            or self._declarations
            or (self._scope_is_good() and (self._networks or _is_under(asked, self._domains)))
        )
        if not reachable:
            raise ScopeError(self._advice(name))

    async def permit(self, name: str, address: str) -> Permit:
        """Permit connections to `address`, an address of the target `name`.

        Raises:
            ScopeError: nothing permits it, or the scope denies it; says what to do.
            UsageError: the journal of declarations cannot be used.
        """
        place = canonical_address(address)
        if place is None or place.is_unspecified or place.is_multicast:
            raise ScopeError(f"{address} is not the address of a server")
        if place.is_loopback:
            return Permit(str(place), "loopback", "own", "", ("inform",))
        asked = canonical(name) or ""
        if _is_under(asked, self._denied_domains) or self._denies_address(place):
            raise ScopeError(f"{name} ({place}): denied by the scope file")
        permit = self._by_scope(asked, place) or await self._by_proof(asked, place)
        return permit or self._by_declaration(asked, place)

    def still_permits(self, permit: Permit) -> bool:
        """Whether a permit granted earlier in this run is still good; cheap to ask."""
        return permit.granted_by != "scope" or self._scope_is_good()

    def _by_scope(self, name: str, place: Address) -> Permit | None:
        scope = self._scope
        if scope is None or not self._scope_is_good():
            return None
        named = _is_under(name, self._domains) and not _leads_elsewhere(place)
        if not named and place not in self._networks:
            return None
        return Permit(str(place), "scope", scope.authority, scope.legal_basis, scope.purposes)

    async def _by_proof(self, name: str, place: Address) -> Permit | None:
        if self._proof is None or canonical_address(name) is not None or _leads_elsewhere(place):
            return None
        record = await self._proof.record_of(name)
        if record is None:
            return None
        basis = f"TXT {record} by {self._proof.resolver}"
        return Permit(str(place), "domain_proof", "own", basis, ("inform",))

    def _by_declaration(self, name: str, place: Address) -> Permit:
        if self._declarations is None:
            raise ScopeError(self._advice(name or str(place)))
        self._declarations.declare(name, str(place))
        basis = f"{self._declarations.who}, {self._declarations.why}"
        return Permit(str(place), "responsible", "declared", basis, ("inform",))

    def _scope_is_good(self) -> bool:
        scope = self._scope
        if scope is None or not set(scope.purposes) & set(PURPOSES):
            return False
        return scope.valid_until is None or self._now().date() <= scope.valid_until

    def _denies_address(self, place: Address) -> bool:
        return any(each in self._denied_networks for each in embedded(place))

    def _advice(self, name: str) -> str:
        why = "nothing permits asking it"
        if self._scope is not None:
            why = "the scope file does not cover it"
            if not self._scope_is_good():
                why = f"the scope file expired on {self._scope.valid_until}"
        return (
            f"{name}: {why}; give a scope file (--scope), prove the domain (TXT {PROOF_LABEL})"
            ' or answer for it (--responsible "who, why")'
        )


def _leads_elsewhere(place: Address) -> bool:
    """True for addresses that no domain's word can open: only a named network can."""
    return any(
        each.is_link_local or each.is_reserved or each.is_loopback for each in embedded(place)
    )


def _is_under(name: str, domains: tuple[str, ...]) -> bool:
    return any(lies_under(name, domain) for domain in domains)


def _canonical_names(domains: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(canonical_name(name) or name for name in domains)
