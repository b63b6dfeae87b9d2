"""The loop without Ray: budgets, stock and resumption on threads of this process; and what that executor promises."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from driving import Listening, StopAfter, results
from patience import PATIENCE

from softal.cards.text import percent
from softal.errors import CampaignFileError, CampaignStateError, JournalError, SoftalError
from softal.orchestrator.campaign import Campaign
from softal.orchestrator.status import Status
from softal.orchestrator.workers.executor import AgentFailed
from softal.orchestrator.workers.in_process import InProcess, in_a_child, in_process
from softal.orchestrator.workers.job import Job, Outcome, Task, WorkerFailed, WorkerLost
from softal.simulators.function import simulator_class
from softal.tracking.journal import Journal
from softal.trial import Trial, TrialState

Make = Callable[..., Campaign]
HERE = Path(__file__).parent


@pytest.fixture
def launch() -> Callable[..., Any]:
    return lambda campaign, *listener: campaign.launch(*listener, executor=in_process)


@pytest.fixture
def resume() -> Callable[..., Any]:
    return lambda campaign, *listener, **more: campaign.resume(*listener, executor=in_process, **more)


# Campaigns.


def test_a_campaign_runs_to_its_budget(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign()
    ending = launch(campaign)
    assert (ending.state, ending.exit_code, ending.reason) == ("finished", 0, "all 6 trials are finished")
    trials = campaign.list_trials()
    assert [(trial.id, trial.state, trial.attempts) for trial in trials] == [(i, TrialState.DONE, 1) for i in range(6)]
    assert ending.report is not None
    assert not list((campaign.folder / "trials").glob("*/*"))


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        ({"trials": 500, "target": 0.5}, "target reached: f = "),
        ({"trials": 500, "stagnation": 8}, "no improvement in 8 trials"),
        ({"hours": 0.3 / 3600}, "hours are used up"),
    ],
)
def test_budgets_of_other_kinds(make_campaign: Make, launch: Any, budget: dict[str, Any], reason: str) -> None:
    campaign = make_campaign(budget=budget, simulator={"kind": "simulations:Bowl", "seconds": 0.01})
    assert reason in launch(campaign).reason
    assert 0 < campaign.status().done < 500


@pytest.mark.parametrize(
    "strategy",
    [
        "random",
        pytest.param("cmaes", marks=pytest.mark.learning),
        pytest.param({"kind": "bayesian", "n_initial": 4}, marks=pytest.mark.learning),
    ],
)
def test_one_worker_repeats_and_resumes_as_if_it_had_not_stopped(
    make_campaign: Make, launch: Any, resume: Any, strategy: Any
) -> None:
    common = {"strategy": strategy, "workers": {"concurrent": 1, "grace": "0 s"}, "budget": {"trials": 9}}
    whole, again, stopped = (make_campaign(name=name, **common) for name in ("whole", "again", "stopped"))
    launch(whole)
    launch(again)
    assert results(again) == results(whole)
    assert launch(stopped, StopAfter(3)).exit_code == 130
    assert resume(stopped, StopAfter(3)).exit_code == 130
    assert resume(stopped).exit_code == 0
    assert results(stopped) == results(whole)


@pytest.mark.learning
def test_the_use_of_the_workers_is_one_number(make_campaign: Make, launch: Any) -> None:
    """The terminal said 95.8 %, the report 95.0 % and `softal status` 94.7 %: training and report are not running."""

    class Ticks(Listening):
        def __init__(self) -> None:
            super().__init__()
            self.statuses: list[Status] = []

        def tick(self, status: Status) -> None:
            self.statuses.append(status)

    campaign = make_campaign(simulator={"kind": "simulations:Bowl", "seconds": 0.02}, surrogate="gp", tracking={})
    ticks = Ticks()
    ending = launch(campaign, ticks)
    assert ending.report is not None
    said = percent(ticks.statuses[-1].utilisation or 0.0)
    assert said == percent(campaign.status().utilisation or 0.0)
    assert f">{said}</b><span>workers in use" in ending.report.read_text(encoding="utf-8")
    assert all(status.running <= 2 for status in ticks.statuses)


def test_a_finished_campaign_goes_on_with_more_budget(make_campaign: Make, launch: Any, resume: Any) -> None:
    campaign = make_campaign(budget={"trials": 3})
    launch(campaign)
    before = results(campaign)
    assert resume(Campaign.open(campaign.folder), trials=5).reason == "all 5 trials are finished"
    assert results(campaign)[:3] == before
    assert len(results(campaign)) == 5


def test_a_budget_that_is_damaged_in_the_journal_is_said_in_one_line(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign(budget={"trials": 2})
    launch(campaign)
    with Journal.open(campaign.folder, read_only=False) as journal:
        journal.set_info(budget={"trials": -3})
    said = r"budget\.trials: -3 is given"
    with pytest.raises(JournalError, match=rf"journal\.sqlite is damaged: its {said}"):
        Campaign.open(campaign.folder)
    with pytest.raises(CampaignFileError, match=said):
        campaign.resume(trials=3)  # by its file
    with pytest.raises(CampaignFileError, match=r"budget\.trials: -1 is given"):
        make_campaign(budget={"trials": 2}).budget_with(trials=-1)


def test_a_campaign_whose_cluster_is_gone_goes_on_elsewhere(make_campaign: Make, launch: Any, resume: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dead = f"127.0.0.1:{server.getsockname()[1]}"
    options: dict[str, Any] = {"cluster": {"address": dead}, "budget": {"trials": 2}}
    campaign = make_campaign(**options)
    launch(campaign)
    opened = Campaign.open(campaign.folder)
    refused = f"Ray cannot be joined at {dead} (cluster.address): Connection refused. Start it (`ray start --head`), or"
    for given in (None, dead):
        with pytest.raises(
            SoftalError, match=rf"^{re.escape(refused)} name another one by --address HOST:PORT; --address local"
        ):
            opened.resume(trials=3, address=given)
    with pytest.raises(CampaignFileError, match=r"^cluster\.address: 'nowhere' is given; null, `auto`, `host:port`"):
        opened.resume(trials=3, address="nowhere")
    assert (opened.spec.cluster.address, opened.status().done) == (dead, 2)
    assert resume(opened, trials=3, address="local").reason == "all 3 trials are finished"
    assert Campaign.open(campaign.folder).spec.cluster.address == "local"
    by_its_file = make_campaign(**options)
    assert resume(by_its_file, trials=4).reason == "all 4 trials are finished"
    assert by_its_file.spec.cluster.address == "local", "later sessions stay there"


def test_the_stock_keeps_the_workers_busy_and_proposes_nothing_beyond_the_budget(
    make_campaign: Make, launch: Any
) -> None:
    campaign = make_campaign(
        budget={"trials": 40}, workers={"concurrent": 4}, simulator={"kind": "simulations:Bowl", "seconds": 0.1}
    )
    launch(campaign)
    trials = campaign.list_trials()
    assert len(trials) == 40
    changes = sorted([(t.started, 1) for t in trials] + [(t.finished, -1) for t in trials])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    assert most == 4
    assert sum(t.finished - t.started for t in trials) > 0.6 * 4 * (changes[-1][0] - changes[0][0])


def test_the_trainer_follows_and_failures_have_their_reasons(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign(surrogate="gp", strategy="sobol", budget={"trials": 8})
    assert launch(campaign).state == "finished"
    assert campaign.versions[-1]["trials"] == 8
    assert campaign.surrogate.predict([{"x": 0.3, "y": 0.3}])["f"][0] < 0.2
    faulty = make_campaign(
        name="faulty", simulator={"kind": "simulations:Faulty"}, space={"fault": {"choices": ["reason", "nan"]}},
        strategy="grid", budget={"trials": 2},
    )  # fmt: skip
    assert launch(faulty).state == "failed"
    reasons = sorted(str(trial.reason) for trial in faulty.list_trials())
    assert reasons == ["the crystal melted", "value 'f' is nan"]


def test_a_value_that_no_objective_uses_may_be_missing_and_it_is_said_once(make_campaign: Make, launch: Any) -> None:
    campaign, listener = make_campaign(simulator="simulations:without_some", budget={"trials": 12}), Listening()
    assert launch(campaign, listener).state == "finished"
    done = [trial for trial in campaign.list_trials() if trial.state is TrialState.DONE]
    assert len(done) == 12
    for trial in done:
        x, values = trial.point["x"], trial.observation.values
        assert values == {"f": (x - 0.3) ** 2, "one": x, **({"diffusion": x} if x > 0.6 else {})}
        assert not trial.observation.errors
    assert 0 < sum("diffusion" in trial.observation.values for trial in done) < 12
    for what in ("'diffusion' is nan", "'tau' is None", "'phase' is 'liquid'"):
        assert [text.startswith(what) for text in listener.messages].count(True) == 1
    needed = make_campaign(
        name="needed", simulator="simulations:without_some", objective={"minimize": "diffusion"}, budget={"trials": 12}
    )
    launch(needed)
    failed = [trial for trial in needed.list_trials() if trial.state is TrialState.FAILED]
    assert {trial.reason for trial in failed} == {"value 'diffusion' is nan"}
    assert all(trial.point["x"] <= 0.6 for trial in failed)


def test_a_learner_is_trained_at_the_end_and_numbered_with_the_surrogate(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign(surrogate="gp", learner={"kind": "simulations:Counting"}, budget={"trials": 8})
    with pytest.raises(CampaignStateError, match="no learner yet: it is trained once the campaign ends"):
        _ = campaign.learner
    assert launch(campaign).state == "finished"
    assert campaign.learner.count == 8  # type: ignore[attr-defined]
    with Journal.open(campaign.folder) as journal:
        [record], everything = journal.versions(of="learner"), journal.versions()
    assert (record["kind"], record["trials"]) == ("simulations:Counting", 8)
    assert [one["version"] for one in everything] == list(range(1, len(everything) + 1))
    assert [one["version"] for one in campaign.versions] == [one["version"] for one in everything if one != record]


def test_a_learner_with_a_bug_costs_the_surrogate_nothing(make_campaign: Make, launch: Any) -> None:
    listener = Listening()
    campaign = make_campaign(surrogate="gp", learner="simulations:BrokenLearner", budget={"trials": 8})
    assert launch(campaign, listener).state == "finished"
    assert campaign.versions[-1]["trials"] == 8
    assert campaign.latest_learner is None
    assert (
        "the trainer failed: RuntimeError: the user's own learner has a bug. The campaign goes on." in listener.messages
    )


def test_a_learner_alone(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign(learner="simulations:Counting", budget={"trials": 4})
    assert launch(campaign).state == "finished"
    assert campaign.learner.count == 4  # type: ignore[attr-defined]
    assert campaign.versions == []
    assert campaign.latest_surrogate is None


def test_several_at_once(make_campaign: Make, launch: Any) -> None:
    from softal.simulators import batched

    sizes = []

    @batched(8)
    def bowls(x: Any, y: Any) -> dict[str, Any]:
        sizes.append(len(x))
        if len(x) > 1 and (x > 0.9).any():
            raise ValueError("too far")
        return {"f": (x - 0.3) ** 2 + (y - 0.3) ** 2}

    campaign = make_campaign(simulator=bowls, budget={"trials": 24}, workers={"concurrent": 1})
    listener = Listening()
    launch(campaign, listener)
    assert [trial.state for trial in campaign.list_trials()] == [TrialState.DONE] * 24
    assert max(sizes) == 8
    apart = any(trial.point["x"] > 0.9 for trial in campaign.list_trials())
    assert any("failed together (ValueError: too far" in text for text in listener.messages) == apart


def test_an_agent_that_raises_ends_the_campaign(make_campaign: Make, launch: Any) -> None:
    campaign = make_campaign(
        strategy={"kind": "simulations:BrokenStrategy"}, budget={"trials": 20},
        simulator={"kind": "simulations:Bowl", "seconds": 0.2}, workers={"concurrent": 2, "ahead": 2, "grace": "0 s"},
    )  # fmt: skip
    with pytest.raises(SoftalError, match="the strategist failed: "):
        launch(campaign)
    assert campaign.status().state == "failed"
    assert not [trial for trial in campaign.list_trials() if trial.state is TrialState.RUNNING]


def test_no_ray_is_imported() -> None:
    code = (
        "import sys; from softal.orchestrator.campaign import Campaign; "
        "from softal.orchestrator.workers.in_process import in_process; import tempfile; "
        "Campaign(simulator=lambda point: {'f': point['x']}, space={'x': {'low': 0, 'high': 1}}, "
        "objective={'minimize': 'f'}, strategy='random', surrogate='none', budget={'trials': 2}, "
        "tracking={'mlflow': 'off'}, runs=tempfile.mkdtemp()).launch(executor=in_process); "
        "sys.exit('ray' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=PATIENCE).returncode == 0


# The executor.


class Watched:
    """Evaluates until it is killed, and a while longer."""

    def __init__(self, job: Job) -> None:
        self.killed, self.evaluating, self.discarded_while = threading.Event(), threading.Event(), False

    def evaluate_together(self, tasks: list[Task]) -> list[Outcome]:
        self.evaluating.set()
        assert self.killed.wait(PATIENCE)
        time.sleep(0.3)
        self.evaluating.clear()
        raise WorkerLost("killed")

    def kill(self) -> None:
        self.killed.set()

    def discard(self) -> None:
        self.discarded_while = self.evaluating.is_set()


def job(folder: Path, simulate: Callable[..., Any]) -> Job:
    return Job("test", folder, HERE, simulator_class(simulate)(), None)


def test_what_an_evaluator_has_open_is_closed_after_the_thread_that_uses_it(tmp_path: Path) -> None:
    executor = InProcess(1, Watched)
    executor.serve(job(tmp_path, lambda x: {"f": x}))
    [watched] = executor._evaluators
    assert isinstance(watched, Watched)
    first, second = (executor.submit("", [Task(i, {"x": 0.0}, 0, 1.0)]) for i in range(2))
    assert watched.evaluating.wait(PATIENCE)
    assert executor.wait([first, second], 0.05) == []
    executor.close()
    assert watched.killed.is_set()
    assert watched.discarded_while is False
    with pytest.raises(WorkerLost, match="killed"):
        executor.outcomes(first)


def test_waiting_returns_all_that_has_ended(tmp_path: Path) -> None:
    gate = threading.Event()

    def simulate(x: float) -> dict[str, float]:
        assert x < 2 or gate.wait(PATIENCE)
        return {"f": x}

    executor = InProcess(3)
    try:
        executor.serve(job(tmp_path, simulate))
        quick = [executor.submit("", [Task(i, {"x": float(i)}, 0, 1.0)]) for i in range(2)]
        slow = executor.submit("", [Task(2, {"x": 2.0}, 0, 1.0)])
        until = time.monotonic() + PATIENCE
        while len(executor.wait([slow, *quick], 1.0)) < 2:
            assert time.monotonic() < until
        assert executor.wait([slow, *quick], 1.0) == quick
        gate.set()
        assert executor.wait([slow], None) == [slow]
        [outcome] = executor.outcomes(slow)
        assert outcome.observation is not None
        assert outcome.observation.values == {"f": 2.0}
    finally:
        executor.close()


def test_killed_children_are_lost_and_others_go_on(tmp_path: Path) -> None:
    """With sandboxes, as `softal simulate` has them."""
    found = Job("test", tmp_path, HERE, ("simulations:Bowl", {"seconds": 60.0}), None)
    executor = InProcess(1, in_a_child)
    try:
        executor.serve(found)
        handle = executor.submit("", [Task(0, {"x": 0.0}, 0, 1.0)])
        while not executor.wait([handle], 0.5):
            executor.cancel([handle])
        with pytest.raises(WorkerLost, match="SIGKILL"):
            executor.outcomes(handle)
    finally:
        executor.close()


class Rude:
    """An agent."""

    def __init__(self, brief: Any) -> None:
        self.journal, self.thread = self, threading.get_ident()

    def ask(self, number: int) -> tuple[int, int]:
        if number < 0:
            raise ValueError("less than none")
        return number, threading.get_ident()

    def close(self) -> None:
        assert threading.get_ident() == self.thread


def test_agents_live_in_a_thread_of_their_own() -> None:
    executor = InProcess(1)
    agent = executor.agent("rude", Rude, None)
    number, thread = executor.answer(agent.call("ask", 3))
    assert number == 3
    assert thread != threading.get_ident()
    assert executor.answer(agent.call("ask", 4)) == (4, thread)
    with pytest.raises(AgentFailed, match=r"^failed: ValueError: less than none$"):
        executor.answer(agent.call("ask", -1))
    executor.close()


def test_what_softal_itself_does_wrong_is_no_result_of_a_trial(tmp_path: Path) -> None:
    class Wrong(Watched):
        def evaluate_together(self, tasks: list[Task]) -> list[Outcome]:
            raise KeyError("pipe")

    executor = InProcess(1, Wrong)
    executor.serve(job(tmp_path, lambda: {}))
    with pytest.raises(WorkerFailed, match="KeyError"):
        executor.outcomes(executor.submit("", [Task(0, {}, 0, 1.0)]))
    executor.close()


def test_trials_of_a_resumed_campaign_know_their_attempts(make_campaign: Make, launch: Any, resume: Any) -> None:
    campaign = make_campaign(
        workers={"concurrent": 2, "grace": "0 s"}, budget={"trials": 8},
        simulator={"kind": "simulations:Bowl", "seconds": 0.2},
    )  # fmt: skip
    assert launch(campaign, StopAfter(3)).exit_code == 130
    interrupted: list[Trial] = [trial for trial in campaign.list_trials() if not trial.state.finished]
    assert interrupted
    assert resume(campaign).state == "finished"
    assert {trial.attempts for trial in campaign.list_trials()} == {1, 2}
