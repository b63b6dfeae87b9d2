"""What the suite asks of its own tests."""

from __future__ import annotations

import os
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


def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, load: float) -> pytest.RunResult:
    """What comes of TESTS where a test without a reason may take a tenth of a second."""
    pytester.makeconftest(CONFTEST.read_text().replace("LIMIT = 10.0", "LIMIT = 0.1"))
    pytester.makepyfile(TESTS)
    with monkeypatch.context() as patch:
        patch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
        return pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider")


def test_a_long_test_without_a_reason_fails_in_one_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = run(pytester, monkeypatch, load=0.5)
    ran.assert_outcomes(passed=3, failed=2)
    marks = "ray, learning, physics, validation, long, fuzz"
    said = f"*::test_long took * s; a test without one of the marks {marks} may take 0.1 s"
    ran.stdout.fnmatch_lines([said])
    assert "the other reason" in ran.stdout.str()


def test_on_a_busy_machine_it_may_take_longer(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    run(pytester, monkeypatch, load=100.0 * (os.cpu_count() or 1)).assert_outcomes(passed=4, failed=1)


def test_what_takes_longest_comes_first(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = run(pytester, monkeypatch, load=0.5).outlines
    found = [line.split("::")[1].split()[0] for line in lines if "::" in line and line.endswith("%]")]
    assert found[:3] == ["test_last_in_the_file", "test_long_with_a_reason", "test_short"]
