"""The record of peaks: reading it, cutting it, writing it."""

import csv
import json
from dataclasses import FrozenInstanceError

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import examples

import graphmax as gm

VALUES = np.array([1, 9, 4, 6, 5, 7])
COLUMNS = [
    "node", "label", "value", "isolation", "nearest_higher", "prominence", "key_saddle",
    "key_saddle_value", "parent", "basin_size", "plateau_size",
]  # fmt: skip


@pytest.fixture
def peaks():
    graph = gm.Graph.from_edges(range(5), range(1, 6), labels=list("abcdef"))
    return gm.find_peaks(graph, VALUES)


def test_rows_are_read_one_by_one(peaks):
    assert len(peaks) == 3
    first, *rest = peaks
    assert first.label == "b"
    assert first._fields == (*COLUMNS, "group")
    assert first.group is None
    assert [row.node for row in rest] == [5, 3]
    assert peaks[1] == rest[0]
    assert peaks[-1] == rest[-1]
    assert type(peaks[0].value) is int


def test_a_bool_mask_keeps_rows(peaks):
    kept = peaks[peaks.prominence >= 3]
    assert isinstance(kept, gm.Peaks)
    assert_array_equal(kept.nodes, [1, 5])
    assert_array_equal(kept.basins, [1, 1, 1, 5, 5, 5])
    assert_array_equal(kept.mask, [False, True, False, False, False, True])
    last = peaks[np.array([False, False, True])]
    assert_array_equal(last.parent, [-1])
    assert_array_equal(last.basins, [-1, -1, -1, 3, -1, -1])


def test_rows_come_in_the_order_asked_for(peaks):
    assert_array_equal(peaks[:2].nodes, [1, 5])
    assert_array_equal(peaks[:2].basin_size, [3, 3])
    assert_array_equal(peaks[::-1].nodes, [3, 5, 1])
    assert_array_equal(peaks[::-1].parent, [5, 1, -1])
    assert_array_equal(peaks[[2, 0]].nodes, [3, 1])
    assert_array_equal(peaks[np.array([2, 0], np.uint8)].basin_size, [1, 5])
    assert_array_equal(peaks[[-1]].basins, [-1, -1, -1, 3, -1, -1])
    assert_array_equal(peaks[np.argsort(peaks.prominence)].prominence, [1, 3, 8])
    assert_array_equal(peaks[::-1][[2, 0]].nodes, [1, 3])
    assert_array_equal(peaks[::-1][:2].basins, [-1, -1, -1, 3, 5, 5])
    assert repr(peaks[::-1]).splitlines()[0] == "Peaks(3 of 6 nodes)"
    assert len(peaks[[]]) == 0


@pytest.mark.parametrize("rows", ["a", [True], np.ones((3, 1), bool), 1.0, None, True, [[0]]])
def test_other_rows_are_refused(peaks, rows):
    message = r"must be given a row, a slice, a bool mask \(3,\) or an integer array"
    with pytest.raises(TypeError, match=message):
        peaks[rows]


def test_a_row_twice_is_refused(peaks):
    with pytest.raises(ValueError, match="each row once"):
        peaks[[0, -3]]


def test_a_row_that_is_not_there(peaks):
    for row in (3, -4):
        for asked in (row, [row]):
            with pytest.raises(IndexError, match=f"a row below 3, got {row}"):
                peaks[asked]


def test_nothing_can_be_written_into_it(peaks):
    with pytest.raises(FrozenInstanceError):
        peaks.value = peaks.isolation
    for name in (*COLUMNS, "nodes", "mask", "basins"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(peaks, name)[0] = getattr(peaks, name)[0]


def test_persistence_is_birth_and_death_with_their_nodes(peaks):
    pairs = peaks.persistence
    assert_array_equal(pairs.birth, [9, 7, 6])
    assert_array_equal(pairs.death, [1, 4, 5])
    assert_array_equal(pairs.birth_node, [1, 5, 3])
    assert_array_equal(pairs.death_node, [0, 2, 4])
    assert_array_equal(pairs.birth - pairs.death, peaks.prominence)
    assert_array_equal(VALUES[pairs.death_node], pairs.death)


def test_columns(peaks):
    columns = peaks.to_dict()
    assert list(columns) == COLUMNS
    frame = peaks.to_pandas()
    assert list(frame.columns) == COLUMNS
    for name in COLUMNS:
        assert_array_equal(frame[name].to_numpy(), columns[name])
    by_id = peaks.to_pandas(ids_as_index=True)
    assert by_id.loc["f", "value"] == 7
    assert list(by_id.columns) == [name for name in COLUMNS if name != "label"]


def test_the_value_of_the_key_saddle_and_the_prominence_add_up(peaks):
    assert_array_equal(peaks.key_saddle_value, [1, 4, 5])
    assert_array_equal(peaks.value - peaks.key_saddle_value, peaks.prominence)


# --- places


IMAGE = np.array([[9, 1, 1, 7, 7], [1, 1, 1, 7, 7], [1, 1, 1, 1, 1], [1, 5, 1, 1, 1]])


def test_pixels_have_a_row_and_a_column():
    peaks = gm.find_peaks(gm.grid_graph(IMAGE.shape), IMAGE.ravel())
    assert peaks.coordinates.dtype == np.int64
    assert_array_equal(peaks.coordinates, [[0, 0], [0, 3], [3, 1]])
    assert list(peaks.to_dict())[:5] == ["node", "label", "row", "column", "value"]
    assert_array_equal(peaks.to_dict()["column"], [0, 3, 1])
    wide = peaks.labelled(coordinates=True)
    assert_array_equal(wide["nearest_higher_row"].filled(-1), [-1, 0, 1])
    assert {"key_saddle_row", "parent_column"} < set(wide)
    line = gm.find_peaks(gm.grid_graph(5), [1, 5, 2, 3, 0])
    assert_array_equal(line.to_dict()["axis_0"], [1, 3])
    assert list(line[[]].to_dict())[2] == "axis_0"


def test_points_have_their_positions():
    graph = gm.Graph.from_edges([0, 1], [1, 2]).replace(positions=[[0, 1], [2, 3], [4, 5.5]])
    peaks = gm.find_peaks(graph, [1, 0, 2])
    assert_array_equal(peaks.coordinates, [[4, 5.5], [0, 1]])
    assert_array_equal(peaks.to_dict()["y"], [5.5, 1])
    assert gm.find_peaks(gm.Graph.from_edges([0], [1]), [1, 0]).coordinates is None


@pytest.mark.parametrize(
    ("dimension", "names"),
    [(2, ["x", "y"]), (3, ["x", "y", "z"]), (4, ["axis_0", "axis_1", "axis_2", "axis_3"])],
)
def test_axes_of_points_have_their_names(dimension, names):
    places = np.arange(3 * dimension).reshape(3, dimension)
    graph = gm.Graph.from_edges([0, 1], [1, 2]).replace(positions=places)
    columns = gm.find_peaks(graph, [1, 0, 2]).to_dict()
    assert list(columns)[2 : 2 + dimension] == names


def test_members_and_centers_of_plateaus():
    peaks = gm.find_peaks(gm.grid_graph(IMAGE.shape), IMAGE.ravel())
    assert_array_equal(peaks.members(1), [3, 4, 8, 9])
    assert_array_equal(peaks.members(-1), [16])
    assert [peaks.center(row) for row in range(3)] == [0, 3, 16]
    line = gm.find_peaks(gm.grid_graph(9), [0, 2, 2, 2, 2, 2, 1, 0, 1])
    assert line.center(0) == 3
    even = gm.find_peaks(gm.grid_graph(6), [0, 2, 2, 2, 2, 1])
    assert even.center(0) == 2
    with pytest.raises(IndexError, match="a row below 3, got 3"):
        peaks.members(3)


@pytest.mark.parametrize("seed", range(8))
def test_the_center_has_the_smallest_largest_distance(seed):
    generator = np.random.default_rng(seed)
    pixels = gm.grid_graph((12, 12), 4)
    values = generator.integers(0, 2, 144)
    peaks = gm.find_peaks(pixels, values)
    for row in range(0, len(peaks), 5):
        members = peaks.members(row)
        inside = nx.Graph(nx.grid_2d_graph(12, 12))
        inside = nx.convert_node_labels_to_integers(inside, ordering="sorted").subgraph(members)
        farthest = nx.eccentricity(inside)
        assert peaks.center(row) == min(members, key=lambda v: (farthest[v], v))


def test_the_center_of_a_wide_plateau_is_farthest_from_its_rim(monkeypatch):
    from graphmax.peaks import table

    image = np.ones((9, 9), int)
    image[0], image[:, 0] = 0, 0
    peaks = gm.find_peaks(gm.grid_graph(image.shape, 4), image.ravel())
    monkeypatch.setattr(table, "MOST_MEMBERS_SEARCHED", 3)
    assert peaks.center(0) == 80
    flat = gm.find_peaks(gm.grid_graph((3, 3)), np.ones(9))
    assert flat.center(0) == 0


def test_beside_a_border_or_a_masked_pixel():
    image = np.ma.MaskedArray(IMAGE, IMAGE == -1)
    peaks = gm.find_peaks(gm.grid_graph(IMAGE.shape, 4), image.ravel())
    border = np.zeros(IMAGE.shape, bool)
    border[:, -1] = True
    assert_array_equal(peaks.touches(border), [False, True, False])
    corner = np.zeros(IMAGE.shape, bool)
    corner[2, 1] = True
    assert_array_equal(peaks.touches(corner.ravel()), [False, False, True])
    assert not peaks.touches(np.zeros(20, bool)).any()
    hole = IMAGE.astype(float)
    hole[1, 0] = np.nan
    masked = gm.find_peaks(gm.grid_graph(IMAGE.shape, 4), hole.ravel())
    assert_array_equal(masked.touches(np.isnan(hole)), [True, False, False])
    with pytest.raises(ValueError, match="`mask` must have one entry per node"):
        peaks.touches(np.zeros(3, bool))
    with pytest.raises(TypeError, match="`mask` must be bool, got dtype float64"):
        peaks.touches(np.zeros(20))


@settings(max_examples=examples(80))
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.sampled_from([4, 8]))
def test_plateaus_by_search_over_the_definition(seed, levels, connectivity):
    generator = np.random.default_rng(seed)
    sides = generator.integers(1, 7, 2)
    graph = gm.grid_graph(sides, connectivity)
    values = generator.integers(0, levels, graph.num_nodes)
    mask = generator.random(graph.num_nodes) < 0.2
    network = nx.Graph()
    network.add_nodes_from(range(graph.num_nodes))
    network.add_edges_from(graph.edges().T.tolist())
    peaks = gm.find_peaks(graph, values)
    for row, node in enumerate(peaks.nodes.tolist()):
        equal = network.subgraph(np.flatnonzero(values == values[node]).tolist())
        members = sorted(nx.node_connected_component(equal, node))
        assert peaks.members(row).tolist() == members
        farthest = nx.eccentricity(network.subgraph(members))
        assert peaks.center(row) == min(members, key=lambda v: (farthest[v], v))
        beside = {*members, *(u for v in members for u in network[v])}
        assert peaks.touches(mask)[row] == any(mask[v] for v in beside)
        assert peaks.plateau_size[row] == len(members)
    basin = peaks.basins
    expected = [basin[u] != basin[v] and min(basin[u], basin[v]) >= 0 for u, v in graph.edges().T]
    assert_array_equal(peaks.boundary(), expected)


def test_boundary_edges_join_two_basins(peaks):
    assert_array_equal(peaks.boundary(), [False, False, True, True, False])
    assert_array_equal(peaks[:1].boundary(), [False] * 5)
    apart = gm.find_peaks(gm.Graph.from_edges([0], [1], 3), [1, 2, 5], num_peaks=1)
    assert_array_equal(apart.boundary(), [False])
    first = gm.find_peaks(gm.Graph.from_edges([0, 1], [1, 2]), [3, 1, 2])
    assert_array_equal(first.basins, [0, 0, 2])
    assert_array_equal(first.boundary(), [False, True])


# --- maps


def on_a_map(positions):
    graph = gm.Graph.from_edges([0, 1], [1, 2], labels=["a", "b", "c"])
    return gm.find_peaks(graph.replace(positions=positions), [1.5, 0, 2])


def test_geojson_has_a_point_per_peak(tmp_path):
    peaks = on_a_map([[7.6, 45.9], [8, 46], [-70.0, -32.6]])
    collection = peaks.to_geojson()
    assert collection["type"] == "FeatureCollection"
    first, second = collection["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [-70.0, -32.6]}
    assert first["properties"]["label"] == "c"
    assert first["properties"]["isolation"] is None
    assert second["properties"]["parent"] == "c"
    assert second["properties"]["key_saddle"] == "b"
    ends = on_a_map([[-180, 90], [0, 0], [180, -90]]).to_geojson()["features"]
    assert [end["geometry"]["coordinates"] for end in ends] == [[180, -90], [-180, 90]]
    peaks.write(tmp_path / "peaks.geojson")
    assert json.loads((tmp_path / "peaks.geojson").read_text(encoding="utf-8")) == collection


def test_geojson_of_other_coordinates_is_refused():
    with pytest.raises(ValueError, match=r"longitude and latitude in degrees .*\(500000, 46\)"):
        on_a_map([[7.6, 45.9], [8, 46], [500_000, 46]]).to_geojson()
    for west, north in ((180.5, 0), (-180.5, 0), (0, 90.5), (0, -90.5)):
        with pytest.raises(ValueError, match="longitude and latitude in degrees"):
            on_a_map([[7.6, 45.9], [8, 46], [west, north]]).to_geojson()
    with pytest.raises(ValueError, match=r"`graph` must have positions \(longitude, latitude\)"):
        gm.find_peaks(gm.grid_graph((2, 2)), [1, 2, 3, 4]).to_geojson()


def test_it_can_be_read_by_eye(peaks):
    lines = repr(peaks).splitlines()
    assert lines[0] == "Peaks(3 of 6 nodes, highest first)"
    assert lines[1].split() == COLUMNS
    assert lines[2].split() == ["1", "b", "9", "inf", "-1", "8", "-1", "1", "-1", "3", "1"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_ten_rows_are_shown_whole():
    def lines(count):
        return repr(gm.find_peaks(gm.Graph.from_edges([], [], count), range(count))).splitlines()

    assert not any("..." in line for line in lines(10))
    assert any("..." in line for line in lines(11))


def test_a_long_table_is_cut():
    peaks = gm.find_peaks(gm.Graph.from_edges([], [], 40), np.arange(40))
    lines = repr(peaks).splitlines()
    assert len(lines) == 13
    assert set(lines[-1].split()) == {"..."}
    assert peaks._repr_html_().count("<tr>") == 12


def test_the_table_of_a_notebook_escapes_labels():
    graph = gm.Graph.from_edges([0], [1], labels=["<b>", "&"])
    html = gm.find_peaks(graph, [2, 1])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_files_speak_of_the_users_ids(peaks, tmp_path):
    peaks.write(tmp_path / "peaks.csv")
    with (tmp_path / "peaks.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == COLUMNS
    assert [row["label"] for row in rows] == ["b", "f", "d"]
    assert [row["parent"] for row in rows] == ["", "b", "f"]
    assert [row["key_saddle"] for row in rows] == ["", "c", "e"]
    peaks.write(tmp_path / "peaks.json")
    assert "f" in json.dumps(json.loads((tmp_path / "peaks.json").read_text(encoding="utf-8")))
    empty = gm.find_peaks(gm.Graph.from_edges([0], [1]), [1, 1], ties="strict")
    empty.write(tmp_path / "none.csv")
    assert (tmp_path / "none.csv").read_text(encoding="utf-8").startswith("node,label,value")


def test_a_file_is_refused(peaks, tmp_path):
    with pytest.raises(ValueError, match=r"`path` must end in"):
        peaks.write(tmp_path / "peaks.xlsx")
    with pytest.raises(FileNotFoundError, match="existing folder"):
        peaks.write(tmp_path / "none" / "peaks.csv")
