"""Elbow, mixture, merging, importance and agreement, of which the learner of environments is made."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from softal.surrogates.environments.elbow import elbow, lines
from softal.surrogates.environments.merging import merge, merged
from softal.surrogates.environments.mixture import Mixture, fits
from softal.surrogates.environments.stability import adjusted_rand


def blobs(centres, n, seed=0, spread=1.0):
    """Points (len(centres) n, 2) around centres, and the number of their centre."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(centres)), n)
    return np.array(centres, dtype=float)[labels] + spread * rng.standard_normal((len(labels), 2)), labels


@pytest.mark.parametrize("c", [2, 3, 5])
def test_the_elbow_is_where_two_lines_meet(c):
    x = np.arange(1, 9.0)
    assert elbow(np.where(x <= c, 0.3 * (x - c), 0.01 * (x - c - 1) + 0.2)) == c


def test_an_elbow_may_lie_on_both_lines():
    assert elbow([0.0, 0.0, 0.1], shared=True) == 2
    assert elbow([0.0, 0.0, 0.01, 0.3, 0.6, 0.9], shared=True) == 3
    left, right = lines([0.0, 0.0, 0.01, 0.31, 0.61, 0.91], 3, shared=True)
    np.testing.assert_allclose(right, [0.01, 0.31, 0.61, 0.91])
    assert len(left) == 3


def test_a_curve_may_be_too_short_for_an_elbow():
    assert elbow([0.0, 1.0, 1.1]) is None
    assert elbow([0.0, 1.0], shared=True) is None


def test_a_straight_line_has_its_elbow_at_the_first_place():
    assert elbow(np.linspace(0, 1, 9)) == 2


def test_a_mixture_is_scikit_learns():
    from sklearn.mixture import GaussianMixture

    Y, _ = blobs([(0, 0), (5, 1)], 200)
    [mine] = fits(Y, [2], 1, 3)
    theirs = GaussianMixture(2, tol=1e-4, reg_covar=1e-6 * np.mean(np.var(Y, axis=0)), random_state=3).fit(Y)
    np.testing.assert_allclose(mine.log_likelihood(Y), theirs.score_samples(Y))
    np.testing.assert_allclose(mine.memberships(Y), theirs.predict_proba(Y), atol=1e-12)
    assert mine.bic(Y) == pytest.approx(theirs.bic(Y))


def test_bic_finds_the_number_of_gaussians():
    Y, labels = blobs([(0, 0), (8, 0), (0, 8), (9, 9)], 150)
    found = fits(Y, range(1, 8), 3, 0)
    best = found[int(np.argmin([one.bic(Y) for one in found]))]
    assert len(best.weights) == 4
    assert adjusted_rand_score(labels, best.memberships(Y).argmax(axis=1)) == 1


def halves(seed=0):
    """Three clusters, the first of which is made of two Gaussians that overlap, and the mixture that they are of."""
    centres = np.array([(0.0, 0.0), (1.0, 0.5), (12.0, 0.0), (0.0, 12.0)])
    Y, labels = blobs(centres, 300, seed)
    return Y, np.maximum(labels - 1, 0), Mixture(np.full(4, 0.25), centres, np.tile(np.eye(2), (4, 1, 1)))


def test_halves_of_a_cluster_are_merged():
    Y, labels, mixture = halves()
    P = mixture.memberships(Y)
    merging = merge(P)
    assert merging.groups[2] == ((0, 1), (2,), (3,))
    assert merging.by_elbow(0.25) == merging.by_overlap(0.25) == 3
    assert adjusted_rand_score(labels, merged(P, merging.groups[2]).argmax(axis=1)) == 1


def test_a_small_component_joins_its_phase_before_two_phases_join_at_their_border():
    """The border of two phases is more undecided in all, of a part of them less, than a component is of its phase."""
    sure, border, own = np.repeat(np.eye(3), [1000, 1000, 20], axis=0), [[0.5, 0.5, 0.0]] * 60, [[0.5, 0.0, 0.5]] * 20
    merging = merge(np.concatenate([sure, border, own]))
    assert merging.groups[1] == ((0, 2), (1,))
    assert merging.overlaps[0] < 0.05 < merging.overlaps[1]


def test_entropies_and_overlaps_are_those_of_the_definition():
    P = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    merging = merge(P)
    np.testing.assert_allclose(merging.entropies, [0, 0, np.log(2) / 2], atol=1e-15)
    np.testing.assert_allclose(merging.overlaps, [0, 1], atol=1e-15)


def test_distinct_components_stay_and_those_of_one_cluster_become_one():
    Y, _ = blobs([(0, 0), (20, 0), (0, 20)], 50)
    apart = Mixture(np.full(3, 1 / 3), np.array([(0.0, 0), (20, 0), (0, 20)]), np.tile(np.eye(2), (3, 1, 1)))
    assert merge(apart.memberships(Y)).by_elbow(0.25) == 3
    near = Mixture(np.full(3, 1 / 3), np.array([(0.0, 0), (0.3, 0), (0, 0.3)]), np.tile(np.eye(2), (3, 1, 1)))
    merging = merge(near.memberships(Y[:50]))
    assert merging.by_elbow(0.25) == merging.by_overlap(0.25) == 1


def test_two_components_have_no_elbow_and_are_judged_by_their_overlap():
    Y, _ = blobs([(0, 0), (1, 0)], 200)
    pair = Mixture(np.full(2, 0.5), np.array([(0.0, 0), (1, 0)]), np.tile(np.eye(2), (2, 1, 1)))
    assert merge(pair.memberships(Y)).by_elbow(0.25) == 1


@pytest.mark.parametrize("seed", range(3))
def test_the_adjusted_rand_index_is_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 3, 60), rng.integers(0, 4, 60)
    other[:30] = one[:30]
    assert adjusted_rand(one, other) == pytest.approx(adjusted_rand_score(one, other))
    assert adjusted_rand(one, (one + 1) % 3) == 1


def test_the_adjusted_rand_index_of_one_cluster():
    one = np.zeros(10, dtype=int)
    assert adjusted_rand(one, one) == 1
    assert adjusted_rand(one, np.arange(10) % 2) == 0
