"""Exchange's application pools do not restart by themselves, except OWA and ECP fortnightly.

Setup writes `periodicRestart time="00:00:00"`, and 14 days for those two (read in the
configurations of default installations of 2013 to 2019); IIS' own default is 29 hours.
"""

from collections.abc import Iterator

from patchstand.assess.inside import Inside, InsideCheck, Said
from patchstand.assess.severity import HARDENING
from patchstand.model import Finding, Remedy
from patchstand.model.iis import ApplicationPool
from patchstand.model.inside import Reading

_PREFIX = "msexchange"
_NEVER = "00:00:00"
_OF_IIS = "1.05:00:00"
_FORTNIGHTLY = frozenset({"msexchangeowaapppool", "msexchangeecpapppool"})
_LIMITS = ("memory", "privateMemory", "requests")


def _run(inside: Inside) -> Iterator[Said]:
    config = inside.state.iis
    if config is None:
        return
    read = [
        Reading(config.file, f'applicationPools/add[@name="{pool.name}"]/recycling', said)
        for pool in config.pools
        if pool.name.lower().startswith(_PREFIX)
        for said in _restarts(pool)
    ]
    if read:
        pools = dict.fromkeys(each.path.partition('"')[2].partition('"')[0] for each in read)
        yield Finding(
            "app_pool_restarts",
            HARDENING,
            (("pools", ", ".join(pools)),),
            (Remedy("unset_app_pool_restart"),),
            read=tuple(read),
        )


def _restarts(pool: ApplicationPool) -> Iterator[str]:
    time = pool.restart.get("time", _OF_IIS)
    allowed = {_NEVER, "14.00:00:00"} if pool.name.lower() in _FORTNIGHTLY else {_NEVER}
    if time not in allowed:
        yield f"time={time}"
    for name in _LIMITS:
        if pool.restart.get(name, "0") != "0":
            yield f"{name}={pool.restart[name]}"
    if pool.schedule:
        yield f"schedule={', '.join(pool.schedule)}"


CHECK = InsideCheck("app_pool_restart", _run)
