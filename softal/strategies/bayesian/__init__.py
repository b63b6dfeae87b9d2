"""Bayesian optimisation and experimental design with Gaussian processes."""

from softal.strategies.bayesian.bayesian import Bayesian
from softal.strategies.bayesian.settings import BayesianSettings

__all__ = ["Bayesian", "BayesianSettings"]
