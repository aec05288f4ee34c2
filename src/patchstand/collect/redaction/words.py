"""What is no name: the words of Windows, Exchange and the directory that every server has."""

import re

ENDINGS = frozenset({"co", "com", "org", "net", "ac", "gv", "or", "gov", "edu", "local"})
"""Labels that stand before a country and belong to it (`co.uk`), as far as it matters here."""
MICROSOFTS = re.compile(
    r"(?i)(?:^|\.)(?:microsoft|microsoftonline|windows|windowsupdate|outlook|office|office365|live"
    r"|msftauth|azure|aka|w3|xmlsoap|oasis-open|openxmlformats|iana|verisign|digicert)"
    r"(?:\.[a-z]{2,3}){1,2}$"
)
"""Hosts that every Exchange server knows, and places of schemas."""
AUTHORITIES = frozenset(
    {"nt authority", "builtin", "nt service", "iis apppool", "everyone", "font driver host",
     "window manager", "application package authority"}
)  # fmt: skip
"""What stands before the backslash of accounts that every Windows has."""
_STANDARD = re.compile(
    r"(?i)^(?:(?:ms-|default|microsoft|exchange|public folder|publicfolder|windows|system|schema)"
    r"[\w .()-]*|.*\((?:default web site|exchange back end)\)|1|accepted domains?|address lists?"
    r"(?: container)?|addressing|adminsdholder|administrative groups|administrators?|all [\w ]+"
    r"|attribute-schema|auth configuration|authenticated users|availability configuration"
    r"|builtin|class-schema|client access|compliance management|computers|configuration"
    r"|connections|control ?point config|databases|delegated setup|deleted objects"
    r"|discovery management|domain (?:admins|computers|controllers|guests|users)"
    r"|enterprise (?:admins|read-only domain controllers)|esm|everyone|fax|federation"
    r"|first organization|global settings|guests?|help desk|http|hybrid configuration"
    r"|hygiene management|information ?store|krbtgt|managed availability servers|message"
    r"|network service|local service|offline address lists|organization management"
    r"|outlook|owner|performance log users|protocols|rbac|recipient (?:management|policies)"
    r"|records management|roles|role assignments|root|routing groups?|security"
    r"|security (?:administrator|reader)|self|server management|servers?|service|services"
    r"|sites|smtp|system policies|transport settings|um management|users?|view-only [\w ]+)$"
)
"""Names of containers, groups and accounts that Windows and Exchange make themselves."""


def is_standard(name: str) -> bool:
    """True for what set-up calls so everywhere."""
    return _STANDARD.match(name.strip()) is not None


def labels(host: str) -> tuple[str, ...]:
    """The labels of a host's name that somebody chose: without the ending."""
    parts = host.strip(".").split(".")
    least = 3 if len(parts) > 2 and parts[-2].lower() in ENDINGS else 2
    return tuple(parts[: 1 - least]) if len(parts) >= least else tuple(parts)
