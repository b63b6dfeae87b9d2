"""What others on this machine cannot get at of a Ray of ours: token, sessions, folders of state."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.cluster import leftovers, private
from softal.orchestrator.workers.in_process import in_process


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a token, and nothing said of Ray."""
    for name in (private.MODE, private.TOKEN, private.TOKEN_PATH, private.OWN_FOLDER):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """Modes that the user's files would have."""
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_a_token_is_made_for_the_user_alone(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    private.keep_token(make=True)
    path = home / ".ray/auth_token"
    token = path.read_text()
    assert re.fullmatch("[0-9a-f]{64}", token)
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [one.name for one in path.parent.iterdir()] == ["auth_token"]
    private.keep_token(make=True)
    assert path.read_text() == token
    assert token not in "".join(capfd.readouterr())


@pytest.mark.parametrize("make", [True, False])
def test_a_token_that_is_there_is_closed_and_stays(home: Path, make: bool) -> None:
    (home / ".ray").mkdir()
    path = home / ".ray/auth_token"
    path.write_text("known")
    path.chmod(0o644)
    private.keep_token(make=make)
    assert (path.read_text(), mode(path)) == ("known", 0o600)


def test_a_cluster_that_is_joined_has_its_own_token(home: Path) -> None:
    private.keep_token(make=False)
    assert not (home / ".ray").exists()


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        (private.MODE, "disabled", []),
        (private.TOKEN, "a token", []),
        (private.MODE, "token", [".ray", ".ray/auth_token"]),
        (private.TOKEN_PATH, "own/token", ["own", "own/token"]),
    ],
)
def test_the_users_own_words_stand(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, made: list[str]
) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv(name, value)
    private.keep_token(make=True)
    assert sorted(str(path.relative_to(home)) for path in home.rglob("*")) == made


def test_a_home_that_cannot_be_written_is_left_to_ray(home: Path) -> None:
    (home / ".ray").write_text("a file in its way")
    private.keep_token(make=True)
    assert (home / ".ray").is_file()


@pytest.fixture
def short(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An own /tmp with a path that is short enough for sockets."""
    found = Path(f"/tmp/s{os.getpid()}")
    found.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(found))
    yield found
    subprocess.run(["rm", "-rf", str(found)], check=True)


@pytest.mark.usefixtures("umask")
def test_sessions_are_in_a_folder_that_only_the_user_can_enter(short: Path) -> None:
    found = private.folder()
    assert found == short / f"softal-{os.geteuid()}"
    assert mode(found) == 0o700
    assert private.folder() == found
    found.chmod(0o777)
    private.folder()
    assert mode(found) == 0o700


def test_a_folder_that_is_somebody_elses_is_not_taken(short: Path) -> None:
    (short / "theirs").mkdir()
    (short / f"softal-{os.geteuid()}").symlink_to(short / "theirs")
    found = private.folder()
    assert found is not None
    assert re.fullmatch(rf"softal-{os.geteuid()}-\w{{8}}", found.name)
    assert mode(found) == 0o700
    assert len(str(leftovers.session_folder(found))) + len(private.SOCKET) <= private.LONGEST


def test_the_folder_of_a_killed_ray_is_removed_at_the_next_start(short: Path) -> None:
    base = private.folder()
    assert base is not None
    (base / "ray-killed00" / "session_2026").mkdir(parents=True)
    first = leftovers.session_folder(base)
    second = leftovers.session_folder(base)
    assert sorted(path.name for path in base.glob("ray-*")) == sorted([first.name, second.name])
    assert (base / "ray").resolve() == second
    leftovers.remove()
    assert list(base.glob("ray-*")) == []


def test_a_long_path_is_none_for_sockets(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = short / ("long" * 10)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    found = private.folder()
    assert found is not None
    assert long not in found.parents
    assert len(f"{found}/ray-00000000") + len(private.SOCKET) <= private.LONGEST


def test_where_the_user_wants_them_they_are_private_too(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(private.OWN_FOLDER, str(short / "own"))
    found = private.folder()
    assert found == short / f"own/softal-{os.geteuid()}"
    assert mode(found) == 0o700


def test_a_session_in_rays_own_folder_is_closed_once_it_is_there(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder that the user wants is too long for one of softal's in it."""
    longest = private.LONGEST - len(f"/ray{private.SOCKET}")
    wanted = short / ("x" * (longest - len(str(short)) - 1))
    monkeypatch.setenv(private.OWN_FOLDER, str(wanted))
    assert private.folder() is None
    session = wanted / "ray/session"
    session.mkdir(parents=True)
    session.chmod(0o777)
    private.close(session)
    assert mode(session) == 0o700


def test_a_folder_of_state_is_what_the_umask_lets(make_campaign: Callable[..., Campaign]) -> None:
    before = os.umask(0o077)
    try:
        campaign = make_campaign(simulator={"kind": "simulations:Writer"})
        assert campaign.launch(executor=in_process).state == "finished"
    finally:
        os.umask(before)
    found = [path for path in campaign.folder.rglob("*") if not path.is_symlink()]
    assert {"journal.sqlite", "report.html", "note.txt"} <= {path.name for path in found}
    assert [path for path in found if mode(path) & private.OTHERS] == []
