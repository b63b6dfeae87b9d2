"""Twenty things that are done to a campaign cost no trial; `make chaos` does two hundred."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from chaos import SHARES, order, run

pytestmark = pytest.mark.ray


def test_the_same_seed_does_the_same_and_twenty_are_one_of_each_at_least() -> None:
    assert order(200, 3) == order(200, 3) != order(200, 4)
    assert Counter(order(20, 1)) == SHARES


@pytest.mark.timeout(1800)
def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    chaos = run(tmp_path, kills=20, seed=1)
    assert chaos.done + chaos.skipped == SHARES
    assert set(chaos.skipped) <= {"disk"}
