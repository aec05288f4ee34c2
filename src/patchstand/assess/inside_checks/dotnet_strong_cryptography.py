"""Whether .NET programs, Exchange among them, follow the TLS settings of Windows.

`SystemDefaultTlsVersions` and `SchUseStrongCrypto` of .NET 4 should be 1, for 64-bit and for
32-bit programs; Extended Protection asks for both (Microsoft Learn, "Exchange Server TLS
configuration best practices").
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said, Unread
from patchstand.assess.schannel import EXPORT, dotnet_values, protocols
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy

_OLD = frozenset({"1.0", "1.1"})


def _run(inside: Inside) -> Iterator[Said]:
    found = dotnet_values(inside.state)
    if not found:
        yield Unread(EXPORT)
        return
    wrong = [each for each in found if each.value != 1]
    if wrong:
        versions = protocols(inside.state)
        breaks = any(each.version in _OLD and not each.is_on for each in versions)
        yield Finding(
            "dotnet_strong_cryptography",
            HARDENING,
            (
                ("settings", ", ".join(dict.fromkeys(each.name for each in wrong))),
                ("breaks", "yes" if breaks else ""),
            ),
            (Remedy("set_dotnet_cryptography"),),
            references=("Microsoft Learn: Exchange Server TLS configuration best practices",),
            read=tuple(each.reading for each in wrong),
        )


CHECK = InsideCheck("dotnet_strong_cryptography", _run)
