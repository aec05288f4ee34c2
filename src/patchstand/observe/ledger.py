"""What was spent on each address, in little memory: ten million IPv4 addresses in 250 MB at most.

IPv4 addresses lie in blocks of 4,096. A block holds records of four bytes (address within
the block, connections, requests), or, once it has many, two bytes for each of its addresses.
IPv6 addresses, of which fewer are asked, have a row each.
"""

_MEMBERS = 4096
_TABLE = 2 * _MEMBERS
_RECORD = 4
_MANY = 256 * _RECORD
"""Bytes of records from which a block becomes a table: searching would take longer."""
_MOST = 255
"""A count that would exceed it stays there: no budget is as large."""


class Ledger:
    """Connections and requests by packed address (4 or 16 bytes)."""

    def __init__(self) -> None:
        """Begin empty."""
        self._blocks: dict[int, bytearray] = {}
        self._rows: dict[bytes, int] = {}

    def of(self, key: bytes) -> tuple[int, int]:
        """Connections and requests of one address; zeros for one never asked."""
        if len(key) != 4:
            row = self._rows.get(key, 0)
            return row >> 8, row & _MOST
        number = int.from_bytes(key, "big")
        block = self._blocks.get(number // _MEMBERS)
        at = -1 if block is None else _place_of(block, number % _MEMBERS)
        return (0, 0) if block is None or at < 0 else (block[at], block[at + 1])

    def put(self, key: bytes, attempts: int, taken: int) -> None:
        """Note the connections and requests of one address, altogether."""
        attempts, taken = min(attempts, _MOST), min(taken, _MOST)
        if len(key) != 4:
            self._rows[key] = attempts << 8 | taken
            return
        number = int.from_bytes(key, "big")
        block = self._blocks.get(number // _MEMBERS)
        if block is None:
            block = self._blocks[number // _MEMBERS] = bytearray()
        at = _place_of(block, number % _MEMBERS)
        if at >= 0:
            block[at] = attempts
            block[at + 1] = taken
            return
        block += (number % _MEMBERS).to_bytes(2, "big") + bytes((attempts, taken))
        if len(block) > _MANY:
            self._blocks[number // _MEMBERS] = _table(block)


def _place_of(block: bytearray, member: int) -> int:
    """Where the counts of a member stand; -1 when it has none."""
    if len(block) == _TABLE:
        return 2 * member
    wanted = member.to_bytes(2, "big")
    at = block.find(wanted)
    while at >= 0 and at % _RECORD:
        at = block.find(wanted, at + 1)
    return at + 2 if at >= 0 else -1


def _table(block: bytearray) -> bytearray:
    table = bytearray(_TABLE)
    for at in range(0, len(block), _RECORD):
        member = int.from_bytes(block[at : at + 2], "big")
        table[2 * member : 2 * member + 2] = block[at + 2 : at + _RECORD]
    return table
