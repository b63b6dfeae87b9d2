"""Temporary folders of processes that were killed go, those of running processes and of others stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from softal.temporary import PREFIX, sweep, temporary_folder

HOLDS = """
from softal.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "file").write_text("something")
    print(folder, flush=True)
    input()
"""


def holder(within: Path) -> tuple[subprocess.Popen[str], Path]:
    environment = {**os.environ, "TMPDIR": str(within), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_only_folders_of_killed_processes_are_removed(tmp_path: Path) -> None:
    killed, left = holder(tmp_path)
    running, used = holder(tmp_path)
    killed.kill()
    killed.communicate()
    assert left.parent == used.parent == tmp_path
    (tmp_path / "softal-12-else").mkdir()
    (tmp_path / f"{PREFIX}file").write_text("")
    sweep(tmp_path)
    assert not left.exists()
    assert (used / "file").read_text() == "something"
    assert (tmp_path / "softal-12-else").exists()
    assert (tmp_path / f"{PREFIX}file").exists()
    running.communicate("\n")
    assert running.returncode == 0
    assert not used.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_folders_of_another_user_stay(tmp_path: Path) -> None:
    folder = tmp_path / f"{PREFIX}another"
    folder.mkdir()
    os.chown(folder, 4321, 4321)
    sweep(tmp_path)
    assert folder.exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "mine")
    sweep(tmp_path)
    assert (tmp_path / "mine").exists()


def test_a_folder_in_use_in_this_process_stays(tmp_path: Path) -> None:
    with temporary_folder(tmp_path, "draft-") as folder:
        sweep(tmp_path, "draft-")
        assert folder.exists()
    assert not folder.exists()
