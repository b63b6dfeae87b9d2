"""Many programs that are waited for by threads of one process: their fates are their own, and nothing outlives them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from driving import HERE
from patience import PATIENCE

from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.job import Job, Task, WorkerLost
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.together import Together
from softal.simulators.process import RUN
from softal.trial import TrialState

TRIALS = 8


@contextmanager
def together(folder: Path, script: str, **more: Any) -> Iterator[Together]:
    """Places for trials of a script of the shell, whose first argument is `x` and whose folder is that of the test."""
    (folder / "run.sh").write_text(f"cd {folder}\n{script}\n")
    job = Job("id", folder / "run", HERE, ("command", {"command": f"sh {folder}/run.sh {{x}}"}), None, **more)
    made = Together(job, pack(job, HERE))
    try:
        yield made
    finally:
        made.discard()


def task(i: int) -> Task:
    return Task(i, {"x": i}, 1, 1.0)


def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def lines(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().splitlines()] if path.exists() else []


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_all_run_at_once_and_each_has_its_own_fate(tmp_path: Path) -> None:
    """None goes on before all have begun; one fails, one is killed."""
    script = f"""
echo $$ >> log
while [ $(wc -l < log) -lt {TRIALS} ]; do sleep 0.01; done
[ $1 = 1 ] && {{ echo 'Error: spilled' >&2; exit 3; }}
[ $1 = 2 ] && kill -9 $$
echo "{{\\"f\\": $1}}"
"""
    with together(tmp_path, script) as made, ThreadPoolExecutor(TRIALS) as pool:
        found = [outcome for (outcome,) in pool.map(lambda i: made.evaluate_together([task(i)]), range(TRIALS))]
        again = made.evaluate_together([task(9)])[0]
    assert [outcome.observation.values["f"] for outcome in (*found[3:], again)] == [3.0, 4.0, 5.0, 6.0, 7.0, 9.0]
    assert "exit code 3; stderr.txt ends: Error: spilled" in found[1].reason
    assert "was ended by SIGKILL" in found[2].reason
    assert [outcome.state for outcome in found[1:3]] == [TrialState.FAILED] * 2


def test_the_walltime_is_that_of_each(tmp_path: Path) -> None:
    with together(tmp_path, "[ $1 = 0 ] && sleep 3000; echo '{\"f\": 1}'", walltime=1.0) as made:
        (late,), (done,) = made.evaluate_together([task(0)]), made.evaluate_together([task(1)])
    assert "ran longer than its walltime of 1 s and was stopped" in late.reason
    assert done.state is TrialState.DONE


def test_what_a_program_leaves_ends_with_its_trial_and_not_with_another(tmp_path: Path) -> None:
    """In a session of its own, so that no group of processes has it; the first trial waits until the second is done."""
    script = """
setsid sh -c "echo \\$\\$ > stray.$1; exec sleep 3000" > /dev/null 2>&1 &
while [ ! -s stray.$1 ] || [ $1 = 0 -a ! -e done ]; do sleep 0.01; done
echo '{"f": 1}'
"""
    with together(tmp_path, script) as made, ThreadPoolExecutor(1) as pool:
        first = pool.submit(made.evaluate_together, [task(0)])
        until(lambda: lines(tmp_path / "stray.0"))
        made.evaluate_together([task(1)])
        (mine,), (other,) = lines(tmp_path / "stray.1"), lines(tmp_path / "stray.0")
        assert not runs(mine)
        assert runs(other)
        (tmp_path / "done").touch()
        assert first.result(PATIENCE)[0].state is TrialState.DONE
        assert not runs(other)


def test_the_death_of_the_process_is_no_trials_doing(tmp_path: Path) -> None:
    """Programs end with it, and the next trials get another one."""
    script = "echo $PPID $$ | tr ' ' '\\n' >> log\n[ $1 -lt 3 ] && sleep 3000\necho '{\"f\": 1}'"
    with together(tmp_path, script) as made, ThreadPoolExecutor(3) as pool:
        lost = [pool.submit(made.evaluate_together, [task(i)]) for i in range(3)]
        until(lambda: len(lines(tmp_path / "log")) == 6)
        (child,) = {pid for pid in lines(tmp_path / "log")[::2] if pid != 1}
        os.kill(child, signal.SIGKILL)
        for one in lost:
            with pytest.raises(WorkerLost, match="the process that waited for its program has ended"):
                one.result(PATIENCE)
        until(lambda: not any(map(runs, lines(tmp_path / "log"))))
        assert made.evaluate_together([task(4)])[0].state is TrialState.DONE


@pytest.mark.parametrize(
    ("workers", "simulator", "wanted"),
    [
        ({"cpus": 0.1}, {"command": "echo {x} {y}"}, True),
        ({"cpus": 0}, {"command": "echo {x} {y}"}, True),
        ({}, {"command": "echo {x} {y}"}, False),  # computes
        ({"cpus": 0.1, "gpus": 0.1}, {"command": "echo {x} {y}"}, False),  # Ray says which GPU
        ({"cpus": 0.1, "memory": "1 GiB"}, {"command": "echo {x} {y}"}, False),
        ({"cpus": 0.1}, "simulations:Bowl", False),  # Python
        (
            {"cpus": 0.1},
            {"kind": "simulations:OwnCommand", "command": "echo {x} {y}"},
            False,
        ),  # Python around a program
    ],
)
def test_who_shares_a_process(
    make_campaign: Any, tmp_path: Path, workers: dict[str, Any], simulator: Any, wanted: bool
) -> None:
    campaign: Campaign = make_campaign(workers=workers, simulator=simulator)
    assert campaign.job("id", tmp_path).together is wanted


def marked(folder: Path) -> list[psutil.Process]:
    """Return the processes that programs of the campaign there have started."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(RUN, "").startswith(str(folder)):
                found.append(process)
    return found


def children(driver: int, module: str) -> list[psutil.Process]:
    """Return the children of Ray's workers that run a module, without watchers, whose commands begin otherwise."""
    found = []
    for process in psutil.Process(driver).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[1:4] == ["-P", "-m", f"softal.orchestrator.workers.{module}"]:
                found.append(process)
    return found


@pytest.mark.long
@pytest.mark.ray
def test_a_campaign_of_many_waiting_programs(tmp_path: Path) -> None:
    """Two processes for all of them; each may be killed, and costs no trial; nor does Ctrl-C."""
    (tmp_path / "wait.sh").write_text(
        f"echo $1 >> {tmp_path}/log\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.1; done\necho '{{\"f\": 1}}'\n"
    )
    (tmp_path / "many.yaml").write_text(f"""
simulator: {{command: "sh {tmp_path}/wait.sh {{x}}"}}
space: {{x: {{low: 0, high: 1}}}}
objective: {{minimize: f}}
strategy: random
surrogate: none
budget: {{trials: 20}}
workers: {{concurrent: 20, cpus: 0.05, walltime: 1 h, grace: 0 s}}
tracking: {{mlflow: 'off'}}
""")
    with subprocess.Popen(
        [sys.executable, "-m", "softal.typer_cli", "launch", "many.yaml", "--json"], cwd=tmp_path, stdout=-1, stderr=-1
    ) as process:
        try:
            for times in (20, 40, 60):
                until(lambda times=times: process.poll() is not None or begun(tmp_path / "log") == times)
                assert process.poll() is None, process.communicate()
                assert not children(process.pid, "sandbox")
                (child,) = children(process.pid, "together")
                if times == 20:
                    child.kill()
                elif times == 40:
                    child.parents()[2].kill()  # above two watchers
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE) == 130
        finally:
            process.kill()
    until(lambda: not marked(tmp_path))
    (tmp_path / "go").touch()
    command = [sys.executable, "-m", "softal.typer_cli", "resume", "runs/many"]
    assert subprocess.run(command, cwd=tmp_path, check=False, timeout=PATIENCE, stdout=-1).returncode == 0
    trials = Campaign.open(tmp_path / "runs" / "many").list_trials()
    assert [(trial.state, trial.attempts) for trial in trials] == [(TrialState.DONE, 4)] * 20
    assert not marked(tmp_path)


def begun(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0
