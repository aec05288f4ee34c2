"""The verb `scope`: what a scope file allows, and who opted out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from patchstand.errors import UsageError
from patchstand.model import Scope
from patchstand.observe.attribution import canonical_uri, contact_uri, probing_txt, told
from patchstand.observe.coverage import Decision, decide, numbers
from patchstand.observe.opt_out import (
    OptOut,
    add_opt_out,
    opt_out_name,
    read_opt_outs,
    remove_opt_out,
)
from patchstand.observe.scope_file import opt_out_path, pace_rules, read_scope
from patchstand.observe.session import Prober
from patchstand.workflow.targets import parse_target


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one name of the opt-out list: added, removed or unchanged."""

    name: str
    outcome: str


def load_scope(path: Path, today: date | None = None) -> Scope:
    """Read a scope file; with `today` only one that is valid then.

    Raises:
        UsageError: unreadable, wrong in one field, or not valid.
    """
    return read_scope(path, today)


def show(path: Path, version: str, today: date) -> dict[str, Any]:
    """What a scope allows in numbers, and how it tells who asks (scope-show-1.json).

    Raises:
        UsageError: the scope file cannot be read or is wrong.
    """
    scope = read_scope(path, None)
    four, six = numbers(scope, 4), numbers(scope, 6)
    rules = pace_rules([scope])
    return {
        "schema": "patchstand/scope-show/1",
        "scope": str(path),
        "organisation": scope.organisation,
        "authority": scope.authority,
        "legal_basis": scope.legal_basis,
        "purposes": list(scope.purposes),
        "valid_from": _iso(scope.valid_from),
        "valid_until": _iso(scope.valid_until),
        "state": _state(scope, today),
        "addresses": {
            "ipv4": {"allowed": four.allowed, "permitted": four.permitted},
            "ipv6": {"allowed": str(six.allowed), "permitted": str(six.permitted)},
        },
        "networks": len(scope.networks),
        "domains": len(scope.domains),
        "denied_networks": len(scope.denied_networks),
        "denied_domains": len(scope.denied_domains),
        "opt_outs": len(scope.opt_outs),
        "opt_out_file": scope.opt_out_file,
        "requests_per_server": rules.requests_per_server,
        "requests_per_network": rules.requests_per_network,
        "rate": rules.rate,
        "rate_per_network": rules.rate_per_network,
        "contact": contact_uri(scope.contact),
        "user_agent": Prober(version, told(scope.contact)).user_agent,
        "probe_description_uri": canonical_uri(scope.contact) or contact_uri(scope.contact),
        "probing_txt": probing_txt(scope, today),
    }


def check_targets(scope: Scope, targets: Iterable[str], today: date) -> list[Decision]:
    """Whether each target would be asked, and by which entry.

    Raises:
        UsageError: a text is no target.
    """
    return [decide(scope, parse_target(text).name, today) for text in targets]


def opt_out(path: Path, words: Sequence[str], reason: str, today: date) -> list[Change]:
    """Add or remove names of the opt-out file of a scope: `add NAME...`, `remove NAME...`.

    Raises:
        UsageError: the scope names no opt-out file, a name is none, or it cannot be written.
    """
    action, *texts = words or [""]
    if action not in {"add", "remove"} or not texts:
        raise UsageError("say add NAME, remove NAME or list")
    file = opt_out_path(path)
    names = [opt_out_name(text) for text in texts]
    if action == "remove":
        return [Change(n, "removed" if remove_opt_out(file, n) else "unchanged") for n in names]
    entries = [OptOut(name, today, " ".join(reason.split())) for name in names]
    return [Change(e.name, "added" if add_opt_out(file, e) else "unchanged") for e in entries]


def opted_out(path: Path) -> tuple[OptOut, ...]:
    """The lines of the opt-out file of a scope; none where the file is not there yet.

    Raises:
        UsageError: the scope names no opt-out file, or it cannot be read.
    """
    file = opt_out_path(path)
    return read_opt_outs(file) if file.exists() else ()


def _state(scope: Scope, today: date) -> str:
    if scope.valid_from is not None and today < scope.valid_from:
        return "not_yet"
    ended = scope.valid_until is not None and scope.valid_until < today
    return "expired" if ended else "valid"


def _iso(day: date | None) -> str | None:
    return str(day) if day else None
