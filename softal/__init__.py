"""Active learning for soft-matter simulations: decide what to simulate next.

`Campaign` runs a whole campaign; the parts work alone, too: `softal.space`, `softal.objective`, `softal.strategies`,
`softal.surrogates`, `softal.simulators`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from softal.about import __version__

if TYPE_CHECKING:
    from softal.orchestrator.campaign import Campaign as Campaign

__all__ = ["Campaign", "__version__"]


def __getattr__(name: str) -> Any:
    # `import softal` stays fast: the orchestrator's libraries take seconds to import.
    if name == "Campaign":
        from softal.orchestrator.campaign import Campaign

        return Campaign
    raise AttributeError(f"module 'softal' has no attribute {name!r}")
