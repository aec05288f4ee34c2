"""Exchange itself: mixed back ends, error pages, and how much of it shows."""

from collections import Counter
from collections.abc import Callable

from tests.lab.conversation import ask

from patchstand.lab import Lab, Server
from patchstand.model import IdentityPrecision

OfKind = Callable[[str], list[Server]]


def test_mixed_shows_every_back_end_over_fresh_connections(zoo: Lab, of_kind: OfKind) -> None:
    """Each connection lands on one node, which says its own name and build."""
    for server in of_kind("mixed"):
        seen: Counter[tuple[str | None, str | None]] = Counter()
        for _ in range(30):
            reply = ask(zoo, server, "/owa/")
            seen[reply.first("X-FEServer"), reply.first("X-OWA-Version")] += 1

        assert set(seen) == {
            (node.name, str(node.build) if node.says_version else None) for node in server.nodes
        }


def test_error_fe_sends_everyone_to_the_error_page(zoo: Lab, of_kind: OfKind) -> None:
    """A broken back end: 302 to errorFE.aspx, and nothing names the build."""
    reply = ask(zoo, of_kind("error_fe")[0], "/owa/")

    assert reply.status == 302
    assert reply.first("Location") == "/owa/auth/errorFE.aspx?httpCode=500"
    assert reply.first("X-OWA-Version") is None


def test_visible_says_what_the_headers_say(zoo: Lab) -> None:
    """Without version, manifest or a CU of one build, the truth claims no more than the CU."""
    plain = [s for s in zoo.estate.servers if s.kind.name in {"2013", "2016", "2019", "SE"}]
    for server in plain:
        version = ask(zoo, server, "/owa/").first("X-OWA-Version")
        if version is not None:
            assert server.visible is IdentityPrecision.EXACT
            assert version == str(server.nodes[0].build)
        elif not (server.nodes[0].has_manifest or server.nodes[0].only_of_its_cu):
            assert server.visible is IdentityPrecision.CU
