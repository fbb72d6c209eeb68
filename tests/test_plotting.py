import networkx as nx
import numpy as np
import pytest
from matplotlib.figure import Figure

from graphmax.graph import Graph
from graphmax.layout import coordinates, spring_layout
from graphmax.plotting import plot_maxima

PATH = Graph.from_edges([0, 1, 2], [1, 2, 3], labels=["a", "b", "c", "d"])
HEIGHTS = np.array([1, 3, 2, 2])
MASK = np.array([False, True, False, False])


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_a_small_graph_shows_every_value_and_names_its_maxima():
    figure = plot_maxima(PATH, HEIGHTS, MASK, title="heights")
    assert texts(figure) == ["1", "3", "2", "2", "b"]
    assert figure.axes[0].get_title() == "heights"
    assert [len(marks.get_offsets()) for marks in figure.axes[0].collections[1:]] == [3, 1]


def test_a_large_graph_shows_no_values():
    graph = Graph.from_edges(range(40), range(1, 41), labels=[f"n{i}" for i in range(41)])
    mask = np.arange(41) == 40
    assert texts(plot_maxima(graph, np.arange(41), mask)) == ["n40"]


@pytest.mark.parametrize(
    ("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")]
)
def test_the_ending_names_the_format(tmp_path, suffix, magic):
    path = tmp_path / f"picture.{suffix}"
    plot_maxima(PATH, HEIGHTS, MASK, path=path)
    assert path.read_bytes().startswith(magic)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_picture_that_fails_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")

    def fail(figure, file, **options):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(OSError, match="No space left"):
        plot_maxima(PATH, HEIGHTS, MASK, path=path)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_same_picture_twice(tmp_path):
    graph = nx.gnp_random_graph(350, 0.02, seed=3)
    for name in ("one.png", "two.png"):
        plot_maxima(graph, np.arange(350), np.arange(350) == 349, path=tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_names_cover_neither_each_other_nor_a_maximum():
    labels = [f"a long name {i}" for i in range(60)]
    graph = Graph.from_edges(range(59), range(1, 60), labels=labels)
    figure = plot_maxima(graph, np.arange(60), np.ones(60, bool))
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert 1 < len(boxes) <= 60
    pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
    assert not any(a.overlaps(b) for a, b in pairs)
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 for box in boxes)


def test_nodes_without_a_value_are_white():
    figure = plot_maxima(PATH, np.array([1, 3, np.nan, 2]), MASK)
    colors = figure.axes[0].collections[1].get_facecolor()
    np.testing.assert_array_equal(colors[1], [1, 1, 1, 1])
    masked = np.ma.MaskedArray([1, 3, 7, 2], mask=[0, 0, 1, 0])
    assert texts(plot_maxima(PATH, masked, MASK)) == ["1", "3", "", "2", "b"]


def test_arrows_of_a_small_directed_graph():
    graph = Graph.from_edges([0, 2], [1, 1], directed=True)
    figure = plot_maxima(graph, [1, 3, 2], [False, True, False])
    arrows = [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None)]
    assert len(arrows) == 2


def test_axes_of_the_caller_get_no_legend():
    figure = Figure()
    axes = figure.add_subplot()
    assert plot_maxima(PATH, HEIGHTS, MASK, axes=axes) is figure
    assert figure.legends == []
    assert len(plot_maxima(PATH, HEIGHTS, MASK).legends) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_graphs_without_edges(count):
    graph = Graph.from_edges([], [], count)
    figure = plot_maxima(graph, np.arange(count), np.ones(count, bool))
    figure.canvas.draw()
    assert texts(figure) == [str(value) for value in range(count) if count <= 30]


def test_other_libraries_and_a_value_for_every_node():
    graph = nx.Graph([("a", "b"), ("b", "c")])
    figure = plot_maxima(graph, {"a": 1, "b": 3, "c": 2}, [False, True, False])
    assert texts(figure) == ["1", "3", "2", "b"]


@pytest.mark.parametrize("names", [("x", "y"), ("lon", "lat")])
def test_coordinates_are_taken_from_attributes(names):
    graph = PATH.replace(attributes={names[0]: [0, 1, 2, 3], names[1]: [5.5, 6, 7, 8]})
    np.testing.assert_array_equal(coordinates(graph), [[0, 5.5], [1, 6], [2, 7], [3, 8]])


def test_coordinates_are_taken_from_pos():
    places = np.arange(8).reshape(4, 2)
    np.testing.assert_array_equal(coordinates(PATH.replace(attributes={"pos": places})), places)
    assert coordinates(PATH.replace(attributes={"pos": HEIGHTS, "x": HEIGHTS})) is None


def test_components_do_not_lie_on_each_other():
    graph = Graph.from_edges([0, 1, 2, 4, 5, 7], [1, 2, 0, 5, 6, 8], 11)
    xy = spring_layout(graph, 0)
    distance = np.linalg.norm(xy[:, None] - xy, axis=2)
    assert (distance[~np.eye(11, dtype=bool)] > 0.3).all()


REFUSALS = [
    ({"path": "picture.xyz"}, r"`path` must end in one of \.png, \.pdf, \.svg, got 'picture.xyz'"),
    ({"values": [1, 2]}, r"`values` must have one entry per node \(4\), got 2"),
    ({"values": np.zeros((4, 2))}, r"`values` must have shape \(4,\), got \(4, 2\)"),
    ({"mask": [True]}, r"`mask` must have shape \(4,\), got \(1,\)"),
    ({"positions": [1, 2]}, r"`positions` must have shape \(4, 2\), got \(2,\)"),
    ({"values": "hight"}, r"'hight'.*'height'"),
]


@pytest.mark.parametrize(("wrong", "message"), REFUSALS)
def test_refusals(wrong, message):
    graph = PATH.replace(attributes={"height": HEIGHTS})
    arguments = {"values": HEIGHTS, "mask": MASK, **wrong}
    with pytest.raises(ValueError, match=message):
        plot_maxima(graph, **arguments)


def test_a_large_graph_needs_positions():
    graph = nx.empty_graph(2001)
    mask = np.zeros(2001, bool)
    with pytest.raises(
        ValueError, match=r"at most 2000 nodes .*; give the node attributes x and y"
    ):
        plot_maxima(graph, mask, mask)
    places = np.random.default_rng(0).random((2001, 2))
    assert plot_maxima(graph, mask, mask, positions=places).axes
