"""The local phase: its steps, its region, its ends; told trials play the simulations."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from softal.answer import answer
from softal.errors import StrategyError
from softal.objective import match, minimize
from softal.references import Reference
from softal.space import Space
from softal.strategies import build
from softal.strategies.bayesian.descent import Landscape, box, lowest
from softal.strategies.bayesian.refinement import Refinement
from softal.strategies.bayesian.settings import RefinementSettings
from softal.trial import Array, Observation, Trial, TrialState
from strategies.campaigns import cube

pytestmark = pytest.mark.learning

TARGET = np.array([0.62, 0.35])


def valley(u):
    """A floor of 0.03, a bowl, and a ripple."""
    x = u - TARGET
    return float(np.sqrt(0.03**2 + 0.4 * x @ x + 0.01 * np.sum(np.sin(5 * x) ** 2)))


class Game:
    """Plays the campaign's part: q trials at a time, the oldest finishes first."""

    def __init__(self, strategy, f=valley, sigma=0.003, seed=0):
        self.strategy, self.f, self.sigma = strategy, f, sigma
        self.rng = np.random.default_rng([5, seed])
        self.trials, self.told = [], 0

    @property
    def pending(self):
        return [trial for trial in self.trials if not trial.state.finished]

    def ask(self, n):
        proposals = self.strategy.ask(n, self.pending)
        self.trials += [
            Trial(len(self.trials) + i, p.point, notes=p.notes, fidelity=p.fidelity) for i, p in enumerate(proposals)
        ]
        return proposals

    def finish(self, trial):
        self.told += 1
        value = self.f(self.strategy.space.to_unit([trial.point])[0])
        done = replace(trial, state=TrialState.FAILED, told=self.told)
        if value is not None:
            sigma = self.sigma * (1 if trial.fidelity == 1 else 2)
            value = {"R": value + sigma * self.rng.standard_normal()}
            errors = {"R": sigma} if sigma else {}
            done = replace(done, state=TrialState.DONE, objective=value, objective_errors=errors)
        self.trials[trial.id] = done
        self.strategy.tell([done])

    def play(self, q=1):
        for _ in range(200):
            self.ask(q - len(self.pending)) if len(self.pending) < q else None
            if not self.pending:
                return self.trials
            self.finish(self.pending[0])
        raise AssertionError("it never ends")

    def of(self, **notes):
        return [t for t in self.trials if all(t.notes.get(key) == value for key, value in notes.items())]


def strategy(space=None, seed=0, fidelity=0.3, **refinement):
    settings = {"n_initial": 5, "fidelity": fidelity, "refinement": {"after": 9, **refinement}}
    return build("bayesian", space or cube(2), minimize("R"), seed, settings)


@pytest.fixture(scope="module")
def played():
    game = Game(strategy(trials=12))
    game.play()
    return game


def test_it_searches_refines_repeats_and_says_why_it_ends(played):
    fidelities = [trial.fidelity for trial in played.trials]
    assert fidelities[:9] == [0.3] * 9
    assert set(fidelities[9:]) == {1.0}
    assert [trial.notes["role"] for trial in played.trials[9:12]] == ["incumbent"] * 3
    assert {trial.notes.get("phase") for trial in played.trials[:9]} == {None}
    steps = played.of(role="step")
    assert steps
    assert all(trial.notes.keys() >= {"centre", "radius", "predicted", "reduction", "noise"} for trial in steps)
    assert played.strategy.ask(1) == []
    found = answer(played.strategy.objective, played.trials)
    assert found.repeats >= 4
    assert played.strategy.exhausted_because == (
        "refined: the improvement left is below the noise; "
        f"the best point was run 4 times, standard error {found.error:.2g}"
    )


def test_steps_stay_in_the_box_around_their_centre(played):
    u = {trial.id: played.strategy.space.to_unit([trial.point])[0] for trial in played.trials}
    for trial in played.of(role="step"):
        assert np.max(np.abs(u[trial.id] - u[trial.notes["centre"]])) <= trial.notes["radius"] + 1e-9


def test_repeats_are_the_same_point_to_the_last_digit(played):
    best = played.trials[-1].point
    assert sum(trial.point == best and trial.fidelity == 1.0 for trial in played.trials) == 4


def test_the_answer_is_better_than_what_the_search_found(played):
    of = {t.id: valley(played.strategy.space.to_unit([t.point])[0]) for t in played.trials}
    found = answer(played.strategy.objective, played.trials)
    searched = min(played.trials[:9], key=lambda trial: trial.objective["R"])
    assert of[found.trials[0]] < of[searched.id]
    assert abs(found.value - of[found.trials[0]]) < 4 * found.error


@pytest.mark.parametrize("stop", [10, 13])
def test_restored_it_goes_on_as_if_it_had_not_stopped(played, stop):
    known = [trial for trial in played.trials if trial.told <= stop]
    again = strategy(trials=8)
    again.restore(known)
    assert [p.point for p in again.ask(1)] == [trial.point for trial in played.trials[stop : stop + 1]]


def test_two_workers_get_different_points_and_no_search_point_twice():
    game = Game(strategy(trials=6, repeats=3))
    game.play(q=2)
    assert len(game.of(phase="local")) <= 6
    first = game.trials[9:11]
    assert first[0].point != first[1].point
    runs = answer(game.strategy.objective, game.trials)
    assert runs.repeats >= 3
    assert game.strategy.exhausted_because.startswith("refined")


def test_while_a_step_runs_the_centre_is_repeated_and_then_it_waits():
    game = Game(strategy(trials=6, repeats=2, incumbents=1))
    for _ in range(10):
        game.ask(1)
        game.finish(game.pending[0])
    roles = [proposal.notes["role"] for proposal in game.ask(2)]
    assert roles == ["step", "repeat"]
    more = game.ask(8)
    assert {proposal.notes["role"] for proposal in more} <= {"step"}
    assert len(game.of(phase="local")) <= 6
    assert game.ask(1) == []  # waits


def test_where_the_local_phase_fails_the_region_shrinks():
    failing = Game(strategy(trials=5))
    for _ in range(12):
        failing.ask(1)
        failing.finish(failing.pending[0])
    failing.f = lambda u: None
    radii = []
    for _ in range(2):
        (proposal,) = failing.ask(1)
        radii.append(proposal.notes["radius"])
        failing.finish(failing.pending[0])
    assert radii == [0.1, 0.05]
    failing.play()
    assert failing.strategy.exhausted_because.startswith("refined: its 5 local trials are used up")


def test_nothing_works_at_the_higher_fidelity():
    game = Game(strategy(trials=5))
    for _ in range(9):
        game.ask(1)
        game.finish(game.pending[0])
    game.f = lambda u: None
    game.play()
    assert "no point could be simulated at fidelity 1" in game.strategy.exhausted_because


def test_no_local_phase_repeats_the_best_point_of_the_search():
    game = Game(strategy(trials=0, repeats=3))
    game.play()
    assert [trial.notes.get("role") for trial in game.trials[9:]] == ["repeat"] * 3
    assert len({str(trial.point) for trial in game.trials[9:]}) == 1


def test_without_noise_and_without_real_parameters_it_ends():
    space = Space({"k": {"low": 0, "high": 6, "integer": True}, "c": {"choices": ["a", "b", "c"]}})
    game = Game(strategy(space, fidelity=1.0), sigma=0.0)
    game.play()
    assert game.strategy.exhausted_because.startswith("refined: the improvement left is below the noise")


def test_only_one_objective_that_has_a_best():
    with pytest.raises(StrategyError, match="refinement serves one objective"):
        build("bayesian", cube(2), minimize("a", "b"), 0, {"refinement": {}})


class TestRegion:
    """How results of steps change the region; sigma is 0.01."""

    @pytest.fixture
    def refinement(self):
        made = Refinement(cube(1), minimize("R"), RefinementSettings(radius=0.1))
        made.add(self.trial(0, 0.5, 1.0))
        return made

    @staticmethod
    def trial(number, x, loss, **notes):
        state = TrialState.FAILED if loss is None else TrialState.DONE
        values = {} if loss is None else {"R": loss}
        return Trial(number, {"x0": x}, state=state, objective=values, notes=notes)

    def step(self, number, loss, reduction, radius=0.1, length=0.1):
        notes = {"centre": 0, "radius": radius, "length": length, "reduction": reduction, "noise": 0.01}
        return self.trial(number, 0.6, loss, phase="local", role="step", **notes)

    @pytest.mark.parametrize(
        ("loss", "reduction", "length", "radius", "quiet"),
        [
            (0.7, 0.3, 0.1, 0.2, 0),  # as promised, to the edge
            (0.7, 0.3, 0.05, 0.1, 0),  # as promised, not to the edge
            (0.85, 0.3, 0.1, 0.1, 0),  # half of what was promised
            (1.0, 0.3, 0.1, 0.05, 0),  # nothing of much: the model is wrong
            (None, 0.3, 0.1, 0.05, 0),
            (1.0, 0.004, 0.1, 0.2, 1),  # little promised, and it is true within the noise
            (0.996, 0.02, 0.1, 0.1, 1),  # something promised, not seen, within the noise
            (1.2, 0.004, 0.1, 0.05, 0),  # little promised, and much worse
        ],
    )
    def test_after_one_step(self, refinement, loss, reduction, length, radius, quiet):
        refinement.add(self.step(1, loss, reduction, length=length))
        assert (refinement.radius, refinement._quiet) == (pytest.approx(radius), quiet)

    def test_two_that_find_nothing_end_it(self, refinement):
        refinement.add(self.step(1, 1.0, 0.004))
        assert refinement._ended(1) is None
        refinement.add(self.step(2, 1.0, 0.004))
        assert refinement._ended(2) == "the improvement left is below the noise"

    def test_another_point_is_repeated_only_where_it_is_better_by_more_than_the_noise(self, refinement):
        refinement.add(self.trial(1, 0.6, 0.99, phase="repeats", role="repeat"))
        for runs, loss in zip(refinement._points.values(), (1.01, 0.97), strict=True):
            runs.losses.append(loss)  # sigma = 0.0122, of the mean of 4 runs 0.0061
        first, repeated = refinement._points
        assert refinement._chosen({first: 0.985, repeated: 0.99}) is refinement._points[repeated]
        assert refinement._chosen({first: 0.980, repeated: 0.99}) is refinement._points[first]

    def test_a_run_that_beats_the_repeated_point_is_repeated_too(self, refinement):
        refinement.add(self.trial(1, 0.6, 0.7))
        first, lower = refinement._points
        refinement._points[first].losses[:] = [1.0, 1.01, 0.99, 1.0]
        means = {first: 0.9, lower: 0.95}  # the model takes the first for the better one
        (proposal,) = refinement._repeats(1, [], means)
        assert proposal.point == refinement._points[lower].point
        refinement._points[lower].losses[:] = [0.999]  # no better than chance
        assert refinement._repeats(1, [], means) == []

    def test_a_small_region_ends_it(self, refinement):
        for number in range(1, 6):
            refinement.add(self.step(number, None, 0.1, radius=refinement.radius))
        assert refinement._ended(5) == "the trust region is smaller than 0.005"


def bowl(X):
    return ((X - torch.tensor([0.9, 0.8, 0.1], dtype=torch.double)) ** 2).sum(-1)


def uncertain_bowl(X):
    return bowl(X), torch.full(X.shape[:-1], 0.1, dtype=torch.double)


class TestDescent:
    SPACE = Space(
        {"x": {"low": 0, "high": 1}, "y": {"low": 0, "high": 1}, "k": {"low": 0, "high": 3, "integer": True}},
        ["x + y <= 1.2"],
    )

    def test_the_lowest_point_of_a_box(self):
        centre = np.array([0.3, 0.3, 0.375])
        found = lowest(Landscape(uncertain_bowl, bowl), box(self.SPACE, centre, 0.1), centre, np.random.default_rng(0))
        assert found == pytest.approx([0.4, 0.4, 0.375], abs=1e-6)

    def test_constraints_hold(self):
        centre = np.array([0.6, 0.55, 0.375])
        found = lowest(Landscape(uncertain_bowl, bowl), box(self.SPACE, centre, 0.2), centre, np.random.default_rng(0))
        assert found == pytest.approx([0.65, 0.55, 0.375], abs=1e-4)

    def test_where_simulations_fail_it_does_not_go(self):
        def log_probability(X):
            return -1e3 * (X[..., 0] - 0.32).clamp_min(0.0) ** 2

        centre = np.array([0.3, 0.3, 0.375])
        landscape = Landscape(uncertain_bowl, bowl, log_probability)
        found = lowest(landscape, box(self.SPACE, centre, 0.1), centre, np.random.default_rng(0))
        assert 0.3 <= found[0] < 0.34
        assert found[1] == pytest.approx(0.4, abs=1e-6)


def test_a_step_goes_down_the_loss_of_the_mean_curves():
    """It is below the mean loss where curves are uncertain, equal where they are known, and has the right gradient."""
    grid, space = np.linspace(0.0, 1.0, 20), cube(2)

    def curve(u):
        return np.sin(3 * grid + 2 * u[0]) + u[1] * grid

    objective = match({"g": Reference("g", grid, curve(TARGET))})
    strategy = build("bayesian", space, objective, 0, {"n_initial": 4})
    for number, u in enumerate(space.sample(8, np.random.default_rng(1))):
        observation = Observation(arrays={"g": Array.of(curve(u), np.full(20, 1e-3), grid)})
        values, errors = objective.evaluate(observation)
        done = {"observation": observation, "objective": values, "objective_errors": errors}
        strategy.tell([Trial(number, space.from_unit(u[None])[0], state=TrialState.DONE, **done)])
    posterior = strategy._models.posterior(strategy._history)
    U = torch.from_numpy(space.sample(30, np.random.default_rng(2)))
    mean, std = posterior.loss(U)
    assert torch.all(posterior.loss_of_mean(U) <= mean + 1e-9)
    assert torch.all(std > 0)
    known = torch.from_numpy(posterior.X)
    assert torch.allclose(posterior.loss_of_mean(known), posterior.loss(known)[0], atol=2e-3)
    assert torch.autograd.gradcheck(posterior.loss_of_mean, (U[:3].requires_grad_(),), eps=1e-6, atol=1e-4)
