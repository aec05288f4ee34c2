"""The floor of every look: OpenSSL's own client, connecting to the same servers."""

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.bench.measured import spent

_CONNECTIONS = re.compile(rb"(\d+) connections in ")
# Reading the system's certificate authorities would cost more than many handshakes.
_NO_CA = ("-no-CAfile", "-no-CApath", "-no-CAstore")
Handshake = tuple[str, str]
"""TLS version and key of the certificate, or whatever tells sorts of handshakes apart."""


class Floor:
    """OpenSSL's own client, asking the same servers one after the other for nothing."""

    def __init__(self, servers: Iterable[tuple[Handshake, str]], port: int) -> None:
        """One address for each sort of handshake, and how often each occurs."""
        self.shares: Counter[Handshake] = Counter()
        self._examples: dict[Handshake, str] = {}
        for handshake, address in servers:
            self.shares[handshake] += 1
            self._examples.setdefault(handshake, f"{address}:{port}")
        self.costs: dict[Handshake, list[float]] = {each: [] for each in self.shares}

    def milliseconds(self, folder: Path) -> float:
        """Processor time of one connection, over the same mixture of handshakes."""
        total = 0.0
        for each, number in self.shares.items():
            self.costs[each].append(self._cost(each, folder))
            total += self.costs[each][-1] * number
        return total / self.shares.total()

    def _cost(self, handshake: Handshake, folder: Path) -> float:
        openssl = shutil.which("openssl") or pytest.skip("openssl is not installed")
        options = ("-new", "-time", "3", "-connect", self._examples[handshake])
        run = spent([openssl, "s_time", *_NO_CA, *options], folder)
        found = _CONNECTIONS.search(run.said)
        assert found, run.complaints
        return run.cpu / int(found[1]) * 1000
