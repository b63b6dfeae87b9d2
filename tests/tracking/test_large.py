"""What follows a campaign of many trials holds few of them at a time."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator

import pytest

from softal.objective import minimize
from softal.tracking.journal import Journal
from softal.tracking.mirror import Follower
from softal.tracking.records import Held
from softal.trial import Observation, Trial, TrialState

FIRST, ALL = 1000, 6000


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    folder = tmp_path_factory.mktemp("large") / "run"
    with Journal.create(folder, "", {"name": "large", "id": "0", "state": "running"}) as made:
        for first in range(0, ALL, 500):
            made.write([trial(i) for i in range(first, first + 500)])
        yield made


def trial(number: int) -> Trial:
    f = 1.0 / (1 + number)
    return Trial(
        number,
        {"x": 0.1 * number, "y": f},
        state=TrialState.DONE,
        observation=Observation({"f": f}),
        objective={"f": f},
        started=1.0 + number,
        finished=1.001 + number,
        host="here",
    )


class Store:
    """Takes everything and keeps nothing."""

    taken = 0

    def open(self, campaign: object) -> Held:
        return Held({})

    def add(self, runs: list[object]) -> None:
        self.taken += len(runs)

    def log_campaign(self, *metrics: object, **tags: object) -> None:
        pass

    def close_campaign(self, status: str, end: int) -> None:
        pass


def held() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


@pytest.mark.long
def test_the_mirror_holds_as_much_after_many_trials_as_after_few(journal: Journal) -> None:
    store = Store()
    follower = Follower(journal, store, minimize("f"))
    tracemalloc.start()
    try:
        while store.taken < FIRST:
            follower.step(max_trials=500)
        after_few = held()
        while not follower.up_to_date:
            follower.step(max_trials=500)
        after_many = held()
    finally:
        tracemalloc.stop()
    assert store.taken == ALL
    assert after_many - after_few < 100_000, "20 bytes a trial"


def test_reading_trials_one_after_the_other_holds_a_part_of_them(journal: Journal) -> None:
    tracemalloc.start()
    try:
        number = sum(1 for _ in journal.read())
        streamed = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        found = journal.trials()
        listed = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        before = held()
        scores = journal.scores(minimize("f"))
        as_arrays = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert number == len(found) == len(scores) == ALL
    assert streamed < listed / 4
    assert as_arrays < listed / 4
