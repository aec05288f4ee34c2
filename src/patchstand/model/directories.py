"""Virtual directories that Exchange's setup makes, and how Extended Protection is set there."""

from dataclasses import dataclass
from enum import StrEnum

from patchstand.model.build import Build, ProductLine


class TokenChecking(StrEnum):
    """How IIS checks channel binding tokens (`extendedProtection tokenChecking`)."""

    NONE = "None"
    ALLOW = "Allow"
    REQUIRE = "Require"

    @property
    def rank(self) -> int:
        """0 for None, 2 for Require: more is stricter."""
        return _RANKS[self]


_RANKS = {checking: rank for rank, checking in enumerate(TokenChecking)}


@dataclass(frozen=True, slots=True)
class ExchangeDirectory:
    """One virtual directory of a default installation.

    `folder`: below the installation folder, with slashes; empty where setup puts it
    elsewhere. `protection`: what Microsoft's script sets; None where it sets nothing.
    `missing_on`: lines that do not have it; `roles`: of 2013, `cas`, `mbx` or both.
    `ip_filter`: an address filter may take the place of the setting.
    """

    site: str
    path: str
    folder: str
    protection: TokenChecking | None
    missing_on: frozenset[ProductLine] = frozenset()
    roles: frozenset[str] = frozenset({"cas", "mbx"})
    ip_filter: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeDirectories:
    """All of them, and the first build of each CU that supports Extended Protection."""

    directories: tuple[ExchangeDirectory, ...] = ()
    protection_since: tuple[Build, ...] = ()

    def supports_protection(self, build: Build) -> bool:
        """At least the first build of its CU, or a later CU than all that are named."""
        return build.has_reached(self.protection_since)


@dataclass(frozen=True, slots=True)
class DirectoryProtection:
    """Extended Protection of one virtual directory.

    `supported`: not stricter than expected, which breaks clients; `secure`: not laxer.
    """

    site: str
    path: str
    current: TokenChecking
    expected: TokenChecking
    supported: bool
    secure: bool


@dataclass(frozen=True, slots=True)
class ProtectionSummary:
    """Counts over the virtual directories; `supported_version` None: the build is not known."""

    vdirs: int
    supported_version: bool | None
    current_not_none: int
    expected_not_none: int
    not_supported: int
    not_secure: int
