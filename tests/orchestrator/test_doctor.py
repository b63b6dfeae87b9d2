"""What `softal doctor` finds here, and that nothing that is broken breaks it."""

from __future__ import annotations

import io
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from softal.simulators.engines.lammps import Lammps
from softal.terminal import doctor


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return doctor.examine()


def check(found: dict[str, Any], name: str) -> dict[str, str]:
    return next(one for one in found["checks"] if one["name"] == name)


def test_everything_is_looked_at(found: dict[str, Any]) -> None:
    names = [one["name"] for one in found["checks"]]
    assert names == [
        "Python", "HOOMD-blue", "LAMMPS", "GROMACS", "cores", "memory", "GPUs", "disk", "state", "port 8265",
        "port 5000", "Ray", "Ray cluster", "Ray's token", "Ray's ports", "MLflow",
    ]  # fmt: skip
    assert all(set(one) == {"name", "state", "found", "advice"} for one in found["checks"])
    assert all(one["advice"] for one in found["checks"] if one["state"] == doctor.WARNING)
    assert json.loads(json.dumps(found)) == found


def test_what_the_tests_run_on(found: dict[str, Any]) -> None:
    assert [check(found, name)["state"] for name in ("Python", "Ray", "MLflow")] == ["ok", "ok", "ok"]
    assert found["versions"]["ray"] == check(found, "Ray")["found"]


def test_what_people_see(found: dict[str, Any]) -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    doctor.show_examination(console, found)
    text = console.export_text()
    assert all(one["name"] in text for one in found["checks"])


def test_an_engine_that_crashes_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find", lambda name: Lammps)
    monkeypatch.setattr(doctor, "TRY_ENGINE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    result = doctor._engine("lammps")
    assert result["state"] == doctor.WARNING
    assert "killed by signal 11" in result["found"]


def test_gromacs_is_needed_by_its_kind_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    absent = doctor._gromacs()
    assert (absent["state"], absent["found"]) == (doctor.ABSENT, doctor.MISSING)
    assert absent["advice"].startswith("for `kind: gromacs`: apt-get install gromacs")
    (tmp_path / "gmx").write_text("#!/bin/sh\necho 'GROMACS version:    2026.1'\n")
    (tmp_path / "gmx").chmod(0o755)
    assert doctor._gromacs()["found"] == f"2026.1 at {tmp_path}/gmx"
    (tmp_path / "gmx").write_text("#!/bin/sh\nexit 3\n")
    assert doctor._gromacs()["state"] == doctor.WARNING


def test_an_engine_that_hangs_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PATIENCE", 0.5)
    code, _, error = doctor._in_a_process("import time; time.sleep(60)")
    assert (code, error) == (1, "no answer within 0.5 s")


def test_a_taken_port_is_named_with_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        monkeypatch.setitem(doctor.PORTS, port, "a test")
        monkeypatch.setitem(doctor.ELSEWHERE, port, "take another one")
        result = doctor._port(port)
    assert result["state"] == doctor.WARNING
    assert "python" in result["found"] or "pytest" in result["found"]
    assert doctor._port(port)["state"] == doctor.OK


@pytest.mark.parametrize(
    ("address", "said"),
    [("", "starts a Ray of its own"), ("auto", "is auto"), ("127.0.0.1:1", "none can be joined")],
)
def test_ray_address(address: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    assert said in doctor._running_ray()["found"]


def test_a_folder_for_runs_that_is_not_there_yet(tmp_path: Path) -> None:
    assert doctor._writable(tmp_path / "a" / "b")["state"] == doctor.OK
    (tmp_path / "file").write_text("")
    assert doctor._writable(tmp_path / "file" / "runs")["state"] == doctor.WARNING
