"""Numerics of Gaussians: solves for fields on many right-hand sides, and who beats every rival.

Fields: a sparse matrix times a block, conjugate gradients, neighbors. A block is float64 (n,
samples) in C order, so that an entry of the matrix, once loaded, serves a whole row of samples.
Sums over nodes are written one row per part of `NODES_PER_PART` nodes and added in Python: the
bits do not depend on the number of threads.

The entries of an inverse where its Cholesky factor has entries come by Takahashi's recursion.

Scores: the probability of beating every rival when all scores are normal, and its gradient.

With t = m_v + sd_v z, z standard normal, it is the mean over the points z of the product over the
rivals u of Phi((t - m_u) / sd_u). One pass over the rivals of a node gives the logit; a second
one, if it is asked for, the slope of the logit in each score. Nothing of the size rivals times
points is kept, but for one node at a time.

log Phi and its derivative come from the scaled complementary error function of W. J. Cody,
Rational Chebyshev approximations for the error function, Mathematics of Computation 23, 1969: one
logarithm or exponential for each rival and point, relative errors below 1e-14.
"""

import math

import numpy as np
from numba import prange

from graphmax.kernels.compiled import in_chunks, kernel

NODES_PER_PART = 1 << 8


@kernel(parallel=True)
def times(indptr, indices, data, block, out):
    """Write A @ block into `out`."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            target = out[v]
            target[:] = 0.0
            for p in range(indptr[v], indptr[v + 1]):
                factor, row = data[p], block[indices[p]]
                for s in range(target.size):
                    target[s] += factor * row[s]


@kernel(parallel=True)
def dots(first, second, partial):
    """Write, for each part, the sums of ``first * second`` over its nodes."""
    num_nodes = first.shape[0]
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        total = partial[part]
        total[:] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            left, right = first[v], second[v]
            for s in range(total.size):
                total[s] += left[s] * right[s]


@kernel(parallel=True)
def advance(x, residual, scaled, direction, image, step, inverse, partial):
    """Take one step of conjugate gradients; write the new sums of ``residual * scaled``.

    `step` has one entry per sample; `inverse` is one over the diagonal of the matrix.
    """
    num_nodes = x.shape[0]
    for part in prange(partial.shape[0]):
        low = part * NODES_PER_PART
        total = partial[part]
        total[:] = 0.0
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            place, rest, short, weight = x[v], residual[v], scaled[v], inverse[v]
            way, bend = direction[v], image[v]
            for s in range(total.size):
                place[s] += step[s] * way[s]
                rest[s] -= step[s] * bend[s]
                short[s] = rest[s] * weight
                total[s] += rest[s] * short[s]


@kernel(parallel=True)
def turn(direction, scaled, ratio):
    """Make the next direction, conjugate to the last, in place."""
    num_nodes = direction.shape[0]
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            way, short = direction[v], scaled[v]
            for s in range(way.size):
                way[s] = short[s] + ratio[s] * way[s]


@kernel(parallel=True)
def highest_neighbor(indptr, indices, block, out):
    """Write the largest value among the neighbors of each node, -inf where there is none."""
    num_nodes = indptr.size - 1
    for part in prange((num_nodes + NODES_PER_PART - 1) // NODES_PER_PART):
        low = part * NODES_PER_PART
        for v in range(low, min(low + NODES_PER_PART, num_nodes)):
            target = out[v]
            target[:] = -np.inf
            for p in range(indptr[v], indptr[v + 1]):
                row = block[indices[p]]
                for s in range(target.size):
                    target[s] = max(target[s], row[s])


@kernel
def selected_inverse(indptr, indices, lower, pivots, inverse):
    """Write the entries of ``(L D L^T)^-1`` on the pattern of L; return whether it was closed.

    Columns of L (unit diagonal stored first, rows ascending) are taken from the last to the
    first. With S the rows of column j below its diagonal,

        Z[i, j] = - sum over k in S of L[k, j] Z[k, i]   for i in S,
        Z[j, j] = 1 / D[j] - sum over k in S of L[k, j] Z[k, j].

    Elimination of j joins all rows of S with each other, so every Z[k, i] that is asked for lies
    in a column that is already done: column min(k, i). S and that column ascend, so one walk
    along both finds all entries. False means that an entry was missing: a cancellation to exactly
    0 that the factor does not store.
    """
    work = np.zeros(indptr.size)
    for j in range(indptr.size - 2, -1, -1):
        first, stop = indptr[j], indptr[j + 1]
        count = stop - first - 1
        for b in range(count):
            work[b] = 0.0
        for a in range(count):
            k = indices[first + 1 + a]
            place, end = indptr[k], indptr[k + 1]
            for b in range(a, count):
                i = indices[first + 1 + b]
                while place < end and indices[place] < i:
                    place += 1
                if place == end or indices[place] != i:
                    return False
                work[b] += lower[first + 1 + a] * inverse[place]
                if b > a:
                    work[a] += lower[first + 1 + b] * inverse[place]
        diagonal = 1.0 / pivots[j]
        for b in range(count):
            inverse[first + 1 + b] = -work[b]
            diagonal += lower[first + 1 + b] * work[b]
        inverse[first] = diagonal
    return True


# --- The probability of beating every rival when all scores are normal, and its gradient

NODES_PER_CALL = 1 << 14
JUDGED_PER_PART = 1 << 7
_ROOT_HALF = math.sqrt(0.5)
_ROOT_2_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY = 1 / math.sqrt(2 * math.pi)
_ONE_OVER_ROOT_PI = 1 / math.sqrt(math.pi)
# Where Cody's three approximations meet, of |z| / sqrt(2).
_SMALL, _MIDDLE = 0.46875, 4.0
# Below this log(1 - q) is -q - q**2 / 2 to the last bit.
_TINY = 1e-8
# log(1 - chance) is not taken nearer to a chance of 1.
_LEAST = 1e-300
_LOWEST = -1e300


@kernel(error_model="numpy")
def _erf_small(x):
    # erf(x) for |x| <= _SMALL.
    y = x * x
    top = 1.85777706184603153e-1
    top = top * y + 3.16112374387056560e00
    top = top * y + 1.13864154151050156e02
    top = top * y + 3.77485237685302021e02
    top = top * y + 3.20937758913846947e03
    low = y + 2.36012909523441209e01
    low = low * y + 2.44024637934444173e02
    low = low * y + 1.28261652607737228e03
    low = low * y + 2.84423683343917062e03
    return x * top / low


@kernel(error_model="numpy")
def _scaled_erfc(x):
    # exp(x * x) * erfc(x) for x >= _SMALL.
    if x <= _MIDDLE:
        top = 2.15311535474403846e-8
        top = top * x + 5.64188496988670089e-1
        top = top * x + 8.88314979438837594e00
        top = top * x + 6.61191906371416295e01
        top = top * x + 2.98635138197400131e02
        top = top * x + 8.81952221241769090e02
        top = top * x + 1.71204761263407058e03
        top = top * x + 2.05107837782607147e03
        top = top * x + 1.23033935479799725e03
        low = x + 1.57449261107098347e01
        low = low * x + 1.17693950891312499e02
        low = low * x + 5.37181101862009858e02
        low = low * x + 1.62138957456669019e03
        low = low * x + 3.29079923573345963e03
        low = low * x + 4.36261909014324716e03
        low = low * x + 3.43936767414372164e03
        low = low * x + 1.23033935480374942e03
        return top / low
    y = 1 / (x * x)
    top = 1.63153871373020978e-2
    top = top * y + 3.05326634961232344e-1
    top = top * y + 3.60344899949804439e-1
    top = top * y + 1.25781726111229246e-1
    top = top * y + 1.60837851487422766e-2
    top = top * y + 6.58749161529837803e-4
    low = y + 2.56852019228982242e00
    low = low * y + 1.87295284992346725e00
    low = low * y + 5.27905102951428412e-1
    low = low * y + 6.05183413124413191e-2
    low = low * y + 2.33520497626869185e-3
    return (_ONE_OVER_ROOT_PI - y * top / low) / x


@kernel(error_model="numpy")
def log_normal_cdf(z):
    """Return log Phi(z) and its derivative, phi(z) / Phi(z)."""
    x = _ROOT_HALF * z
    if x < -_SMALL:
        scaled = _scaled_erfc(-x)
        return math.log(0.5 * scaled) - 0.5 * z * z, _ROOT_2_OVER_PI / scaled
    bell = math.exp(-0.5 * z * z)
    if x > _SMALL:
        beyond = 0.5 * bell * _scaled_erfc(x)
        if beyond < _TINY:
            return -beyond - 0.5 * beyond * beyond, _DENSITY * bell / (1 - beyond)
        return math.log1p(-beyond), _DENSITY * bell / (1 - beyond)
    chance = 0.5 + 0.5 * _erf_small(x)
    return math.log(chance), _DENSITY * bell / chance


@kernel(error_model="numpy")
def _log_sum(terms):
    top = terms.max()
    if not top > -np.inf:
        return top
    total = 0.0
    for term in terms:
        total += math.exp(term - top)
    return top + math.log(total)


@kernel(error_model="numpy")
def _logit_of(yes, no, log_weights, slope):
    # From the logs of the products, `yes`, to the logit. In `slope` what the logit gains where
    # such a log rises; `no` is room for the logs of 1 - product, weighted as `yes` is afterwards.
    for q in range(yes.size):
        chance = min(yes[q], -_LEAST)
        if chance > -math.log(2.0):
            no[q] = math.log(-math.expm1(chance)) + log_weights[q]
        else:
            no[q] = math.log1p(-math.exp(chance)) + log_weights[q]
        slope[q] = 1.0 if yes[q] < -_LEAST else 0.0
        yes[q] += log_weights[q]
    log_yes, log_no = _log_sum(yes), _log_sum(no)
    for q in range(yes.size):
        gained = slope[q] * math.exp(yes[q] - log_no)
        # Where no product is above 0 there is no telling which one counts.
        slope[q] = gained + (math.exp(yes[q] - log_yes) if log_yes > -np.inf else 0.0)
    return log_yes - log_no


@kernel(error_model="numpy")
def _judge_nodes(
    indptr, indices, share, mean, own, other, points, log_weights, logit, node_slope, rival_slope,
    low, high,
):  # fmt: skip
    # share: which part of each rival counts, empty for the whole of all. node_slope (n, 2): of mean
    # and deviation of the node itself; rival_slope (entries, 3): of mean, deviation and share of
    # each rival. Both are empty where no gradient is wanted.
    count, largest = points.size, 0
    if node_slope.shape[0]:
        for v in range(low, high):
            largest = max(largest, indptr[v + 1] - indptr[v])
    log_chances, ratios = np.empty((largest, count)), np.empty((largest, count))
    yes, no, slope = np.empty(count), np.empty(count), np.empty(count)
    for v in range(low, high):
        first = indptr[v]
        yes[:] = 0.0
        for p in range(first, indptr[v + 1]):
            u = indices[p]
            for q in range(count):
                z = (mean[v] + points[q] * own[v] - mean[u]) / other[u]
                log_chance, ratio = log_normal_cdf(z)
                if share.size:  # nothing of an infinite doubt is nothing
                    log_chance = max(log_chance, _LOWEST)
                yes[q] += share[p] * log_chance if share.size else log_chance
                if largest:
                    log_chances[p - first, q] = log_chance
                    ratios[p - first, q] = ratio
        logit[v] = _logit_of(yes, no, log_weights, slope)
        if node_slope.shape[0] == 0:
            continue
        node_slope[v, :] = 0.0
        for p in range(first, indptr[v + 1]):
            u = indices[p]
            of_mean = of_deviation = of_own = of_share = 0.0
            for q in range(count):
                z = (mean[v] + points[q] * own[v] - mean[u]) / other[u]
                gain = slope[q] * ratios[p - first, q] / other[u]
                gain *= share[p] if share.size else 1.0
                of_mean += gain
                of_deviation += gain * z
                of_own += gain * points[q]
                of_share += slope[q] * log_chances[p - first, q]
            node_slope[v, 0] += of_mean
            node_slope[v, 1] += of_own
            rival_slope[p, 0] = -of_mean
            rival_slope[p, 1] = -of_deviation
            rival_slope[p, 2] = of_share


@kernel(parallel=True, error_model="numpy")
def _judge(
    indptr, indices, share, mean, own, other, points, log_weights, logit, node_slope, rival_slope,
    start, stop,
):  # fmt: skip
    for part in prange((stop - start + JUDGED_PER_PART - 1) // JUDGED_PER_PART):
        low = start + part * JUDGED_PER_PART
        high = min(low + JUDGED_PER_PART, stop)
        _judge_nodes(
            indptr, indices, share, mean, own, other, points, log_weights, logit, node_slope,
            rival_slope, low, high,
        )  # fmt: skip


def logits_of_normal_scores(rivals, scores, rule, *, slopes):
    """Return the logit that each node has the highest score among its rivals.

    Parameters
    ----------
    rivals : tuple of int64 (n + 1,), int32 (entries,) and float64 (entries,) or (0,)
        Rows of the rivals of each node, and which part of each of them counts; (0,) for all.
    scores : tuple of float64 (n,)
        Means, deviations of a node that is judged, and deviations of a node that is a rival.
    rule : tuple of float64 (points,)
        Points of the quadrature, in deviations, and the logs of their weights.
    slopes : bool
        Whether the gradient is wanted.

    Returns
    -------
    tuple
        Logits (n,); slopes of mean and deviation of the node itself (n, 2); slopes of mean,
        deviation and part of each rival (entries, 3). The last two have no rows unless wanted.
    """
    num_nodes = rivals[0].size - 1
    logit = np.empty(num_nodes)
    node_slope = np.empty((num_nodes if slopes else 0, 2))
    rival_slope = np.empty((rivals[1].size if slopes else 0, 3))

    def visit(start, stop):
        _judge(*rivals, *scores, *rule, logit, node_slope, rival_slope, start, stop)

    in_chunks("judging balls", num_nodes, NODES_PER_CALL, visit)
    return logit, node_slope, rival_slope
