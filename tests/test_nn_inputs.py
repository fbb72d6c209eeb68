"""What a detector is given: graphs of any library, keyed values; and what it warns of."""

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.data import Data

import graphmax as gm
from graphmax.nn import CenteredWindowCNN, PeakDetector, hop_max

PATH = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
WORDS = nx.relabel_nodes(nx.path_graph(4), dict(enumerate("abcd")))
HEIGHTS = {"d": 2.5, "c": 2.0, "b": 3.0, "a": 1.0}
ANSWER = [False, True, False, True]


def test_values_by_key_as_local_maxima_takes_them():
    detector = PeakDetector()
    assert detector.predict((WORDS, HEIGHTS)).tolist() == ANSWER
    assert gm.local_maxima(WORDS, HEIGHTS).tolist() == ANSWER
    pandas = pytest.importorskip("pandas")
    series = pandas.Series(HEIGHTS)
    found = detector.predict((WORDS, series))
    assert isinstance(found, pandas.Series)
    assert found["b"]
    assert not found["a"]
    assert detector.explain((WORDS, HEIGHTS), 0).rival == 1


def test_features_of_a_frame_give_a_series():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"h": [2.0, 3.0, 1.0, 2.5]}, index=list("cbad"))
    found = PeakDetector().predict((WORDS, frame))
    assert found.to_dict() == {"c": False, "b": True, "a": False, "d": True}
    pair = pandas.DataFrame({"a": [1, 2, 3, 4], "b": [1.5, 2, 3, 5]}, index=list("abcd"))
    with pytest.raises(ValueError, match="`x` must be exact in float64"):
        PeakDetector(2).predict((WORDS, pair.assign(a=2**60)))
    detector = PeakDetector(2)
    detector.trained.fill_(True)
    found = detector.score_nodes((WORDS, pair))
    expected = detector.score_nodes((WORDS, pair.to_numpy()))
    assert found.to_dict() == dict(zip("abcd", expected, strict=True))


def test_a_graph_that_carries_its_features():
    graph = WORDS.copy()
    nx.set_node_attributes(graph, HEIGHTS, "x")
    assert PeakDetector().predict(graph).tolist() == ANSWER
    matrix = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], attributes={"x": np.ones((4, 3))})
    data = Data(x=torch.ones(4, 3, dtype=torch.float64), edge_index=PATH)
    detector = PeakDetector(3)
    detector.trained.fill_(True)
    np.testing.assert_array_equal(detector.score_nodes(matrix), detector.score_nodes(data))
    named = PeakDetector(2)
    named.trained.fill_(True)
    named.columns = ("a", "b")
    attributes = {"a": np.arange(4), "b": np.arange(4.0)}
    graph = gm.Graph.from_edges([0, 1, 2], [1, 2, 3], attributes=attributes)
    pair = np.column_stack([np.arange(4.0)] * 2)
    np.testing.assert_array_equal(named.score_nodes(graph), named.score_nodes((graph, pair)))


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (WORDS, ValueError, "must name a node attribute, got 'x'"),
        ((WORDS, {"a": 1.0}), ValueError, "must be there for every node, got 3 without"),
        ((WORDS, {"z": 1.0}), ValueError, "`x` must"),
        (Data(edge_index=PATH), ValueError, "must have features x"),
        (Data(x=torch.zeros(4)), ValueError, "must have an edge_index"),
        ([1, 2], TypeError, "`data` must be PyG Data, a graph with features"),
        (3.0, TypeError, "`data` must be PyG Data"),
    ],
)
def test_what_is_refused(data, error, words):
    with pytest.raises(error, match=words):
        PeakDetector().predict(data)


def test_untrained_weights_are_told():
    data = Data(x=torch.randn(4, 3), edge_index=PATH)
    for detector, given in (
        (PeakDetector(3), data),
        (PeakDetector(hops="learn"), (PATH, data.x[:, 0])),
        (PeakDetector(head="choice"), (PATH, data.x[:, 0])),
    ):
        with pytest.warns(UserWarning, match="the detector is untrained"):
            detector.predict(given)
    PeakDetector(hops=2).predict((PATH, data.x[:, 0]))  # exact without training
    own_loop = PeakDetector(3)
    with torch.no_grad():
        own_loop.head.log_scale.add_(0.1)
    own_loop.predict(data)


@pytest.mark.parametrize("change", [lambda y: 10 * y, lambda y: y + 50, lambda y: y / 10])
def test_a_noisy_attribute_far_from_what_the_filter_knows(change):
    graph = gm.grid_graph((30, 30))
    y = np.sqrt(2) * np.random.default_rng(0).normal(size=900)
    detector = PeakDetector.from_pretrained("noisy-1")
    expected = detector.predict_proba((graph, y))
    with pytest.warns(UserWarning, match=r"`x` has median .* call detector.score.adapt\(x\)"):
        detector.predict_proba((graph, change(y)))
    detector.score.adapt(torch.from_numpy(change(y)))
    found = detector.predict_proba((graph, change(y)))
    assert np.abs(found - expected).max() < 0.1


@pytest.mark.parametrize("nodes", [1, 3, 10, 60])
def test_few_values_far_from_what_the_filter_knows(nodes):
    graph = gm.as_graph(nx.path_graph(nodes))
    y = np.sqrt(2) * np.random.default_rng(nodes).normal(size=nodes)
    detector = PeakDetector.from_pretrained("noisy-1")
    detector.predict_proba((graph, y))
    with pytest.warns(UserWarning, match="`x` has median"):
        detector.predict_proba((graph, 1000 + 30 * y))


def test_hops_beyond_the_graph_end():
    x = torch.tensor([1.0, 3.0, 2.0, 2.5])
    assert PeakDetector(hops=10**12).predict((PATH, x)).tolist() == [False, True, False, False]
    assert PeakDetector(hops=10**12)(x, PATH).shape == (4,)
    assert hop_max(x, PATH, 3).owner[-1].tolist() == [1, 3, 1, 1]


def test_the_network_of_windows_at_one_output():
    network = CenteredWindowCNN("same", channels=(6, 5))
    image = torch.rand(3, 1, 4, 5)
    with torch.no_grad():
        whole = network.centered_logits(image)
        for row, column in ((0, 0), (1, 2), (3, 4), (2, 4)):
            one = network.centered_logits(image, (row, column))
            torch.testing.assert_close(one, whole[:, row, column])
    with pytest.raises(ValueError, match="or two for the form 'same'"):
        CenteredWindowCNN("unpadded", channels=(6, 5))
