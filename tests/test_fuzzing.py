"""Damaged files are refused in a message of softal's own, or read as what they still are; `make fuzz` reads more."""

from collections import Counter

import pytest
from fuzzed import KINDS
from fuzzing import outcomes

FILES = 500  # of each kind
SOME = 25  # of them are read, and as many refused: readers that refuse everything, or nothing, would pass otherwise


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_end_in_no_traceback_take_no_time_and_no_memory(kind):
    found = list(outcomes(kind, FILES))
    assert [outcome for outcome in found if not outcome.right] == []
    assert [outcome.number for outcome in found] == list(range(FILES))
    counts = Counter(outcome.what for outcome in found)
    assert min(counts["fine"], counts["refused"]) >= SOME
