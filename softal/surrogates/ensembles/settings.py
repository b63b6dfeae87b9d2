"""Settings of the search for a good shape."""

from __future__ import annotations

from pydantic import Field

from softal.kinds.settings import Settings


class Tune(Settings):
    """Tuning of width, depth and learning rate by Ray Tune.

    Attributes:
        samples: shapes that are tried, the default one among them.
        cpus: of each try.
        steps: of training in each try.
        seconds: for all tries; those that a busy cluster has not got to by then are left out.
    """

    samples: int = Field(default=8, ge=1)
    cpus: float = Field(default=1.0, ge=0)
    steps: int = Field(default=400, ge=10)
    seconds: float = Field(default=300.0, gt=0)
