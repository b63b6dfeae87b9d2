"""Width, depth and learning rate of an ensemble, found by Ray Tune: the only part of the surrogates that needs Ray."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import numpy as np
import ray
from ray import tune as ray_tune
from ray.tune.search.basic_variant import BasicVariantGenerator

from softal.errors import SurrogateError
from softal.numeric import Floats
from softal.surrogates.ensembles.mlp import FEWEST, Shape, train
from softal.surrogates.ensembles.settings import Tune
from softal.temporary import temporary_folder

WIDTHS = (16, 32, 64, 128)
DEPTHS = (1, 2, 3)
LEARNING_RATES = (1e-3, 3e-2)  # drawn log-uniformly
METRIC = "held_out_rmse"
MEMBERS = 1  # networks that see all trials: the score comes from the others


def tune(x: Floats, y: Floats, variance: Floats, default: Shape, settings: Tune, seed: int) -> Shape:
    """Return the shape whose networks predict the trials that they leave out best.

    Ray is started for the time of the search where it does not run yet. With fewer trials than folds need, the
    default is returned.

    Args:
        x, y, variance: as of `softal.surrogates.ensembles.mlp.train`.
        default: a shape that is among those tried, and what is returned where time is over before any was.
        settings: how many are tried, with how many CPUs and steps each.
        seed: of the shapes and of training.

    Raises:
        SurrogateError: all tries failed.
    """
    if len(x) < FEWEST:
        return default

    def score(config: dict[str, Any]) -> dict[str, float]:
        found = train(x, y, variance, Shape(**config), MEMBERS, settings.steps, seed).score
        return {METRIC: found if np.isfinite(found) else 1e9}

    with _ray(settings.cpus), temporary_folder() as folder, redirect_stdout(io.StringIO()):
        tuner = ray_tune.Tuner(
            ray_tune.with_resources(score, {"cpu": settings.cpus}),
            param_space={
                "width": ray_tune.choice(list(WIDTHS)),
                "depth": ray_tune.choice(list(DEPTHS)),
                "learning_rate": ray_tune.loguniform(*LEARNING_RATES),
            },
            tune_config=ray_tune.TuneConfig(
                metric=METRIC,
                mode="min",
                num_samples=settings.samples,
                search_alg=_search(default, seed),
                time_budget_s=settings.seconds,
                reuse_actors=True,
            ),
            run_config=ray_tune.RunConfig(storage_path=str(folder.absolute()), verbose=0),
        )
        results = tuner.fit()
    scored = [result for result in results if result.metrics and METRIC in result.metrics and result.config]
    if not scored and not results.errors:
        return default  # the cluster was too busy for a single try within the time
    if not scored:
        raise SurrogateError(f"none of {settings.samples} shapes of the ensemble could be trained: {results.errors}")
    return Shape(**min(scored, key=lambda result: float(result.metrics[METRIC])).config)


def _search(default: Shape, seed: int) -> BasicVariantGenerator:
    first = {"width": default.width, "depth": default.depth, "learning_rate": default.learning_rate}
    return BasicVariantGenerator(points_to_evaluate=[first], random_state=seed)


@contextmanager
def _ray(cpus: float) -> Iterator[None]:
    """Use the Ray that runs, or one of this machine's own for as long as it is needed."""
    if ray.is_initialized():
        yield
        return
    cores = max(1, os.cpu_count() or 1, int(cpus))
    ray.init(address="local", num_cpus=cores, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()
