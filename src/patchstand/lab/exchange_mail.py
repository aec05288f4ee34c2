"""The mail side of Exchange 2003 to SE: banners, EHLO keywords, greetings, capabilities."""

from patchstand.lab.answers import MailboxFace, SmtpFace
from patchstand.lab.servers import Node, Server
from patchstand.model import ProductLine

# In the order recorded; 2007 has no XSHADOW, 2013 on ends with XRDST, 2019 adds SMTPUTF8.
_OPENING = ("SIZE 37748736", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "STARTTLS")
_CONTENT = ("8BITMIME", "BINARYMIME", "CHUNKING")
_MODERN = (*_OPENING, "X-ANONYMOUSTLS", "AUTH NTLM", "X-EXPS GSSAPI NTLM", *_CONTENT)
_KEYWORDS = {
    ProductLine.V2007: (*_OPENING, "X-ANONYMOUSTLS", "X-EXPS NTLM", *_CONTENT, "XEXCH50"),
    ProductLine.V2010: (
        *(*_OPENING, "X-ANONYMOUSTLS", "X-EXPS NTLM", *_CONTENT),
        *("XEXCH50", "XRDST", "XSHADOW"),
    ),
    ProductLine.V2013: (*_MODERN, "XRDST"),
    ProductLine.V2016: (*_MODERN, "XRDST"),
    ProductLine.V2019: (*_MODERN, "SMTPUTF8", "XRDST"),
    ProductLine.SE: (*_MODERN, "SMTPUTF8", "XRDST"),
}
_KEYWORDS_OF_2003 = (
    *("TURN", "SIZE", "ETRN", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES", "8bitmime"),
    *("BINARYMIME", "CHUNKING", "VRFY", "X-EXPS GSSAPI NTLM LOGIN", "X-EXPS=LOGIN"),
    *("AUTH GSSAPI NTLM LOGIN", "AUTH=LOGIN", "X-LINK2STATE", "XEXCH50", "OK"),
)
_IMAP = ("IMAP4", "IMAP4rev1", "AUTH=PLAIN", "AUTH=NTLM", "AUTH=GSSAPI", "SASL-IR", "STARTTLS")
_IMAP_MODERN = (*_IMAP, "UIDPLUS", "MOVE", "ID", "UNSELECT", "CHILDREN", "IDLE", "NAMESPACE")
_IMAP_CLASSIC = (*_IMAP, "UIDPLUS", "CHILDREN", "IDLE", "NAMESPACE", "LITERAL+")
_POP = ("TOP", "UIDL", "SASL NTLM GSSAPI PLAIN", "USER", "STLS")

# German and French come as Latin-1 bytes, Chinese as GBK bytes.
_GREETINGS = {
    "en": ("latin-1", "The Microsoft Exchange {} service is ready."),
    "de": ("latin-1", "Der Microsoft Exchange-{}-Dienst ist verfügbar."),
    "fr": ("latin-1", "Le service {} Microsoft Exchange est prêt."),
    "zh": ("gbk", "Microsoft Exchange {} 服务已就绪。"),
}
LANGUAGES = tuple(_GREETINGS)


def smtp(_server: Server, node: Node) -> SmtpFace:
    """2007 and later: no version in the banner, the generation in the keywords."""
    return SmtpFace(
        banner=f"{node.host} Microsoft ESMTP MAIL Service ready at {{date}}",
        ehlo=(f"{node.host} Hello [{{client}}]", *_KEYWORDS[node.line]),
    )


def smtp_of_2003(_server: Server, node: Node) -> SmtpFace:
    """2003: the version is that of the SMTP service of Windows, not of Exchange."""
    version = "Version: 6.0.3790.4675"
    return SmtpFace(
        banner=f"{node.host} Microsoft ESMTP MAIL Service, {version} ready at  {{date}}",
        ehlo=(f"{node.host} Hello [{{client}}]", *_KEYWORDS_OF_2003),
        goodbye=f"2.0.0 {node.host} Service closing transmission channel",
    )


def _greeting(node: Node, service: str) -> bytes:
    if node.line is ProductLine.V2007:
        return f"Microsoft Exchange Server 2007 {service} service ready".encode()
    charset, text = _GREETINGS[node.language]
    return text.format(service).encode(charset)


def imap(_server: Server, node: Node) -> MailboxFace:
    """2007 and later; from 2013 on ID answers with two parts of the version [inf]."""
    modern = node.line.rank >= ProductLine.V2013.rank
    version = ".".join(str(part) for part in node.build.branch)
    name = "Microsoft.Exchange.Imap4.Imap4Server"
    return MailboxFace(
        greeting=_greeting(node, "IMAP4"),
        capabilities=(*_IMAP_MODERN, "LITERAL+") if modern else _IMAP_CLASSIC,
        goodbye="Microsoft Exchange Server IMAP4 server signing off.",
        identity=f'("name" "{name}" "version" "{version}")' if modern else "",
    )


def pop(_server: Server, node: Node) -> MailboxFace:
    """2007 and later."""
    return MailboxFace(
        greeting=_greeting(node, "POP3"),
        capabilities=_POP,
        goodbye="Microsoft Exchange Server POP3 server signing off.",
    )


def _greeting_of_2003(node: Node, service: str) -> bytes:
    if node.language == "de":
        text = f"Der Microsoft Exchange Server 2003 {service}-Server, Version {node.shown}"
        return f"{text} ({node.host}), steht zur Verfügung.".encode("latin-1")
    text = f"Microsoft Exchange Server 2003 {service} server version {node.shown}"
    return f"{text} ({node.host}) ready.".encode()


def imap_of_2003(_server: Server, node: Node) -> MailboxFace:
    """2003 prints its full version."""
    return MailboxFace(
        greeting=_greeting_of_2003(node, "IMAP4rev1"),
        capabilities=("IMAP4", "IMAP4rev1", "IDLE", "LOGIN-REFERRALS", "NAMESPACE", "AUTH=NTLM"),
        goodbye="Microsoft Exchange Server 2003 IMAP4rev1 server signing off.",
    )


def pop_of_2003(_server: Server, node: Node) -> MailboxFace:
    """2003 prints its full version."""
    return MailboxFace(
        greeting=_greeting_of_2003(node, "POP3"),
        capabilities=("TOP", "UIDL", "SASL NTLM", "USER"),
        goodbye="Microsoft Exchange Server 2003 POP3 server signing off.",
    )
