"""GEXF, GML, Pajek, JSON, METIS, .pt, meshes, images, folders: what is particular to each."""

import gzip
import itertools
import json

import numpy as np
import pytest
import trimesh
from PIL import Image
from same_graph import assert_same_graph
from test_files_round_trips import LABELS, rich_graph

from graphmax import GraphFileError, grid_graph, read_graph, write_graph
from graphmax.files import read_graphs


@pytest.fixture
def file(tmp_path):
    def write(content, name):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("directed", [False, True])
def test_json_gives_everything_back(tmp_path, labels, directed):
    graph = rich_graph(labels, directed)
    write_graph(graph, tmp_path / "g.json")
    json.loads((tmp_path / "g.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert_same_graph(read_graph(tmp_path / "g.json"), graph)


class TestGml:
    """Labels that repeat or are missing, infinities, repeated edges, text."""

    def test_labels_name_nodes_where_each_has_its_own(self, file):
        nodes = 'node [ id 7 label "a" ] node [ id 5 label "b" ]'
        assert read_graph(file(f"graph [ {nodes} ]", "g.gml")).labels.tolist() == ["a", "b"]

    @pytest.mark.parametrize("second", ['label "a"', ""])
    def test_else_ids_do(self, file, second):
        nodes = f'node [ id 7 label "a" ] node [ id 5 {second} ]'
        graph = read_graph(file(f"graph [ {nodes} ]", "g.gml"))
        assert graph.labels.tolist() == [7, 5]
        assert graph.attributes["label"].tolist() == ["a", "a" if second else None]

    def test_numbers(self, file):
        values = [2**62 + 1, "Inf", "-inf", "NaN", "1.5E3", ".5"]
        nodes = "".join(f"node [ id {i} x {value} ]" for i, value in enumerate(values))
        column = read_graph(file(f"graph [ {nodes} ]", "g.gml")).attributes["x"]
        assert column[1:].tolist()[:2] == [np.inf, -np.inf]
        assert column[0] == 2**62 + 1

    def test_text_and_comments(self, file):
        text = '# by hand\nCreator "me"\ngraph [ comment "x [ y" directed 1 node [ id 1 name "é&#233;" ] ]'
        graph = read_graph(file(text, "g.gml"))
        assert graph.directed
        assert graph.attributes["name"].tolist() == ["éé"]

    def test_repeated_edges_are_counted(self, file):
        edges = "edge [ source 1 target 2 ] " * 3
        graph = read_graph(file(f"graph [ node [ id 1 ] node [ id 2 ] {edges} ]", "g.gml"))
        assert graph.dropped == (0, 2)

    def test_places_in_blocks_count_others_do_not(self, file):
        text = "graph [ node [ id 1 graphics [ x 1 y 2 w 9 ] other [ h 3 ] ] ]"
        attributes = read_graph(file(text, "g.gml")).attributes
        assert {name: column.tolist() for name, column in attributes.items()} == {
            "x": [1],
            "y": [2],
        }

    def test_lists_are_left_out_and_said(self, file):
        graph = read_graph(file("graph [ node [ id 1 x 1 x 2 h 3 ] ]", "g.gml"))
        assert list(graph.attributes) == ["h"]
        assert "left out, for they are lists: x" in str(graph.source)

    @pytest.mark.parametrize(
        ("flag", "directed"), [("0", False), ('"0"', False), ("1", True), ('"1"', True)]
    )
    def test_direction(self, file, flag, directed):
        assert read_graph(file(f"graph [ directed {flag} ]", "g.gml")).directed == directed


class TestPajek:
    """Arcs, edges, both, and lists."""

    @pytest.mark.parametrize(
        ("sections", "directed", "edges"),
        [
            ("*Edges\n1 2\n2 3\n", False, [[0, 1], [1, 2]]),
            ("*Arcs\n2 1\n2 3\n", True, [[1, 1], [0, 2]]),
            ("*Arcs\n2 1\n*Edges\n2 3\n", True, [[1, 1, 2], [0, 2, 1]]),
            ("*Edges\n2 3\n*Arcs\n2 1\n", True, [[1, 1, 2], [0, 2, 1]]),
            ("*Arcslist\n1 2 3\n", True, [[0, 0], [1, 2]]),
            ("*Edgeslist\n1 2 3\n", False, [[0, 0], [1, 2]]),
        ],
    )
    def test_sections(self, file, sections, directed, edges):
        graph = read_graph(file("*Vertices 3\n" + sections, "g.net"))
        assert graph.directed == directed
        np.testing.assert_array_equal(graph.edges(), edges)
        assert graph.labels.tolist() == [1, 2, 3]
        assert graph.weights is None

    def test_several_relations(self, file):
        text = '*Vertices 3\n*Arcs :1 "likes"\n1 2\n% a remark\n*arcs :2 "hates"\n\n2 3\n'
        with pytest.raises(
            GraphFileError, match=r"one relation, got 2: 'likes', 'hates' .*--relation"
        ):
            read_graph(file(text, "g.net"))
        for relation in ("hates", 2, "2"):
            assert read_graph(file(text, "g.net"), relation=relation).edges().T.tolist() == [[1, 2]]
        with pytest.raises(GraphFileError, match="must hold the relation 'loves', got 2"):
            read_graph(file(text, "g.net"), relation="loves")

    def test_two_modes_titles_and_bare_labels(self, file):
        text = (
            "A title\n# remark\n*Vertices 3 2\n1 New York 0.1 0.2\n2 Rome\n3 'x'\n*Matrix\n0\n1\n"
        )
        graph = read_graph(file(text, "g.paj"))
        assert graph.labels.tolist() == ["New York", "Rome", "'x'"]
        assert graph.edges().T.tolist() == [[1, 2]]
        assert "two modes" in str(graph.source)

    def test_vectors_are_attributes(self, file):
        text = "*Vertices 2\n1 a\n2 b\n*Edges\n1 2\n*Vector height\n*Vertices 2\n1.5\n2.5\n"
        assert read_graph(file(text, "g.paj")).attributes["height"].tolist() == [1.5, 2.5]

    def test_an_arc_matrix_and_cp1252(self, file):
        text = "*Vertices 2\n1 Zürich\n2 b\n*Matrix\n0 2\n0 0\n".encode("cp1252")
        graph = read_graph(file(text, "g.net"))
        assert graph.directed
        assert graph.labels.tolist() == ["Zürich", "b"]
        assert graph.edge_weights().tolist() == [2]
        assert "cp1252" in str(graph.source)

    def test_labels_places_and_values(self, file):
        text = '*Vertices 3\n1 "a b" 0.1 0.2\n2 c\n3 "d"\n*Edges\n1 2 3.5\n2 3\n'
        graph = read_graph(file(text, "g.net"))
        assert graph.labels.tolist() == ["a b", "c", "d"]
        assert graph.attributes["x"].tolist() == [0.1, None, None]
        np.testing.assert_array_equal(graph.edge_weights(), [3.5, 1])

    def test_a_line_of_value_one_has_no_weight(self, file):
        assert read_graph(file("*Vertices 2\n*Edges\n1 2 1.0\n", "g.net")).weights is None


class TestGexf:
    """Defaults."""

    def test_an_edge_weighs_one_unless_it_says_otherwise(self, file):
        graph = read_graph(file(GEXF, "g.gexf"))
        assert graph.directed
        np.testing.assert_array_equal(graph.edge_weights(), [0.5, 1])
        assert graph.attributes["height"].tolist() == [3, 8, 8]
        assert graph.attributes["label"].tolist() == ["Ann", "Bob", "Cy"]

    def test_compressed(self, file):
        assert read_graph(file(gzip.compress(GEXF.encode()), "g.gexf.gz")).num_nodes == 3


GEXF = """<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
<graph defaultedgetype="directed"><attributes class="node">
<attribute id="0" title="height" type="long"><default>8</default></attribute></attributes>
<nodes><node id="a" label="Ann"><attvalues><attvalue for="0" value="3"/></attvalues></node>
<node id="b" label="Bob"/><node id="c" label="Cy"/></nodes>
<edges><edge id="0" source="a" target="b" weight="0.5"/><edge id="1" source="b" target="c"/></edges>
</graph></gexf>"""


class TestJson:
    """Shapes that others write."""

    def test_d3_of_old_counts_nodes(self, file):
        text = '{"nodes": [{"name": "a"}, {"name": "b"}], "links": [{"source": 0, "target": 1}]}'
        graph = read_graph(file(text, "g.json"))
        assert graph.labels.tolist() == [0, 1]
        assert graph.attributes["name"].tolist() == ["a", "b"]

    def test_big_integers_stay(self, file):
        nodes = [{"id": "a", "x": 2**63 - 1}, {"id": "b", "x": -(2**53) - 1}]
        path = file(json.dumps({"nodes": nodes, "edges": []}), "g.json")
        assert read_graph(path).attributes["x"].tolist() == [2**63 - 1, -(2**53) - 1]

    def test_lists_and_nulls_are_no_attributes(self, file):
        text = '{"nodes": [{"id": 1, "a": [1], "b": null, "c": {}}], "edges": []}'
        assert dict(read_graph(file(text, "g.json")).attributes) == {}

    def test_cytoscape_as_one_list(self, file):
        elements = [
            {"group": "nodes", "data": {"id": "a"}},
            {"data": {"id": "b"}},
            {"group": "edges", "data": {"id": "e", "source": "a", "target": "b"}},
        ]
        graph = read_graph(file(json.dumps({"elements": elements}), "g.cyjs"))
        assert graph.labels.tolist() == ["a", "b"]
        assert graph.num_edges == 1

    def test_an_attribute_named_id_cannot_be_written(self, tmp_path):
        with pytest.raises(ValueError, match="must have no attribute named 'id'"):
            write_graph(grid_graph(2).replace(attributes={"id": [1, 2]}), tmp_path / "g.json")


class TestMetis:
    """Weights of vertices and edges."""

    def test_everything(self, file):
        graph = read_graph(file("% c\n3 2 111 2\n9 7 1 2 5\n8 6 2 1 5 3 6\n7 5 3 2 6\n", "g.graph"))
        np.testing.assert_array_equal(graph.edges(), [[0, 1], [1, 2]])
        np.testing.assert_array_equal(graph.edge_weights(), [5, 6])
        found = {name: column.tolist() for name, column in graph.attributes.items()}
        assert found == {"size": [9, 8, 7], "weight0": [7, 6, 5], "weight1": [1, 2, 3]}
        assert graph.labels is None

    def test_an_empty_line_is_a_vertex(self, file):
        graph = read_graph(file("4 1\n\n3\n2\n\n", "g.metis"))
        assert graph.num_nodes == 4
        np.testing.assert_array_equal(graph.edges(), [[1], [2]])

    def test_refuses_a_direction(self, file):
        with pytest.raises(GraphFileError, match="must be directed, got an undirected format"):
            read_graph(file("2 1\n2\n1\n", "g.graph"), directed=True)


class TestTorch:
    """PyG graphs behind torch's own loader."""

    def test_data(self, tmp_path):
        import torch
        from torch_geometric.data import Data

        pairs = torch.tensor([[0, 1], [1, 2]])
        data = Data(
            edge_index=pairs, edge_weight=torch.tensor([0.5, 2]), x=torch.eye(4), num_nodes=4
        )
        data.name, data.y = "molecule", torch.tensor([1, 2, 3, 4])
        torch.save(data, tmp_path / "g.pt")
        graph = read_graph(tmp_path / "g.pt")
        assert graph.directed
        assert graph.num_nodes == 4
        np.testing.assert_array_equal(graph.edge_weights(), [0.5, 2])
        assert sorted(graph.attributes) == ["x", "y"]
        assert read_graph(tmp_path / "g.pt", weight=False).weights is None
        with pytest.raises(GraphFileError, match="must be undirected, got the contrary"):
            read_graph(tmp_path / "g.pt", directed=False)

    def test_a_mapping(self, tmp_path):
        import torch

        torch.save({"edge_index": torch.tensor([[0, 1], [1, 0]])}, tmp_path / "g.pt")
        assert not read_graph(tmp_path / "g.pt", directed=False).directed


class TestMeshes:
    """Vertices are nodes, also those that no face uses."""

    VERTICES = ((0, 0, 0), (3, 0, 0), (0, 4, 0), (9, 9, 9))

    @pytest.mark.parametrize("kind", ["off", "ply"])
    def test_of_trimesh(self, tmp_path, kind):
        mesh = trimesh.Trimesh(self.VERTICES, [(0, 1, 2)], process=False)
        (tmp_path / f"m.{kind}").write_bytes(self.exported(mesh, kind))
        graph = read_graph(tmp_path / f"m.{kind}")
        np.testing.assert_array_equal(graph.edges(), [[0, 0, 1], [1, 2, 2]])
        np.testing.assert_allclose(graph.edge_weights(), [3, 4, 5])
        assert graph.attributes["x"].tolist() == [0, 3, 0, 9]
        assert read_graph(tmp_path / f"m.{kind}", weight=False).weights is None
        with pytest.raises(GraphFileError, match="must be directed, got a mesh"):
            read_graph(tmp_path / f"m.{kind}", directed=True)

    @staticmethod
    def exported(mesh, kind):
        data = mesh.export(file_type=kind)
        return data if isinstance(data, bytes) else data.encode()

    def test_obj(self, file):
        text = "mtllib /etc/passwd\n# c\nv 0 0 0 1\nv 3 0 0\nv 0 4 0\nv 3 4 0\nv 9 9 9\nvt 0 0\nvt 1 1\n"
        graph = read_graph(file(text + "f 1/1 2/2 4/1 3/2\nl 1 -1\n", "m.obj"))
        np.testing.assert_array_equal(graph.edges(), [[0, 0, 0, 1, 2], [1, 2, 4, 3, 3]])
        np.testing.assert_allclose(graph.edge_weights(), [3, 4, np.sqrt(243), 4, 3])
        assert graph.num_nodes == 5
        assert read_graph(file(text, "n.obj"), weight=False).weights is None
        with pytest.raises(GraphFileError, match="must be directed, got a mesh"):
            read_graph(file(text, "n.obj"), directed=True)


class TestImages:
    """Pixels keep their values and types."""

    @pytest.mark.parametrize("name", ["a.png", "a.tif", "a.tiff", "a.npy"])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16"])
    def test_gray(self, tmp_path, name, dtype):
        pixels = (np.arange(12).reshape(3, 4) * 21).astype(dtype) * (1 if dtype == "uint8" else 250)
        if name.endswith("npy"):
            np.save(tmp_path / name, pixels)
        else:
            Image.fromarray(pixels).save(tmp_path / name)
        graph = read_graph(tmp_path / name)
        expected = grid_graph((3, 4)).replace(attributes={"value": pixels.ravel()})
        assert_same_graph(graph, expected)
        assert read_graph(tmp_path / name, connectivity=4).num_edges == 17
        with pytest.raises(GraphFileError, match="`connectivity` must"):
            read_graph(tmp_path / name, connectivity=5)

    def test_color(self, tmp_path):
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        Image.fromarray(pixels).save(tmp_path / "a.png")
        found = read_graph(tmp_path / "a.png").attributes
        assert list(found) == ["red", "green", "blue", "alpha"]
        np.testing.assert_array_equal(found["blue"], pixels[..., 2].ravel())

    def test_palettes(self, tmp_path):
        image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
        image.putpalette([10, 20, 30, 40, 50, 60])
        image.save(tmp_path / "a.png")
        assert read_graph(tmp_path / "a.png").attributes["green"].tolist() == [20, 50]
        image.save(tmp_path / "b.png", transparency=0)
        assert read_graph(tmp_path / "b.png").attributes["alpha"].tolist() == [0, 255]

    def test_pages_are_the_first_axis(self, tmp_path):
        pages = [Image.fromarray(np.full((2, 3), i, np.float32)) for i in range(2)]
        pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
        graph = read_graph(tmp_path / "a.tif")
        assert graph.num_nodes == 12
        assert graph.attributes["value"].tolist() == [0] * 6 + [1] * 6
        assert graph.num_edges == grid_graph((2, 2, 3)).num_edges

    @pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 2, 2)])
    def test_arrays_of_any_kind(self, tmp_path, shape):
        array = np.arange(np.prod(shape), dtype=">i8").reshape(shape) + 2**60
        np.save(tmp_path / "a.npy", np.asfortranarray(array))
        graph = read_graph(tmp_path / "a.npy")
        assert graph.attributes["value"].dtype == np.int64
        np.testing.assert_array_equal(graph.attributes["value"], array.ravel())

    def test_text_is_no_image(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array(["a"]))
        with pytest.raises(GraphFileError, match="must hold numbers, got text"):
            read_graph(tmp_path / "a.npy")

    def test_limits(self, tmp_path):
        np.save(tmp_path / "a.npy", np.zeros(9))
        with pytest.raises(GraphFileError, match="must have at most 8 nodes, got 9"):
            read_graph(tmp_path / "a.npy", max_nodes=8)
        Image.fromarray(np.zeros((500, 500), np.uint8)).save(tmp_path / "a.png")
        with pytest.raises(GraphFileError, match="must decompress to at most 10000 bytes"):
            read_graph(tmp_path / "a.png", max_bytes=10_000)


class TestFolders:
    """Many graphs at once."""

    def test_in_the_order_of_names(self, tmp_path, file):
        write_graph(grid_graph(3).replace(attributes={"x": [1, 2, 3]}), tmp_path / "b.csv")
        write_graph(grid_graph(2), tmp_path / "a.npz")
        file("notes", "README.md")
        file("1,2\n", ".hidden.csv")
        (tmp_path / "sub.csv").mkdir()
        assert [graph.num_nodes for graph in read_graphs(tmp_path)] == [2, 3]

    def test_refusals(self, tmp_path, file):
        with pytest.raises(FileNotFoundError, match="must name an existing folder"):
            read_graphs(tmp_path / "none")
        with pytest.raises(GraphFileError, match="must hold graph files, got none"):
            read_graphs(tmp_path)
        with pytest.raises(GraphFileError, match="must name a folder, got a file"):
            read_graphs(file("1,2\n", "a.csv"))
        file("1,2.5\n", "b.csv")
        with pytest.raises(GraphFileError, match=r"b\.csv, line 1"):
            read_graphs(tmp_path)


class TestTime:
    """The time limit of readers that know of none."""

    def test_a_slow_reader_is_stopped(self, file, monkeypatch):
        from graphmax.files import text_graphs

        def forever(source, _):
            for _ in source.timed(itertools.count()):
                pass

        monkeypatch.setattr(text_graphs, "read_gml", forever)
        with pytest.raises(
            GraphFileError, match=r"must be read within 0\.05 seconds, got a longer"
        ):
            read_graph(file("graph [ ]", "g.gml"), max_seconds=0.05)

    @pytest.mark.parametrize("name", ["g.csv", "g.gml"])
    def test_a_quick_one_is_not(self, file, name):
        content = "1,2\n" if name == "g.csv" else "graph [ node [ id 1 ] node [ id 2 ] ]"
        assert read_graph(file(content, name), max_seconds=60).num_nodes == 2

    def test_a_query_is_stopped(self, file):
        rows = "".join(f"a{i},b{i % 7}\n" for i in range(300_000))
        with pytest.raises(GraphFileError, match="must be read within"):
            read_graph(file(rows, "g.csv"), max_seconds=0.02)
