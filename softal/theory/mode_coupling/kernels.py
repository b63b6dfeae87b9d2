"""Sums over wave vectors q + p = k by Bengtzelius' recursion, and the convolutions of the dynamics; compiled by Numba.

In three dimensions, with q and p as bipolar coordinates,

    int dq f(q, p) = (2 pi / k) int_0^inf dq q int_|k-q|^(k+q) dp p f(q, p),

and on the grid k_i = (i - 1/2) dk the ends of the p integral are edges of cells. So the integral is a sum over the
region |j - l| < i < j + l of the indices of q and p. From i to i + 1 the region gains two diagonals, |j - l| = i, and
loses an antidiagonal, j + l = i + 1: all i together take of the order of n^2 operations rather than n^3.

Source: U. Bengtzelius, Phys. Rev. A 34, 5059 (1986), appendix.
"""

from __future__ import annotations

import numba as nb
import numpy as np

SUMS = {"reassoc", "contract", "nsz"}  # a sum may be taken in any order, so that it is taken four at a time


@nb.njit(cache=True, fastmath=SUMS)
def moments(u, v, out):  # type: ignore[no-untyped-def]
    """Fill out (3, n) with the sums over q + p = k of q p (q^2 - p^2)^m u(q) v(p), m = 0, 1, 2, in units of dk.

    q, p = 1/2, 3/2, ...; u, v (n,).
    """
    n = len(u)
    at = np.arange(n) + 0.5
    twice = 2.0 * np.arange(n)
    x, y = at * u, at * v
    reversed_y = y[::-1].copy()
    p0, p1, p2 = 0.0, 0.0, 0.0
    for j in range(n):
        p0 += x[j] * y[j]
    out[0, 0], out[1, 0], out[2, 0] = p0, 0.0, 0.0
    for i in range(n - 1):
        d = i + 1
        for j in range(n - d):
            w = d * (twice[j] + (d + 1.0))
            one, other = x[j + d] * y[j], x[j] * y[j + d]
            both = one + other
            p0 += both
            p1 += w * (one - other)
            p2 += w * w * both
        for j in range(d):
            w = d * (twice[j] - i)
            one = x[j] * reversed_y[n - d + j]
            p0 -= one
            p1 -= w * one
            p2 -= w * w * one
        out[0, d], out[1, d], out[2, d] = p0, p1, p2


@nb.njit(cache=True)
def coherent_memory(c, F, prefactor):  # type: ignore[no-untyped-def]
    """Return the memory matrices (s, s, n) of symmetric F (s, s, n), with c and the prefactor of the same shape.

    With (k.q)/k = (k^2 + q^2 - p^2) / (2 k), and (k.p)/k alike, the vertices' product becomes three moments of
    (cFc)(q) F(p) and of (cF)(q) (Fc)(p).
    """
    s, _, n = F.shape
    k2 = (np.arange(n) + 0.5) ** 2
    cF = np.zeros((s, s, n))
    for a in range(s):
        for b in range(s):
            for g in range(s):
                cF[a, b] += c[a, g] * F[g, b]
    N = np.empty((s, s, n))
    one, other = np.empty((3, n)), np.empty((3, n))
    for a in range(s):
        for b in range(a, s):
            cFc = np.zeros(n)
            for g in range(s):
                cFc += cF[a, g] * c[g, b]
            moments(cFc, F[a, b], one)
            moments(cF[a, b], cF[b, a], other)
            N[a, b] = prefactor[a, b] * (k2 * (k2 * (one[0] + other[0]) + 2.0 * one[1]) + one[2] - other[2])
            N[b, a] = N[a, b]
    return N


@nb.njit(cache=True)
def tagged_memory(c, F, F_s, prefactor):  # type: ignore[no-untyped-def]
    """Return the memory (s, n) of a tagged particle of each species, with F_s (s, n) and the prefactor (n,)."""
    s, _, n = F.shape
    k2 = (np.arange(n) + 0.5) ** 2
    N = np.empty((s, n))
    sums = np.empty((3, n))
    for a in range(s):
        cFc = np.zeros(n)
        for g in range(s):
            for h in range(s):
                cFc += c[a, g] * F[g, h] * c[h, a]
        moments(cFc, F_s[a], sums)
        N[a] = prefactor * (k2 * (k2 * sums[0] + 2.0 * sums[1]) + sums[2])
    return N


@nb.njit(cache=True, fastmath=SUMS)
def history(i, F, F_mean, N, N_mean, out):  # type: ignore[no-untyped-def]
    """Fill out (s, s, n) with what the convolution int N(t_i - t') F'(t') dt' has from steps j = 2, 3, ..., negative.

    sum_{j=2..i2} (N_{i-j} - N_{i-j+1}) F^I_j + sum_{j=2..i-i2} N^I_j (F_{i-j} - F_{i-j+1}), i2 = floor(i / 2): each
    interval takes the mean of that function which is young there, and the difference of the other one.
    """
    s, n = F.shape[1], F.shape[3]
    half = i // 2
    out[:] = 0.0
    for j in range(2, i - half + 1):
        for a in range(s):
            for b in range(s):
                for g in range(s):
                    for k in range(n):
                        out[a, b, k] += N_mean[j, a, g, k] * (F[i - j, g, b, k] - F[i - j + 1, g, b, k])
                    if j <= half:
                        for k in range(n):
                            out[a, b, k] += (N[i - j, a, g, k] - N[i - j + 1, a, g, k]) * F_mean[j, g, b, k]


@nb.njit(cache=True)
def product(A, B):  # type: ignore[no-untyped-def]
    """Return the matrix products of A and B (s, s, n) at each of the n."""
    s, _, n = A.shape
    out = np.zeros((s, s, n))
    for a in range(s):
        for b in range(s):
            for g in range(s):
                for k in range(n):
                    out[a, b, k] += A[a, g, k] * B[g, b, k]
    return out
