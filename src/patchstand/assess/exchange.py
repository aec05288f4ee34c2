"""What Exchange says of the server itself."""

from collections.abc import Sequence

from patchstand.assess.values import truth
from patchstand.model.inside import PsObject, ServerState, shown

_SERVER = "GetExchangeServer"


def is_edge(state: ServerState) -> bool:
    """True for an Edge Transport server: it has no IIS, no mailboxes and no directory."""
    server = state.one(_SERVER)
    return server is not None and truth(server.get("IsEdgeServer")) is True


def distinguished_name(state: ServerState) -> str:
    """Where the server stands in the directory; empty when nothing tells it."""
    server = state.one(_SERVER)
    return shown(server.get("DistinguishedName")) if server else ""


def of_this_server(state: ServerState, found: Sequence[PsObject]) -> tuple[PsObject, ...]:
    """Objects of this server where an export holds those of all; all where none says whose."""
    name = state.reading(_SERVER, "Name")
    own = name.value.lower() if name else ""
    mine = [each for each in found if own and _server_of(each) == own]
    return tuple(mine or found)


def _server_of(each: PsObject) -> str:
    said = shown(each.get("ServerName")) or shown(each.get("Server"))
    return said.partition(".")[0].lower()
