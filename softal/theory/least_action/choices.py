"""What is chosen of a path of least action, as the parameters of a campaign: names, meanings, bounds."""

from __future__ import annotations

from collections.abc import Mapping

from softal.theory.least_action.action import Lambdas

LOG_LAMBDAS = ("log_lambda_1", "log_lambda_2", "log_lambda_3")
WHOLE = ("width", "points")
CHOICES: Mapping[str, str] = {
    "log_lambda_1": "decimal logarithm of the weight of the start, where ends are not exact",
    "log_lambda_2": "decimal logarithm of the weight of the end, where ends are not exact",
    "log_lambda_3": "decimal logarithm of the weight of the energy",
    "width": "number of functions, or of hidden units",
    "points": "number of time points",
}
BOUNDS = {**dict.fromkeys(LOG_LAMBDAS, (-12.0, 12.0)), "width": (2, 1000), "points": (2, 1000)}


def lambdas_of(point: Mapping[str, float | str]) -> Lambdas:
    """Return the weights of a point, which has their decimal logarithms."""
    return Lambdas(*(10 ** float(point[name]) for name in LOG_LAMBDAS))
