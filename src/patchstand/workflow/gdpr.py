"""GDPR documents of a scope: what the configuration knows, filled into templates."""

from datetime import date
from pathlib import Path
from typing import Any

from patchstand.model import Scope
from patchstand.observe.attribution import canonical_uri, contact_uri, told
from patchstand.observe.coverage import numbers
from patchstand.observe.scope_file import pace_rules, read_scope
from patchstand.observe.session import Prober
from patchstand.report.gdpr import blanks_of, render_gdpr

RAW_ANSWER_DAYS = 90
"""Raw answers are kept so long, unless the user asks for another number."""
CONTACT_DAYS = 365
"""Contacts of operators are kept so long."""
KINDS = ("record", "dpia")


def gdpr_document(kind: str, path: Path, version: str, lang: str, today: date) -> dict[str, Any]:
    """A record of processing or an impact assessment (scope-document-1.json): `text`, `blanks`.

    Raises:
        UsageError: the scope file cannot be read or is wrong.
    """
    text = render_gdpr(kind, lang, _facts(read_scope(path, None), path, version, today))
    return {
        "schema": "patchstand/scope-document/1",
        "kind": kind,
        "lang": lang,
        "scope": str(path),
        "date": str(today),
        "blanks": blanks_of(text, lang),
        "text": text,
    }


def _facts(scope: Scope, path: Path, version: str, today: date) -> dict[str, Any]:
    rules = pace_rules([scope])
    return {
        "file": path.name,
        "today": today,
        "version": version,
        "organisation": scope.organisation,
        "officer": scope.data_protection_officer,
        "contact": contact_uri(scope.contact),
        "purposes": scope.purposes,
        "informs": "inform" in scope.purposes,
        "authority": scope.authority,
        "legal_basis": scope.legal_basis,
        "valid_from": scope.valid_from,
        "valid_until": scope.valid_until,
        "ipv4": numbers(scope, 4).permitted,
        "ipv6": str(numbers(scope, 6).permitted),
        "domains": len(scope.domains),
        "opt_outs": len(scope.opt_outs),
        "per_server": rules.requests_per_server,
        "per_network": rules.requests_per_network,
        "rate": rules.rate,
        "rate_per_network": rules.rate_per_network,
        "raw_days": RAW_ANSWER_DAYS,
        "contact_days": CONTACT_DAYS,
        "user_agent": Prober(version, told(scope.contact)).user_agent,
        "description_uri": canonical_uri(scope.contact) or contact_uri(scope.contact),
    }
