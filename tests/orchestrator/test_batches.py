"""Trials that are evaluated several at once: sizes, determinism, failures, lost workers, stops; processes are real."""

from __future__ import annotations

import itertools
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import HERE, REASONS, Driver, Listening, StopAfter, results, worker_killed_in

from softal.errors import CampaignFileError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.workers.job import Job, Task
from softal.orchestrator.workers.pickling import pack
from softal.orchestrator.workers.sandbox import Sandbox
from softal.trial import TrialState

pytestmark = pytest.mark.ray

Make = Callable[..., Campaign]
DONE = TrialState.DONE


def many(log: Path, batch: int = 4, **settings: object) -> dict[str, object]:
    return {"kind": "simulations:Many", "log": str(log), "batch": batch, **settings}


def calls(log: Path) -> list[list[int]]:
    """Return the trials of each call, in the order of the calls."""
    found: list[list[int]] = []
    left = 0
    for trial, size in ((int(line.split()[0]), int(line.split()[3])) for line in log.read_text().splitlines()):
        if left == 0:
            found.append([])
            left = size
        found[-1].append(trial)
        left -= 1
    return found


@pytest.mark.long
@pytest.mark.usefixtures("local_ray")
def test_a_budget_is_kept_and_each_trial_is_its_own(make_campaign: Make, tmp_path: Path):
    log = tmp_path / "log"
    campaign = make_campaign(
        simulator=many(log, seconds=0.4), budget={"trials": 10}, workers={"concurrent": 1}, tracking={}
    )
    assert campaign.launch().reason == "all 10 trials are finished"
    assert calls(log) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    trials = campaign.list_trials()
    assert [(t.state, t.attempts) for t in trials] == [(DONE, 1)] * 10
    assert len({t.seed for t in trials}) == len({t.objective["f"] for t in trials}) == 10
    for first, second in itertools.pairwise(trials):
        assert first.finished <= second.started + 1e-6, "times of a batch are shared, one after the other"
    assert 1.2 <= sum(t.finished - t.started for t in trials) < 3.0
    assert trials[0].finished - trials[0].started == pytest.approx(trials[3].finished - trials[3].started)
    assert 0 < campaign.status().utilisation <= 1
    assert not list(campaign.folder.glob("trials/*")), "folders that nobody asked for"
    assert Driver.mlflow_runs(campaign, campaign.folder / "mlflow.db")[0] == dict.fromkeys(range(10), "FINISHED")


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize("concurrent", [1, 2])
def test_a_population_is_one_task_or_divided_evenly(make_campaign: Make, tmp_path: Path, concurrent: int):
    log = tmp_path / "log"
    campaign = make_campaign(
        simulator=many(log, batch=6, seconds=0.2), strategy={"kind": "cmaes", "popsize": 6},
        budget={"trials": 6}, workers={"concurrent": concurrent},
    )  # fmt: skip
    campaign.launch()
    sizes = [int(line.split()[3]) for line in log.read_text().splitlines()]
    assert sizes == [6 // concurrent] * 6


@pytest.mark.usefixtures("local_ray")
def test_two_workers_get_whole_batches(make_campaign: Make, tmp_path: Path):
    log = tmp_path / "log"
    campaign = make_campaign(simulator=many(log, batch=8, seconds=0.3), budget={"trials": 64})
    campaign.launch()
    sizes = Counter(int(line.split()[3]) for line in log.read_text().splitlines())
    assert sum(sizes.values()) == 64
    assert sizes[8] >= 48, f"trials by the size of their batch: {sizes}"


@pytest.mark.long
@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(
    "strategy",
    [
        {"kind": "cmaes", "popsize": 6},
        pytest.param({"kind": "bayesian", "n_initial": 6}, marks=pytest.mark.exhaustive),  # which knows no batches
    ],
)
def test_one_worker_repeats_and_resumes_as_if_it_had_not_stopped(make_campaign: Make, strategy, tmp_path: Path):
    common = {
        "simulator": many(tmp_path / "log", batch=6, seconds=0.1),
        "strategy": strategy,
        "workers": {"concurrent": 1, "grace": "0 s"},
        "budget": {"trials": 20},
    }
    whole, again, stopped = (make_campaign(name=name, **common) for name in ("whole", "again", "stopped"))
    whole.launch()
    again.launch()
    assert results(again) == results(whole)
    assert stopped.launch(StopAfter(3)).exit_code == 130
    assert stopped.resume(StopAfter(4)).exit_code == 130
    assert stopped.resume().exit_code == 0
    assert results(stopped) == results(whole)


@pytest.mark.long
@pytest.mark.usefixtures("local_ray")
def test_of_a_batch_that_crashes_only_the_guilty_fail(make_campaign: Make):
    campaign, listener = (
        make_campaign(
            simulator={"kind": "simulations:FaultyMany"},
            space={"fault": {"choices": ["none", *REASONS]}, "n": {"value": 1}},
            strategy="grid",
            workers={"concurrent": 1, "walltime": "1 s"},
            budget={"trials": 20},
        ),
        Listening(),
    )
    assert campaign.launch(listener).state == "finished"
    trials = {trial.point["fault"]: trial for trial in campaign.list_trials()}
    assert trials["none"].state is DONE
    for fault, reason in REASONS.items():
        assert trials[fault].state is TrialState.FAILED
        assert re.fullmatch(reason, trials[fault].reason, re.DOTALL), trials[fault].reason
        assert trials[fault].attempts == 1
    (said,) = listener.messages
    assert said.startswith("Trials that were evaluated at once failed together (crashed with SIGSEGV")
    assert "ZeroDivisionError" in (campaign.folder / f"trials/{trials['error'].id:06d}/error.txt").read_text()


@pytest.mark.usefixtures("local_ray")
def test_errors_of_single_points_are_theirs(make_campaign: Make):
    own = ["error", "reason", "nan", "undeclared", "nothing"]
    campaign, listener = (
        make_campaign(
            simulator={"kind": "simulations:FaultyMany"},
            space={"fault": {"choices": ["none", *own]}, "n": {"value": 1}},
            strategy="grid",
            workers={"concurrent": 1},
            budget={"trials": 20},
        ),
        Listening(),
    )
    campaign.launch(listener)
    trials = {trial.point["fault"]: trial for trial in campaign.list_trials()}
    assert trials["none"].state is DONE
    for fault in own:
        assert re.fullmatch(REASONS[fault], trials[fault].reason), trials[fault].reason
        error = campaign.folder / f"trials/{trials[fault].id:06d}/error.txt"
        assert "Traceback" in error.read_text()
    assert listener.messages == []


@pytest.mark.usefixtures("local_ray")
@pytest.mark.parametrize(
    ("together", "reason"),
    [
        ("raise", r"ZeroDivisionError: no two points at once (simulations.py, line"),
        ("lack", "run_batch returned 3 results for 4 points"),
    ],
)
def test_what_fails_together_runs_one_by_one(make_campaign: Make, tmp_path: Path, together: str, reason: str):
    log, listener = tmp_path / "log", Listening()
    campaign = make_campaign(simulator=many(log, together=together), budget={"trials": 8}, workers={"concurrent": 1})
    campaign.launch(listener)
    assert [trial.state for trial in campaign.list_trials()] == [DONE] * 8
    assert calls(log)[-4:] == [[4], [5], [6], [7]]
    (said,) = listener.messages  # once
    assert reason in said
    assert said.endswith("and ran one by one.")


@pytest.mark.usefixtures("local_ray")
def test_a_killed_ray_worker_costs_no_trial_of_its_batch(make_campaign: Make, tmp_path: Path):
    log, pace = tmp_path / "log", tmp_path / "pace"
    campaign = make_campaign(simulator=many(log, pace=str(pace)), budget={"trials": 8}, workers={"concurrent": 1})
    with worker_killed_in(4, log, pace):
        assert campaign.launch().state == "finished"
    assert calls(log) == [[0, 1, 2, 3], [4, 5, 6, 7], [4, 5, 6, 7]]
    assert [trial.state for trial in campaign.list_trials()] == [DONE] * 8


@pytest.mark.long
@pytest.mark.usefixtures("local_ray")
def test_of_a_batch_that_is_always_killed_only_the_guilty_is_lost(make_campaign: Make):
    campaign = make_campaign(
        simulator={"kind": "simulations:KillsOthers"},
        space={"x": {"low": 0, "high": 3, "integer": True}},
        strategy="grid",
        budget={"trials": 20},
        workers={"concurrent": 2, "retries": 0},
    )
    assert campaign.launch().state == "finished"
    trials = {trial.point["x"]: trial for trial in campaign.list_trials()}
    assert {x: trial.state for x, trial in trials.items()} == {0: DONE, 1: TrialState.FAILED, 2: DONE, 3: DONE}
    assert trials[1].reason.startswith("its worker was lost: ")
    assert trials[1].attempts == 2


@pytest.mark.usefixtures("local_ray")
def test_a_batch_of_zero_is_refused_before_anything_starts(make_campaign: Make, tmp_path: Path):
    campaign = make_campaign(simulator=many(tmp_path / "log", batch=0))
    with pytest.raises(CampaignFileError, match="`batch` is 0; allowed: a whole number, 1 or more"):
        campaign.launch()
    assert not campaign.folder.exists()


@pytest.mark.parametrize("shared", [True, False], ids=["one file system", "several"])
def test_each_trial_has_its_own_folder_where_it_asks_for_one(tmp_path: Path, shared: bool):
    folder = tmp_path / "run"
    if shared:
        folder.mkdir()
        (folder / "lock").write_text("id\n")
    job = Job("id", folder, HERE, ("simulations:Writer", {}), None)
    sandbox = Sandbox(job, pack(job, HERE))
    try:
        outcomes = sandbox.evaluate_together([Task(i, {}, i, 1.0) for i in range(4)])
    finally:
        sandbox.discard()
    assert [outcome.state for outcome in outcomes] == [DONE] * 4
    assert [outcome.files for outcome in outcomes] == ([{}] * 4 if shared else [{"note": b"0"}, {}, {"note": b"2"}, {}])
    assert sorted(path.name for path in folder.glob("trials/*")) == (["000000", "000002"] if shared else [])
    if shared:
        assert (folder / "trials/000002/note.txt").read_text() == "2"
        said = (folder / "trials/000000/output.txt").read_text()  # of the whole batch
        assert said == "trial 0 says this\ntrial 2 says this\n"


def driver_of_batches(folder: Path, **settings: Any) -> Driver:
    driver = Driver(folder, **settings)
    text = driver.file.read_text().replace("simulations:Bowl'", "simulations:Many', batch: 3")
    driver.file.write_text(text.replace("concurrent: 2", "concurrent: 1"))
    return driver


@pytest.fixture(scope="module")
def undisturbed(local_ray: None, tmp_path_factory: pytest.TempPathFactory) -> list[tuple]:
    """Results of a driver's campaign that nobody kills."""
    folder = tmp_path_factory.mktemp("undisturbed")
    changes = ["tracking.mlflow=off"]
    campaign = Campaign.from_yaml(driver_of_batches(folder).file, runs=folder, name="whole", changes=changes)
    campaign.launch()
    return results(campaign)


@pytest.mark.long
@pytest.mark.parametrize(
    "runs", [pytest.param(1, marks=pytest.mark.exhaustive), 4, pytest.param(10, marks=pytest.mark.exhaustive)]
)
def test_a_driver_killed_in_a_batch_loses_nothing(
    tmp_path: Path, undisturbed: list[tuple], ray_address: str, runs: int
):
    driver = driver_of_batches(tmp_path, ray=ray_address)
    process = driver.launch()
    driver.wait_for(runs, process)
    time.sleep(0.1 * (runs % 4))
    process.kill()
    process.communicate()
    before = {trial.id: trial for trial in driver.trials() if trial.state.finished}
    in_flight = {trial.id for trial in driver.trials() if trial.state is TrialState.RUNNING}
    together = itertools.groupby(driver.trials(), key=lambda trial: trial.asked_after)  # what is asked for at once
    assert all(len({trial.state.finished for trial in batch}) == 1 for _, batch in together)
    time.sleep(2)  # Ray's processes see that their driver is gone
    code, output = driver.resume()
    assert code == 0, output
    after = {trial.id: trial for trial in driver.trials()}
    assert {i: after[i].state for i in after} == dict.fromkeys(range(12), DONE)
    assert {i: after[i] for i in before} == before
    counts = driver.runs()
    assert all(counts[i] == 1 for i in before), "a finished trial was run again"
    assert all(after[i].attempts == 2 for i in in_flight)
    assert driver.mlflow_runs() == (dict.fromkeys(range(12), "FINISHED"), ["FINISHED"])
    assert results(Campaign.open(driver.state)) == undisturbed


@pytest.mark.long
def test_ctrl_c_waits_for_the_batch(tmp_path: Path, ray_address: str):
    driver = driver_of_batches(tmp_path, seconds=0.1, trials=9, grace=60, ray=ray_address)
    driver.let_run(4)  # of the design of 4 first three, then one, then a batch that waits in the middle
    process = driver.launch()
    driver.wait_for(5, process)
    process.send_signal(signal.SIGINT)
    output = driver.hear("Stopping: waiting up to 60 s for 3 running simulations.", process)
    driver.let_run(9)
    output += driver.rest(process)
    assert process.returncode == 130, output
    states = Counter(trial.state for trial in driver.trials())
    assert states[TrialState.RUNNING] == 0
    assert states[DONE] == 7, "what ran was not waited for"
    code, output = driver.resume()
    assert code == 0, output
    assert driver.runs() == dict.fromkeys(range(9), 1)
