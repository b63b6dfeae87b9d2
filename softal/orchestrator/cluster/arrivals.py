"""Which workers of a session have come: each says so once, when its sandbox can simulate.

Ray counts a task as running while its worker starts, and a hundred workers of a small machine take minutes to start.
Ray has no public word for a note that outlives a task: where its private one is gone, all workers are taken for there.
"""

from __future__ import annotations

import contextlib

_said: set[str] = set()  # sessions in which this worker has said so


def say(session: str) -> None:
    """Say, in a worker, that it is there."""
    if session in _said:
        return
    _said.add(session)
    with contextlib.suppress(Exception):
        import ray
        from ray.experimental import internal_kv

        worker = ray.get_runtime_context().get_worker_id()
        internal_kv._internal_kv_put(f"{session}:{worker}", b"", namespace=b"softal")


def count(session: str) -> int | None:
    """Return how many workers have said so, those included that are lost since; None where Ray does not know."""
    try:
        from ray.experimental import internal_kv

        return len(internal_kv._internal_kv_list(f"{session}:", namespace=b"softal"))
    except Exception:
        return None


def forget(session: str) -> None:
    """Remove what was said in a session, from a Ray that stays."""
    with contextlib.suppress(Exception):
        from ray.experimental import internal_kv

        internal_kv._internal_kv_del(f"{session}:", del_by_prefix=True, namespace=b"softal")
