"""Active learning for soft-matter simulations: decide what to simulate next.

`Campaign` runs a whole campaign and shows how it goes, unless it is told to a `Silent()`; the parts work alone, too:
`softal.space`, `softal.objective`, `softal.strategies`, `softal.surrogates`, `softal.simulators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from softal.about import __version__

if TYPE_CHECKING:
    from softal.terminal.campaign import Campaign as Campaign
    from softal.terminal.campaign import Silent as Silent

__all__ = ["Campaign", "Silent", "__version__"]


def __getattr__(name: str) -> Any:
    # `import softal` stays fast: the orchestrator's libraries take seconds to import.
    if name in ("Campaign", "Silent"):
        from softal.terminal import campaign

        return getattr(campaign, name)
    raise AttributeError(f"module 'softal' has no attribute {name!r}")
