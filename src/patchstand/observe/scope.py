"""Who allows which address to be asked: the scopes, the proven domain, and the one gate.

Every connection needs a `Permit`, and only `Gate` grants one (a test sees to that).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from patchstand.errors import ScopeError
from patchstand.model import Permit, Scope
from patchstand.observe.declare import Declarations
from patchstand.observe.names import (
    Address,
    Domains,
    Networks,
    canonical,
    canonical_address,
    canonical_name,
    embedded,
    is_local_name,
    is_public_suffix,
)
from patchstand.observe.opt_out import is_network
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope_file import (
    AUTHORITIES,
    PURPOSES,
    pace_rules,
    read_scope,
    read_scopes,
)

__all__ = [
    "AUTHORITIES",
    "PROOF_LABEL",
    "PURPOSES",
    "DomainProof",
    "Gate",
    "pace_rules",
    "read_scope",
    "read_scopes",
]

PROOF_LABEL = "_patchstand"


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


@dataclass(frozen=True, slots=True)
class _Covered:
    """What one scope allows, ready to be asked."""

    scope: Scope
    networks: Networks
    domains: Domains

    def is_good(self, today: date) -> bool:
        """Whether the scope permits anything on a day."""
        scope = self.scope
        if not set(scope.purposes) & set(PURPOSES):
            return False
        if scope.valid_from is not None and today < scope.valid_from:
            return False
        return scope.valid_until is None or today <= scope.valid_until

    @property
    def ground(self) -> tuple[str, str, tuple[str, ...]]:
        """What a permit by this scope rests on."""
        return self.scope.authority, self.scope.legal_basis, self.scope.purposes


class _Refused:
    """What is never asked: denied by a scope, or opted out."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        known = tuple(scopes)
        out = [name for scope in known for name in scope.opt_outs]
        self._kinds = (
            (
                "denied by the scope file",
                Networks(text for scope in known for text in scope.denied_networks),
                Domains(_canonical_names(n for scope in known for n in scope.denied_domains)),
            ),
            (
                "asked not to be asked (opt-out)",
                Networks(name for name in out if is_network(name)),
                Domains(_canonical_names(name for name in out if not is_network(name))),
            ),
        )

    def why(self, name: str, place: Address | None) -> str | None:
        """Why a name or an address of it is never asked; None when nothing says so."""
        for why, networks, domains in self._kinds:
            if name in domains:
                return why
            if networks and place is not None and any(e in networks for e in embedded(place)):
                return why
        return None


class Gate:
    """The one gate under every connection (docs/scope.md).

    In this order: what a scope denies and who opted out is refused; loopback is free,
    unless `strict`; then the scopes, the proven domain or the declared responsibility
    permits it, else nothing does.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        *,
        scope: Scope | Iterable[Scope] | None = None,
        proof: DomainProof | None = None,
        declarations: Declarations | None = None,
        strict: bool = False,
    ) -> None:
        """Take what the user brought; without anything only loopback is free.

        `strict`: the scopes decide for every address, loopback included.
        """
        scopes = () if scope is None else (scope,) if isinstance(scope, Scope) else tuple(scope)
        self._now = now
        self._covered = tuple(
            _Covered(each, Networks(each.networks), Domains(_canonical_names(each.domains)))
            for each in scopes
        )
        self._today: date | None = None
        self._good_today: list[_Covered] = []
        self._refused = _Refused(scopes)
        self._proof = proof
        self._declarations = declarations
        self._strict = strict

    def check_name(self, name: str, resolver: Resolver) -> None:
        """Refuse a name before it is looked up, where no address of it could be permitted.

        Raises:
            ScopeError: nothing permits this name, a scope denies it, or it opted out.
        """
        asked = canonical(name)
        if asked is None or canonical_address(asked) is not None:
            return
        refused = self._refused.why(asked, None)
        if refused:
            raise ScopeError(f"{name}: {refused}")
        if is_local_name(asked):  # never looked up
            return
        reachable = (
            resolver.is_loopback
            or self._proof
            or self._declarations
            or any(each.networks or asked in each.domains for each in self._good())
        )
        if not reachable:
            raise ScopeError(self._advice(name))

    async def permit(self, name: str, address: str) -> Permit:
        """Permit connections to `address`, an address of the target `name`.

        Raises:
            ScopeError: nothing permits it, a scope denies it, or it opted out.
            UsageError: the journal of declarations cannot be used.
        """
        place, text = canonical_address(address), canonical(address) or ""
        if place is None or place.is_unspecified or place.is_multicast:
            raise ScopeError(f"{address} is not the address of a server")
        asked = canonical(name) or ""
        refused = self._refused.why(asked, place)
        if refused:
            raise ScopeError(f"{name} ({place}): {refused}")
        if place.is_loopback and not self._strict:
            return Permit(text, "loopback", "own", "", ("inform",))
        permit = self._by_scope(asked, place) or await self._by_proof(asked, place)
        return permit or self._by_declaration(asked, place)

    def still_permits(self, permit: Permit) -> bool:
        """Whether a permit granted earlier in this run is still good; cheap to ask."""
        if permit.granted_by != "scope":
            return True
        good = self._good()
        ground = (permit.authority, permit.legal_basis, permit.purposes)
        return any(each.ground == ground for each in good)

    def _good(self) -> list[_Covered]:
        """The scopes that are valid now; looked through once a day, asked for all the time."""
        today = self._now().date()
        if today != self._today:
            self._today = today
            self._good_today = [each for each in self._covered if each.is_good(today)]
        return self._good_today

    def _by_scope(self, name: str, place: Address) -> Permit | None:
        """By the scope that names a network of the address; else by one that names a domain."""
        good = self._good()
        found = next((each.scope for each in good if place in each.networks), None)
        if found is None and not _leads_elsewhere(place):
            found = next((each.scope for each in good if name in each.domains), None)
        if found is None:
            return None
        return Permit(str(place), "scope", found.authority, found.legal_basis, found.purposes)

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

    def _advice(self, name: str) -> str:
        why = "nothing permits asking it"
        if self._covered:
            why = "the scope file does not cover it"
            if not self._good():
                why = _why_not_valid([each.scope for each in self._covered], self._now().date())
        return (
            f"{name}: {why}; give a scope file (--scope), prove the domain (TXT {PROOF_LABEL})"
            ' or answer for it (--responsible "who, why")'
        )


def _why_not_valid(scopes: list[Scope], today: date) -> str:
    later = [scope.valid_from for scope in scopes if scope.valid_from and scope.valid_from > today]
    if later:
        return f"the scope file is valid from {min(later)} on"
    ended = [scope.valid_until for scope in scopes if scope.valid_until is not None]
    return f"the scope file expired on {max(ended)}" if ended else "the scope names no purpose"


def _leads_elsewhere(place: Address) -> bool:
    """True for addresses that no domain's word can open: only a named network can."""
    return any(
        each.is_link_local or each.is_reserved or each.is_loopback for each in embedded(place)
    )


def _canonical_names(domains: Iterable[str]) -> tuple[str, ...]:
    return tuple(canonical_name(name) or name for name in domains)
