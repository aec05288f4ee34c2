"""audit --jobs: bundles over processes or a cluster, in the order in which they were named."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future

from patchstand.errors import PatchstandError, StoreError
from patchstand.model.audited import AuditedServer
from patchstand.model.bundled import RefusedBundle
from patchstand.workflow.audit import AuditPlan, audit, audit_source, is_only, sources_of

_WAITING_PER_PROCESS = 2
"""Bundles handed out ahead of the one whose turn it is: nobody idles, and memory stays flat."""


def audit_all(
    plan: AuditPlan, pool: Executor | None, processes: int = 1
) -> Iterator[AuditedServer | RefusedBundle]:
    """Audit every bundle here, or by others; the order is that of `audit` either way.

    Raises:
        UsageError: as `audit`.
        StoreError: the processes are lost.
    """
    if pool is None:
        yield from audit(plan)
        return
    found = sources_of(plan)
    waiting: deque[Future[AuditedServer | RefusedBundle]] = deque()
    for source in found:
        if len(waiting) >= _WAITING_PER_PROCESS * processes:
            yield _result(waiting.popleft())
        waiting.append(pool.submit(audit_source, source, plan, is_only=is_only(found)))
    while waiting:
        yield _result(waiting.popleft())


def _result(
    future: "Future[AuditedServer | RefusedBundle]",
) -> AuditedServer | RefusedBundle:
    try:
        return future.result()
    except PatchstandError:
        raise
    except Exception as error:
        raise StoreError(
            f"a process that audits is lost ({type(error).__name__}: {error}); start again"
        ) from error
