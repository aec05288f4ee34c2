import asyncio
import logging
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import pytest

from patchstand.model import Observation, Target
from patchstand.observe import look as looking
from patchstand.observe.limits import Limits
from patchstand.observe.look import Approach, look
from patchstand.observe.pace import Pace, PaceRules
from patchstand.observe.probe import select
from patchstand.observe.resolve import Resolver
from patchstand.observe.scope import Gate
from patchstand.observe.session import Prober

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SHORT = Limits(connect=0.5, answer=0.5, target=3.0)

Result = TypeVar("Result")


class Run(Protocol):
    """Runs a coroutine to its end."""

    def __call__(self, main: Coroutine[Any, Any, Result]) -> Result: ...


def approach(probes: str = "all", **settings: Any) -> Approach:  # noqa: ANN401  # of Approach
    """Only loopback is permitted; short limits. `requests`: allowed per server."""

    def now() -> datetime:
        return NOW

    usual: dict[str, Any] = {
        "gate": Gate(now),
        "resolver": Resolver(),
        "prober": Prober("0.0", "https://probe.example/", vantage_point="test"),
        "now": now,
        "probes": select(probes.split(",")),
        "limits": SHORT,
    }
    if "requests" in settings:
        usual["pace"] = Pace(PaceRules(requests_per_server=settings.pop("requests")))
    return Approach(**(usual | settings))


async def look_at(port: int, service: str = "https", **settings: Any) -> Observation:  # noqa: ANN401  # of Approach
    """Look at one service of 127.0.0.1."""
    ports: dict[str, int | None] = dict.fromkeys(("https", "smtp", "imap", "pop"))
    target = Target("127.0.0.1", **(ports | {service: port}))
    return await look(target, approach(**settings))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a coroutine on either event loop, as the product does."""
    if request.param == "uvloop":
        pytest.importorskip("uvloop")
        return looking.run
    looking._shrink_buffers()

    def stdlib(main: Coroutine[Any, Any, Result]) -> Result:
        with asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(looking._log_quietly)
            return runner.run(main)

    return stdlib


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing above debug is logged, whatever a server does."""
    yield
    assert [each for each in caplog.records if each.levelno > logging.DEBUG] == []
