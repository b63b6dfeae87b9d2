"""What the suite asks of its own tests."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")
pytest_plugins = ["pytester"]

TESTS = """
import time
import pytest

def test_short():
    pass

def test_long():
    time.sleep(0.2)

@pytest.mark.physics
def test_long_with_a_reason():
    time.sleep(0.2)

def test_that_fails_for_another_reason():
    time.sleep(0.2)
    assert False, "the other reason"

@pytest.mark.ray
def test_last_in_the_file():
    pass
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.RunResult:
    """What comes of TESTS where a test without a reason may take a tenth of a second."""
    pytester.makeconftest(CONFTEST.read_text().replace("LIMIT = 10.0", "LIMIT = 0.1"))
    pytester.makepyfile(TESTS)
    return pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider")


def test_a_long_test_without_a_reason_fails_in_one_line(run: pytest.RunResult) -> None:
    run.assert_outcomes(passed=3, failed=2)
    said = "*::test_long took 0.2 s; a test without one of the marks ray, learning, physics, validation may take 0.1 s"
    run.stdout.fnmatch_lines([said])
    assert "the other reason" in run.stdout.str()


def test_what_takes_longest_comes_first(run: pytest.RunResult) -> None:
    found = [line.split("::")[1].split()[0] for line in run.outlines if "::" in line and line.endswith("%]")]
    assert found[:3] == ["test_last_in_the_file", "test_long_with_a_reason", "test_short"]
