"""Guesses the kind of a pasted text."""

import re

from patchstand.model import EvidenceKind

_RULES: tuple[tuple[EvidenceKind, re.Pattern[str]], ...] = (
    (EvidenceKind.EWS_SOAP, re.compile(r"(?i)ServerVersionInfo|MajorBuildNumber")),
    (EvidenceKind.MANIFEST, re.compile(r"(?i)assemblyIdentity")),
    (
        EvidenceKind.RECEIVED,
        re.compile(r"(?im)^received\s*:|\bwith\s+(?:Microsoft\s+SMTP\s*S(?:erver|VC)|mapi)\b"),
    ),
    (EvidenceKind.NTLM, re.compile(r"Product_Version:|Target_Name:|TlRMTVNTUAAC")),
    (EvidenceKind.HTML, re.compile(r"(?i)<(?:!doctype|html|head|link|script|title|meta|body)\b")),
    (EvidenceKind.IMAP, re.compile(r"(?i)^\* (?:OK|PREAUTH|BYE)\b|\bIMAP4?(?:rev1)?\b")),
    (EvidenceKind.POP, re.compile(r"(?i)^(?:\+OK|-ERR)\b|\bPOP3\b")),
    (EvidenceKind.EHLO, re.compile(r"(?m)^250[- ]|XEXCH50|X-LINK2STATE|X-ANONYMOUSTLS")),
    (
        EvidenceKind.SMTP_BANNER,
        re.compile(r"(?i)^220[ -]|\bE?SMTP\b|Internet Mail Service|Microsoft.{0,20}MAIL"),
    ),
    (EvidenceKind.HTTP_HEADERS, re.compile(r"(?im)^HTTP/\d|^[\w .-]{2,60}:\s")),
)


def guess_kind(text: str) -> EvidenceKind:
    """The first kind whose marks the text bears.

    A text with several marks (a whole SMTP session) gets the more telling kind; one
    without any is read as the banner of a mail server, the least marked kind.
    """
    head = text[:65536].strip()
    if re.match(r"HTTP/\d", head):
        return EvidenceKind.HTTP_HEADERS
    return next((kind for kind, mark in _RULES if mark.search(head)), EvidenceKind.SMTP_BANNER)
