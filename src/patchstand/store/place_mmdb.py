"""MaxMind databases: GeoLite2 Country, City and ASN, DB-IP, IPinfo, and others of those shapes."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from patchstand.errors import StoreError, UsageError
from patchstand.model import Place
from patchstand.store.place_files import read_asn
from patchstand.store.place_tables import FIELDS, UNKNOWN, Known

_MARKER = b"\xab\xcd\xefMaxMind.com"
_METADATA_LENGTH = 128 * 1024
"""The metadata begin at the marker, at most so far before the end (MaxMind DB format 2.0)."""


def is_mmdb(path: Path) -> bool:
    """True for a MaxMind database, by its end; or by its name, so that a cut one is refused.

    Raises:
        OSError: the file cannot be read.
    """
    if path.suffix.lower() == ".mmdb":
        return True
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _METADATA_LENGTH))
        return _MARKER in file.read()


class Database:
    """One open database; `rank` is its place among the files."""

    def __init__(self, path: Path, rank: int) -> None:
        """Open it; it is mapped, not read.

        Raises:
            UsageError: not a MaxMind database.
            StoreError: the extra `store` is missing.
            OSError: the file cannot be read.
        """
        try:
            import maxminddb  # noqa: PLC0415  an extra; the base commands do without
        except ImportError as error:
            raise StoreError(
                "a .mmdb file needs the extra `store`: pip install patchstand[store]"
            ) from error
        self._path, self._rank = path, rank
        self._broken = maxminddb.InvalidDatabaseError
        try:
            self._reader = maxminddb.open_database(path)
        except maxminddb.InvalidDatabaseError as error:
            raise UsageError(f"{path}: not a whole MaxMind database; fetch it again") from error
        self._has_six = self._reader.metadata().ip_version == 6

    def of(self, packed: bytes) -> Known:
        """What it knows of an address, given as 4 or 16 bytes.

        The format does not keep the networks as they were entered: their size here is that
        of the part of the tree with the same record.

        Raises:
            UsageError: the database is damaged there.
        """
        if len(packed) == 16 and not self._has_six:
            return UNKNOWN
        try:
            record, prefix = self._reader.get_with_prefix_len(ip_address(packed))
        except self._broken as error:
            raise UsageError(f"{self._path}: damaged; fetch it again") from error
        if not isinstance(record, dict):
            return UNKNOWN
        place = read_record(record)
        size = 1 << max(0, len(packed) * 8 - prefix)
        values = [getattr(place, name) for name in FIELDS]
        sizes = tuple(None if value is None else size for value in values)
        return Known(place, sizes, (self._rank,) * len(FIELDS))


def read_record(record: dict[str, Any]) -> Place:
    """The place in a record, by the field names of MaxMind and DB-IP, or those of IPinfo."""
    country = _country(record)
    return Place(country=country, state=_state(record, country), asn=_asn(record))


def _country(record: dict[str, Any]) -> str | None:
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else None
    for text in (code, record.get("country_code"), country):
        if isinstance(text, str) and len(text) == 2:
            return text.upper()
    return None


def _state(record: dict[str, Any], country: str | None) -> str | None:
    divisions = record.get("subdivisions")
    if isinstance(divisions, list) and divisions and isinstance(divisions[0], dict):
        names = divisions[0].get("names")
        code = divisions[0].get("iso_code")
        if isinstance(code, str) and code and country:
            return f"{country}-{code.upper()}"
        return _text(names.get("en")) if isinstance(names, dict) else None
    return _text(record.get("region_code")) or _text(record.get("region"))


def _asn(record: dict[str, Any]) -> int | None:
    number = record.get("autonomous_system_number", record.get("asn"))
    if isinstance(number, int):
        return number
    try:
        return read_asn(number) if isinstance(number, str) else None
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
