"""How the suite is divided over processes of pytest, how long a test may take, and what no test leaves behind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

NEEDS = ("ray", "learning", "physics", "validation")  # marks of what a test needs, where it needs time
LIMIT = 10.0  # seconds of a test that needs none of these

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each process of pytest
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; a file stays in one process, if it has no groups of its own."""
    items.sort(key=_order)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("ray" if item.get_closest_marker("ray") else item.path.name))


def _order(item: pytest.Item) -> int:
    """Return the rank of the mark that says most about how long a test takes."""
    return next((i for i, mark in enumerate(("ray", "validation", "learning", "physics")) if _needs(item, mark)), 4)


def _needs(item: pytest.Item, *marks: str) -> bool:
    return any(item.get_closest_marker(mark) for mark in marks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """A test that says nothing of what it needs and takes long fails."""
    report = yield
    if report.when == "call" and report.passed and call.duration > LIMIT and not _needs(item, *NEEDS):
        report.outcome = "failed"
        report.longrepr = too_long(item.nodeid, call.duration)
    return report


def too_long(test: str, seconds: float) -> str:
    """Return what is wrong with a test that took so many seconds."""
    return f"{test} took {seconds:.1f} s; a test without one of the marks {', '.join(NEEDS)} may take {LIMIT:g} s"


@pytest.fixture(scope="module", autouse=True)
def no_ray_is_left() -> Iterator[None]:
    """No module of tests leaves a Ray behind: a campaign keeps its own for the next one of the same process."""
    yield
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()
