"""A store whose state lies in a real PostgreSQL: check, export, erase."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.services.postgresql import PostgreSql, postgresql
from tests.workflow.stores import NAMES, NOW, everything, store_of, with_servers

from patchstand.store.state import State
from patchstand.workflow.store import Store, check, erase, servers

pytestmark = pytest.mark.services


@pytest.fixture
def server() -> Iterator[PostgreSql]:
    """A server of our own, in a folder that its user may enter."""
    with TemporaryDirectory(prefix="patchstand-") as folder:
        Path(folder).chmod(0o755)
        with postgresql(Path(folder)) as running:
            yield running


def test_an_erased_server_leaves_the_files_of_postgresql(
    server: PostgreSql, tmp_path: Path
) -> None:
    """Rows of the server are gone from the tables, and vacuumed; the erasure is on record."""
    store = Store(store_of(tmp_path / "s").root, server.url)
    assert check(store, dry_run=False).is_fine
    with_servers(store)

    done = erase(store, [NAMES[1], "9.9.1.9"], "opt-out", NOW)

    assert (done.rows, done.servers) == (1, 1)
    assert [each.nodes for each in servers(store, NOW)] == [1]
    assert NAMES[1] not in everything(store.root)
    assert not (store.root / "state.sqlite").exists()
    with State.open(store.url) as state:
        assert {each.pseudonym for each in state.erasures()} == set(done.pseudonyms)
        assert NAMES[1] not in repr(state.servers())
    assert check(store, dry_run=False).is_fine
