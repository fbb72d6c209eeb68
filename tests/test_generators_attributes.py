"""Random attributes: families, ties, Gaussian fields, planted maxima, hidden functions.

Draws are seeded; the limits of tests of frequencies let a right sampler fail for one seed in
10**6.
"""

import networkx as nx
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

import graphmax as gm
from graphmax import generators as gen
from graphmax.generators import attributes

FALSE_ALARM = 1e-6


def rng(seed=0):
    return np.random.default_rng(seed)


# --- independent values


@pytest.mark.parametrize("family", gen.FAMILIES)
def test_families_are_those_of_scipy(family):
    laws = {
        "normal": stats.norm(), "uniform": stats.uniform(), "exponential": stats.expon(),
        "lognormal": stats.lognorm(1.0), "cauchy": stats.cauchy(), "pareto": stats.lomax(1.5),
    }  # fmt: skip
    values = gen.independent_values(5000, family, generator=rng(1))
    assert stats.kstest(values, laws[family].cdf).pvalue > FALSE_ALARM


def test_levels_are_equally_likely():
    values = gen.tied_values(9000, 3, generator=rng(2))
    assert stats.chisquare(np.bincount(values, minlength=3)).pvalue > FALSE_ALARM


def test_shuffled_values_leave_the_expected_number_of_maxima():
    graph = gen.erdos_renyi(4000, 0.002, generator=rng(3))
    mask = gm.local_maxima(graph, gen.independent_values(4000, "cauchy", generator=rng(4)))
    share = 1 / (np.diff(graph.indptr) + 1)
    # maxima of neighbors exclude each other, so the variance is below that of independent ones
    limit = stats.norm.isf(FALSE_ALARM / 2) * np.sqrt((share * (1 - share)).sum())
    assert abs(mask.sum() - share.sum()) < limit


# --- Gaussian fields


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("kappa", [0.4, 2.0])
def test_the_covariance_of_a_field_is_the_inverse_of_its_precision(order, kappa):
    """Whitened by the precision, samples are independent standard normal numbers.

    Sums of squares of 600 samples in 12 directions are chi-squared, 600 degrees of freedom each;
    products of two directions have variance 600. Bonferroni over the 78 entries.
    """
    graph = gm.as_graph(nx.krackhardt_kite_graph()).replace()
    graph = gm.Graph.from_edges(*graph.edges(), 12, weights=np.linspace(0, 5, graph.num_edges))
    precision = gen.field_precision(graph, kappa, order).toarray()
    generator, samples = rng(5), 600
    field = np.stack(
        [gen.gaussian_field(graph, kappa, order, generator=generator) for _ in range(samples)]
    )
    white = field @ np.linalg.cholesky(precision)
    products, entries = white.T @ white, 12 * 13 // 2
    alarm = FALSE_ALARM / entries / 2
    square = np.diag(products)
    assert stats.chi2(samples).ppf(alarm) < square.min()
    assert square.max() < stats.chi2(samples).isf(alarm)
    crossed = products[np.triu_indices(12, 1)] / np.sqrt(samples)
    assert abs(crossed).max() < stats.norm.isf(alarm)


def test_precisions_are_shifted_laplacians():
    G = nx.petersen_graph()
    laplacian = nx.laplacian_matrix(G).toarray()
    once = gen.field_precision(gm.as_graph(G), 0.5).toarray()
    assert_array_equal(once, laplacian + 0.25 * np.eye(10))
    assert_allclose(gen.field_precision(gm.as_graph(G), 0.5, 2).toarray(), once @ once)
    arrows = gm.Graph.from_edges([0, 1], [1, 0], 2, directed=True)
    assert_array_equal(gen.field_precision(arrows, 1.0).toarray(), [[2, -1], [-1, 2]])


def test_smooth_fields_have_fewer_maxima():
    grid = gm.grid_graph((60, 60), 4)
    rough, smooth = (
        gm.local_maxima(grid, gen.gaussian_field(grid, 0.3, order, generator=rng(6))).sum()
        for order in (1, 2)
    )
    shuffled = (1 / (np.diff(grid.indptr) + 1)).sum()
    assert smooth < rough < shuffled


def test_fields_of_nothing_and_of_loners():
    assert gen.gaussian_field(gm.Graph.from_edges([], [], 0), 1.0, generator=rng()).shape == (0,)
    alone = gen.gaussian_field(gm.Graph.from_edges([], [], 4000), 0.5, 2, generator=rng(7))
    assert stats.kstest(alone, stats.norm(scale=4).cdf).pvalue > FALSE_ALARM


# --- planted maxima


@pytest.mark.parametrize("ties", ["strict", "weak", "plateau", "index"])
@pytest.mark.parametrize("hops", [1, 2, 4])
def test_planted_maxima_are_found_exactly_where_they_were_planted(ties, hops):
    generator = rng(hops)
    for number in range(60):
        graph = [
            lambda: gen.erdos_renyi(80, 0.02, generator=generator),
            lambda: gen.random_tree(70, generator=generator),
            lambda: gen.random_geometric(90, 0.12, generator=generator),
            lambda: gm.grid_graph((9, 11), 4),
        ][number % 4]()
        width = number % 3
        values, peaks = gen.planted_bumps(graph, width=width, hops=hops, generator=generator)
        for k in range(1, hops + 1):
            found = np.flatnonzero(gm.local_maxima(graph, values, k, ties=ties))
            assert_array_equal(found, peaks)


def test_as_many_bumps_as_were_asked_for():
    values, peaks = gen.planted_bumps(gm.grid_graph((40, 40)), 9, generator=rng())
    assert peaks.size == 9
    assert values[peaks].min() >= 1
    assert values[peaks].max() == values.max() <= 2


def test_no_nodes_and_no_bumps():
    nothing = gen.planted_bumps(gm.Graph.from_edges([], [], 0), generator=rng())
    assert (nothing.values.size, nothing.peaks.size) == (0, 0)


# --- hidden attributes


@pytest.mark.parametrize("kind", ["linear", "quadratic", "network"])
def test_a_hidden_attribute_is_a_function_of_the_features(kind):
    f = gen.HiddenAttribute.draw(kind, 5, generator=rng(8))
    same = gen.HiddenAttribute.draw(kind, 5, generator=rng(8))
    x = f.features(300, generator=rng(9))
    assert x.shape == (300, 5)
    assert_array_equal(f(x), same(x))
    order = rng(10).permutation(300)
    assert_allclose(f(x[order]), f(x)[order], rtol=1e-12)
    assert np.unique(f(x)).size == 300
    linear = np.linalg.lstsq(np.c_[x, np.ones(300)], f(x), rcond=None)[1]
    assert (linear < 1e-20) == (kind == "linear")


def test_a_quadratic_one_is_what_it_says():
    f = gen.HiddenAttribute.draw("quadratic", 3, generator=rng(11))
    x = np.array([[1.0, -2.0, 0.5]])
    expected = sum(f.linear[i] * x[0, i] for i in range(3))
    expected += sum(x[0, i] * f.matrix[i, j] * x[0, j] for i in range(3) for j in range(3))
    assert_allclose(f(x), [expected], rtol=1e-14)


# --- refusals

PATH = gm.Graph.from_edges([0, 1], [1, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: gen.independent_values(3, "gauss", generator=rng()),
            ValueError,
            "`family` must be one of 'normal', .*, got 'gauss'",
        ),
        (lambda: gen.tied_values(3, 0, generator=rng()), ValueError, "`levels` must be at least 1"),
        (lambda: gen.gaussian_field(PATH, 0, generator=rng()), ValueError, "must be above 0"),
        (lambda: gen.gaussian_field(PATH, 1, 3, generator=rng()), ValueError, "`order` must be fr"),
        (
            lambda: gen.gaussian_field(PATH, 1e-9, generator=rng()),
            ValueError,
            "`kappa` must be above 1.4e-06 on this graph for float64 to see it, got 1e-09",
        ),
        (
            lambda: gen.planted_bumps(PATH, 2, generator=rng()),
            ValueError,
            "`num_peaks` must be no more than find room, got 2 where 1 are more than 4 steps apart",
        ),
        (
            lambda: gen.planted_bumps(gm.Graph.from_edges([], [], 3), 2, generator=rng()),
            ValueError,
            "`num_peaks` must be at least the number of components, got 2 and 3",
        ),
        (lambda: gen.planted_bumps(PATH, hops=0, generator=rng()), ValueError, "`hops` must be at"),
        (
            lambda: gen.HiddenAttribute.draw("cubic", generator=rng()),
            ValueError,
            "`kind` must be one of 'linear', 'quadratic', 'network', got 'cubic'",
        ),
        (
            lambda: gen.HiddenAttribute.draw(generator=rng())(np.zeros((3, 2))),
            ValueError,
            r"`x` must have shape \(num_nodes, 8\), got \(3, 2\)",
        ),
    ],
)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("seed", [None, 3, np.random.RandomState(3)])
def test_only_a_generator_is_a_source_of_randomness(seed):
    for call in (
        lambda: gen.independent_values(3, generator=seed),
        lambda: gen.gaussian_field(PATH, 1.0, generator=seed),
        lambda: gen.planted_bumps(PATH, generator=seed),
        lambda: gen.HiddenAttribute.draw(generator=seed),
    ):
        with pytest.raises(TypeError, match=r"`generator` must be a numpy.random.Generator"):
            call()


def test_a_field_that_does_not_converge_is_refused(monkeypatch):
    monkeypatch.setattr(attributes, "MOST_ITERATIONS", 2)
    with pytest.raises(RuntimeError, match=r"`kappa` must leave a system .* in 2 iterations"):
        gen.gaussian_field(gm.grid_graph((20, 20)), 0.01, generator=rng())
