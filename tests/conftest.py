"""How the suite is divided over processes of pytest, how long a test may take, and what no test leaves behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
NEEDS = ("ray", "learning", "physics", "validation", "long", "fuzz")  # marks of what a test needs, where it needs time
LIMIT = 10.0  # seconds of a test that needs none of these
WAITED = pytest.StashKey[float]()  # seconds, of a test

# `nohup make test &` has Ctrl-C and the end of the terminal ignored, by all that tests start, too.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread for each process of pytest
    # As nice as a campaign's agents are: beside tests that compute, these would hardly run, and others wait for them.
    os.nice(19)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; a file stays in one process, if it has no groups of its own."""
    items.sort(key=_order)
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Call bytes by their parameter: gzip's hold the time, and processes of pytest have to collect the same names."""
    return argname if isinstance(val, bytes) else None


def _group(item: pytest.Item) -> str:
    """Return what shares a process of pytest: a Ray, the tests that start Rays of their own, or a file."""
    if item.get_closest_marker("ray") is None:
        return item.path.name
    return "ray" if {"local_ray", "ray_address"} & set(getattr(item, "fixturenames", ())) else "rays of their own"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Groups that have no effect, as with pytest 9.2 and pytest-xdist 3.8, would double the time without a word."""
    grouped = "PYTEST_XDIST_WORKER" in os.environ and getattr(session.config.option, "loadgroup", False)
    if grouped and any("@" not in item.nodeid for item in session.items):
        raise pytest.UsageError("the groups of tests have no effect with these versions of pytest and pytest-xdist")


def _order(item: pytest.Item) -> int:
    """Return the rank of the mark that says most about how long a test takes."""
    return next((i for i, mark in enumerate(("ray", "validation", "learning", "physics")) if _needs(item, mark)), 4)


def _needs(item: pytest.Item, *marks: str) -> bool:
    return any(item.get_closest_marker(mark) for mark in marks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Note how long this process waits for a CPU while the test runs."""
    before = _waited()
    try:
        return (yield)
    finally:
        item.stash[WAITED] = _waited() - before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[pytest.TestReport]:
    """A test that says nothing of what it needs and takes long, also if it had a CPU for itself, fails."""
    report = yield
    seconds = min(call.duration - item.stash.get(WAITED, 0.0), call.duration * _share())
    if report.when == "call" and report.passed and seconds > LIMIT and not _needs(item, *NEEDS):
        may = f"a test without one of the marks {', '.join(NEEDS)} may take {LIMIT:g} s"
        report.outcome, report.longrepr = "failed", f"{item.nodeid} took {seconds:.1f} s; {may}"
    return report


def _waited() -> float:
    """Return the seconds that this process was ready to run and did not, where Linux counts them."""
    try:
        return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0


def _share() -> float:
    """Return the part of a CPU that the processes which a test starts have had, by the load of the last minute."""
    return min(1.0, (os.cpu_count() or 1) / max(os.getloadavg()[0], 0.01))


_shared: list[str] = []  # node of the Ray that tests share, if it runs


@pytest.fixture(scope="module")
def local_ray() -> None:
    """The Ray of the whole run of pytest, for tests that do not kill it and only wait for it: a start takes seconds."""
    import ray

    if _shared and ray.is_initialized():
        return
    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
        configure_logging=False, namespace="tests",
    )  # fmt: skip
    _shared[:] = [ray.get_runtime_context().get_node_id()]


@pytest.fixture(scope="module")
def ray_address(local_ray: None) -> str:
    """The address of that Ray, for campaigns of other processes."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


@pytest.fixture
def no_ray() -> None:
    """None runs in this process when the test begins."""
    _end_ray()


@pytest.fixture(scope="module", autouse=True)
def no_other_ray_is_left() -> Iterator[None]:
    """No module of tests leaves a Ray of its own behind: a campaign keeps one for the next one of the same process."""
    yield
    ray = sys.modules.get("ray")
    if ray and ray.is_initialized() and ray.get_runtime_context().get_node_id() not in _shared:
        _end_ray()


def pytest_sessionfinish() -> None:
    """End the Ray that tests have shared."""
    _end_ray()


def _end_ray() -> None:
    _shared.clear()
    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()
