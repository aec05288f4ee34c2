"""A small writer of MaxMind databases for tests, by the published format (version 2.0)."""

import struct
from ipaddress import ip_network
from pathlib import Path
from typing import Any

_MARKER = b"\xab\xcd\xefMaxMind.com"
_TYPES = {"utf8": 2, "uint16": 5, "uint32": 6, "map": 7, "uint64": 9, "array": 11, "boolean": 14}
_Node = list[Any]  # two of: another node, a record, None


class Number16(int):
    """A number that the format stores as a 16 bit one."""


class Number64(int):
    """A number that the format stores as a 64 bit one."""


def write_mmdb(path: Path, networks: dict[str, dict[str, Any]], version: int = 6) -> Path:
    """Write a database of these networks; record size 24 bits, no pointers in the data."""
    root: _Node = [None, None]
    for text, record in sorted(networks.items(), key=lambda each: ip_network(each[0]).prefixlen):
        _insert(root, _bits(text, version), record)
    nodes = _numbered(root)
    data, tree = bytearray(), bytearray()
    for node in nodes:
        for side in node:
            if side is None:
                value = len(nodes)
            elif isinstance(side, list):
                value = next(at for at, each in enumerate(nodes) if each is side)
            else:
                value = len(nodes) + 16 + len(data)
                data += _encode(side)
            tree += value.to_bytes(3, "big")
    metadata = {
        "node_count": len(nodes),
        "record_size": Number16(24),
        "ip_version": Number16(version),
        "database_type": "Test",
        "languages": ["en"],
        "binary_format_major_version": Number16(2),
        "binary_format_minor_version": Number16(0),
        "build_epoch": Number64(1_700_000_000),
        "description": {"en": "test"},
    }
    path.write_bytes(bytes(tree) + bytes(16) + bytes(data) + _MARKER + _encode(metadata))
    return path


def _bits(text: str, version: int) -> str:
    network = ip_network(text)
    length = 32 if network.version == 4 else 128
    bits = f"{int(network.network_address):0{length}b}"[: network.prefixlen]
    # In a database of IPv6, IPv4 lies under ::/96.
    return "0" * 96 + bits if version == 6 and network.version == 4 else bits


def _insert(node: _Node, bits: str, record: dict[str, Any]) -> None:
    for bit in bits[:-1]:
        side = int(bit)
        if not isinstance(node[side], list):
            node[side] = [node[side], node[side]]  # a wider network is split
        node = node[side]
    node[int(bits[-1])] = record


def _numbered(root: _Node) -> list[_Node]:
    nodes = [root]
    for node in nodes:
        nodes.extend(side for side in node if isinstance(side, list))
    return nodes


def _encode(value: object) -> bytes:
    if isinstance(value, bool):
        return _control("boolean", int(value))
    if isinstance(value, int):
        kind = {Number16: "uint16", Number64: "uint64"}.get(type(value), "uint32")
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return _control(kind, len(raw)) + raw
    if isinstance(value, str):
        raw = value.encode()
        return _control("utf8", len(raw)) + raw
    if isinstance(value, list):
        return _control("array", len(value)) + b"".join(map(_encode, value))
    assert isinstance(value, dict)
    pairs = (_encode(key) + _encode(item) for key, item in value.items())
    return _control("map", len(value)) + b"".join(pairs)


def _control(kind: str, size: int) -> bytes:
    number = _TYPES[kind]
    length, extra = (size, b"") if size < 29 else (29, struct.pack("B", size - 29))
    if number <= 7:
        return bytes([number << 5 | length]) + extra
    return bytes([length, number - 7]) + extra
