"""Spectral measures of a symmetric operator: exact by eigenvalues, or by stochastic Lanczos."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg

from graphmax.posterior.precision import Floats, Matrix, product
from graphmax.posterior.sampling import dots

MOST_EIGENVALUES = 800
STEPS = 100
_INVARIANT = 1e-10


class Measure(NamedTuple):
    """``sum(weights * f(nodes))`` is the trace of f(M), or v^T f(M) v."""

    nodes: Floats
    weights: Floats


class Spectrum(NamedTuple):
    """What a likelihood of a field that was measured evenly needs to know of its Laplacian.

    `trace` stands for the eigenvalues, `energy` for the squares of the data in their directions.
    """

    trace: Measure
    energy: Measure


def spectrum_of(laplacian: Matrix, data: Floats, probes: Floats) -> Spectrum:
    """Return the measures of a Laplacian: exact for few nodes, else from probes of +1 and -1."""
    if data.size <= MOST_EIGENVALUES:
        values, vectors = np.linalg.eigh(laplacian.toarray())
        values = np.maximum(values, 0.0)
        return Spectrum(
            Measure(values, np.ones(values.size)), Measure(values, (vectors.T @ data) ** 2)
        )
    block = np.column_stack([data, probes])
    nodes, weights = quadrature(lambda vectors: product(laplacian, vectors), block, STEPS)
    nodes = np.maximum(nodes, 0.0)
    shared = weights[1:] / probes.shape[1]
    return Spectrum(Measure(nodes[1:].ravel(), shared.ravel()), Measure(nodes[0], weights[0]))


def random_signs(num_nodes: int, rng: np.random.Generator) -> Floats:
    """Return probes of +1 and -1; the more nodes, the fewer it takes."""
    count = 32 if num_nodes < 50_000 else 16 if num_nodes < 200_000 else 8
    return 2.0 * rng.integers(0, 2, (num_nodes, count)).astype(np.float64) - 1.0


def quadrature(
    times: Callable[[Floats], Floats], block: Floats, steps: int
) -> tuple[Floats, Floats]:
    """Return nodes and weights (columns, steps) of ``v^T f(M) v`` for every column v.

    Lanczos without reorthogonalization: copies of converged eigenvalues share their weight, so
    that sums over them stay right. A column that spans an invariant space ends early; its
    tridiagonal matrix falls apart and what comes after has the weight 0.
    """
    squares = dots(block, block)
    steps = min(steps, block.shape[0])
    alpha, beta = np.zeros((steps, squares.size)), np.zeros((steps, squares.size))
    vector: Floats = block / np.sqrt(np.where(squares > 0, squares, 1.0))
    before: Floats = np.zeros_like(vector)
    size = np.zeros(squares.size)
    for step in range(steps):
        image = times(vector)
        image -= size * before
        alpha[step] = dots(image, vector)
        image -= alpha[step] * vector
        size = np.asarray(np.sqrt(dots(image, image)), np.float64)
        size[size <= _INVARIANT * (1 + np.abs(alpha[: step + 1]).max(axis=0))] = 0.0
        beta[step] = size
        image /= np.where(size > 0, size, 1.0)
        image[:, size == 0] = 0.0
        before, vector = vector, image
    return _gauss(alpha, beta[:-1], squares)


def _gauss(alpha: Floats, beta: Floats, squares: Floats) -> tuple[Floats, Floats]:
    nodes, weights = np.empty(alpha.T.shape), np.empty(alpha.T.shape)
    for column, square in enumerate(squares):
        values, vectors = scipy.linalg.eigh_tridiagonal(alpha[:, column], beta[:, column])
        nodes[column], weights[column] = values, square * vectors[0] ** 2
    return nodes, weights
