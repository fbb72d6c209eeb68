"""Prominence against GUDHI, Higra and SciPy, which know nothing of each other."""

import networkx as nx
import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_array_equal

import graphmax as gm


def random_mountains(count, connected):
    """Graphs of up to 60 nodes; values distinct, or of few levels so that ties are the rule."""
    generator = np.random.default_rng(7)
    for trial in range(count):
        size = int(generator.integers(2, 61))
        ends = generator.integers(0, size, (2, int(generator.integers(1, 3 * size))))
        if connected:
            tree = np.array(nx.random_labeled_tree(size, seed=trial).edges()).T
            ends = np.concatenate([ends, tree], axis=1)
        levels = (3, 8, 1000)[trial % 3]
        values = generator.integers(0, levels, size).astype(float)
        yield gm.Graph.from_edges(*ends, size), values


def test_gudhi_has_the_same_finite_pairs():
    gudhi = pytest.importorskip("gudhi")
    for graph, values in random_mountains(300, connected=False):
        flag = gudhi.SimplexTree()
        for v, value in enumerate(values):
            flag.insert([v], -value)
        for u, v in graph.edges().T.tolist():
            flag.insert([u, v], -min(values[u], values[v]))
        flag.compute_persistence(homology_coeff_field=2, persistence_dim_max=True)
        pairs = flag.persistence_intervals_in_dimension(0)
        finite = -pairs[np.isfinite(pairs[:, 1])]
        peaks = gm.find_peaks(graph, values)
        met = peaks.key_saddle >= 0
        found = np.stack([peaks.persistence.birth, peaks.persistence.death], axis=1)[met]
        assert_array_equal(found[np.lexsort(found.T)], finite[np.lexsort(finite.T)].reshape(-1, 2))
        assert np.isinf(pairs[:, 1]).sum() == (~met).sum()


def test_higra_has_the_same_dynamics():
    higra = pytest.importorskip("higra")
    for graph, values in random_mountains(300, connected=True):
        theirs = higra.UndirectedGraph(graph.num_nodes)
        theirs.add_edges(*graph.edges())
        tree, altitudes = higra.component_tree_max_tree(theirs, values)
        dynamics = higra.attribute_dynamics(tree, altitudes)
        peaks = gm.find_peaks(graph, values)
        # of equal twins theirs is another: compared as multisets
        assert_array_equal(np.sort(dynamics[peaks.nodes]), np.sort(peaks.prominence))


def test_scipy_has_the_same_prominences_between_two_walls():
    """On a path of distinct values; SciPy stops at the ends, which are walls here."""
    generator = np.random.default_rng(3)
    for size in range(3, 60):
        values = np.concatenate([[size], generator.permutation(size), [size + 1]]).astype(float)
        peaks, _ = scipy.signal.find_peaks(values)
        path = gm.Graph.from_edges(range(size + 1), range(1, size + 2))
        found = gm.find_peaks(path, values)
        inner = np.isin(found.nodes, peaks)
        assert_array_equal(np.sort(found.nodes[inner]), peaks)
        order = np.argsort(found.nodes[inner])
        expected = scipy.signal.peak_prominences(values, peaks)[0]
        assert_array_equal(found.prominence[inner][order], expected)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_scikit_image_has_the_same_peaks_of_an_image(connectivity):
    morphology = pytest.importorskip("skimage.morphology")
    image = np.random.default_rng(1).integers(0, 6, (40, 50))
    peaks = gm.find_peaks(gm.grid_graph(image.shape, connectivity), image.ravel())
    theirs = morphology.local_maxima(image, connectivity=connectivity // 4)
    assert_array_equal(peaks.mask.reshape(image.shape), theirs)
