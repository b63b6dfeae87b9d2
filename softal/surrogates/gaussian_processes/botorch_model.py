"""A Gaussian process in closed form as a BoTorch model, for acquisition functions and sample paths."""

from __future__ import annotations

import warnings

import torch
from botorch.exceptions.warnings import InputDataWarning
from botorch.models import SingleTaskGP
from botorch.models.transforms.input import InputTransform
from botorch.models.transforms.outcome import Standardize
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import RBFKernel, ScaleKernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood, Likelihood
from torch import Tensor

from softal.surrogates.data import Scaling
from softal.surrogates.encoding import SAME, Encoding
from softal.surrogates.gaussian_processes.exact_gp import ExactGP


class FixedScaling(Standardize):  # type: ignore[misc]  # GPyTorch has no types
    """Standardisation with a given mean and scale, which training does not change."""

    def __init__(self, scaling: Scaling) -> None:
        super().__init__(m=1)
        self.means = torch.full((1, 1), scaling.mean, dtype=torch.double)
        self.stdvs = torch.full((1, 1), scaling.scale, dtype=torch.double)
        self._stdvs_sq = self.stdvs**2
        self._is_trained = torch.tensor(True)

    def forward(self, Y: Tensor, Yvar: Tensor | None = None, X: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Return standardised targets and variances of shape `batch x n x 1`."""
        return (Y - self.means) / self.stdvs, None if Yvar is None else Yvar / self._stdvs_sq


class OneHot(InputTransform):  # type: ignore[misc]
    """`Encoding` on tensors: `batch x n x d` to `batch x n x D`."""

    def __init__(self, encoding: Encoding) -> None:
        super().__init__()
        self.encoding = encoding
        self.transform_on_train, self.transform_on_eval, self.transform_on_fantasize = True, True, True
        self.is_one_to_many = False

    def transform(self, X: Tensor) -> Tensor:
        """Return the kernel's inputs."""
        columns = [X[..., self.encoding.numeric]]
        for column, values in self.encoding.levels:
            hot = (X[..., [column]] - torch.tensor(values, dtype=X.dtype)).abs() < SAME
            columns += [hot.to(X), (~hot.any(dim=-1, keepdim=True)).to(X)]
        return torch.cat(columns, dim=-1)


def botorch_model(gp: ExactGP, scaling: Scaling) -> SingleTaskGP:
    """Return `gp` as a BoTorch model in natural units."""
    tensor = torch.from_numpy
    Y, noise = scaling.mean + scaling.scale * tensor(gp.y)[:, None], tensor(gp.noise)
    with warnings.catch_warnings():  # outliers, and constant targets, are not standardised to the letter: on purpose
        warnings.simplefilter("ignore", InputDataWarning)
        model = SingleTaskGP(
            tensor(gp.X),
            Y,
            likelihood=_likelihood(gp, noise),
            covar_module=_kernel(gp),
            outcome_transform=FixedScaling(scaling),
            input_transform=OneHot(gp.encoding) if gp.encoding.levels else None,
        )
    model.mean_module.constant.data.fill_(gp.hyperparameters.mean)
    model.requires_grad_(False).eval()
    model.hyperparameters, model.scaling = gp.hyperparameters.to_dict(), scaling
    return model


def _kernel(gp: ExactGP) -> ScaleKernel:
    D = gp.encoding.encoded_dimension
    # With active dimensions given, BoTorch's sample paths take D from here, and not d from the untransformed inputs.
    base = RBFKernel(ard_num_dims=D, active_dims=tuple(range(D)), lengthscale_constraint=GreaterThan(0.0, None))
    kernel = ScaleKernel(base, outputscale_constraint=GreaterThan(0.0, None)).double()
    base.lengthscale = torch.tensor(gp.hyperparameters.lengthscales, dtype=torch.double)
    kernel.outputscale = torch.tensor(gp.hyperparameters.outputscale, dtype=torch.double)
    return kernel


def _likelihood(gp: ExactGP, noise: Tensor) -> Likelihood:
    """Return one noise for all where no errors are known, else that of each point."""
    if not torch.isnan(torch.from_numpy(gp.variance)).all():
        return FixedNoiseGaussianLikelihood(noise=noise)
    likelihood = GaussianLikelihood(noise_constraint=GreaterThan(0.0, None)).double()
    likelihood.noise = noise[:1]
    return likelihood
