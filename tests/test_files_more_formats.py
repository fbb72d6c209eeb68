"""What is particular to DOT, lists of neighbors, graph6, matrices, meshes, grids and the sciences."""

import base64
import gzip
import struct
import sys
import zlib
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from PIL import Image, TiffImagePlugin

from graphmax import GraphFileError, read_graph
from graphmax.files import scientific_files
from graphmax.files.opening import ReadOptions, Source

sys.path.insert(0, str(Path(__file__).parent / "corpus"))
from valid_files import h5ad


@pytest.fixture
def read(tmp_path):
    def ask(content, name, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_graph(path, **options)

    return ask


def shown(graph):
    return graph.num_nodes, graph.edges().T.tolist(), graph.directed


class TestDot:
    def test_chains_subgraphs_defaults_and_ports(self, read):
        text = """/* c */ strict digraph "my graph" { // c
        # preprocessor
        node [h=1]; a:n -> b -> {c; d} [weight=2, color="#ff0000"]; b [h="2.5" label=<a <b>B</b>>];
        subgraph cluster_0 { node [h=7]; e } ; rank = same; a [h=4] edge [weight=3] "d" -> "e" + "x" }"""
        graph = read(text, "g.gv")
        assert graph.labels.tolist() == ["a", "b", "c", "d", "e", "ex"]
        assert graph.directed
        assert graph.edges().T.tolist() == [[0, 1], [1, 2], [1, 3], [3, 5]]
        assert graph.edge_weights().tolist() == [2, 2, 2, 3]
        assert graph.attributes["h"].tolist() == [4, 2.5, 1, 1, 7, 1]
        assert graph.attributes["label"].tolist()[1] == "<a <b>B</b>>"

    def test_places(self, read):
        graph = read('graph { 1 [pos="1.5,2!"]; 2 [pos="3,4"]; 1 -- 2 }', "g.dot")
        assert graph.attributes["x"].tolist() == [1.5, 3]
        assert graph.labels.tolist() == [1, 2]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("graph { a -- ", "with a name here"),
            ("graph { a", "must be complete DOT"),
            ("a -- b", "must start with graph or digraph"),
            ("graph { a [x=<b }", "unterminated HTML"),
            ("graph {" * 3, r"must be valid DOT|must be complete"),
            ("graph {} graph {}", "must hold one graph"),
            ("graph {" + "{" * 200 + "}" * 200 + "}", "nest at most 100 subgraphs"),
            ("graph { {" + " ".join(f"a{i}" for i in range(2000)) + "} -- {" + " ".join(f"b{i}" for i in range(2000)) + "} }",
             "as many edges as its bytes"),
        ],
    )  # fmt: skip
    def test_refusals(self, read, text, message):
        with pytest.raises(GraphFileError, match=message):
            read(text, "g.dot")


class TestNeighborLists:
    def test_sif_with_tabs_and_alone(self, read):
        graph = read("New York\tpp\tRome\tOslo\nRome\tpd\tOslo\nBern\n", "g.sif")
        assert graph.labels.tolist() == ["Bern", "New York", "Oslo", "Rome"]
        assert graph.num_edges == 3
        with pytest.raises(GraphFileError, match="a relation and targets in each line, got a pp"):
            read("a pp\n", "g.sif")

    def test_adjacency_list(self, read):
        assert shown(read("1 2 3\n2 3\n4\n", "g.adjlist")) == (4, [[0, 1], [0, 2], [1, 2]], False)
        assert read("1 2\n2 1\n2 3\n", "g.adjlist", directed=True).num_edges == 3

    def test_spatial_weights(self, read):
        assert shown(read("0 3 shp id\na 1\nb\nb 2\na c\nc 1\nb\n", "w.gal")) == (
            3, [[0, 1], [1, 2]], False,
        )  # fmt: skip
        assert read("2\n1 1\n2\n2 0\n\n", "w.gal").directed
        graph = read("0 3 shp id\n1 2 .5\n2 1 .5\n", "w.gwt")
        assert shown(graph) == (3, [[0, 1]], False)
        assert graph.edge_weights().tolist() == [0.5]
        for text, message in (
            ("3\n1 1\n2\n", "3 nodes"),
            ("1\n1 2\n2\n", "2 neighbors"),
            ("x\n", "number of nodes"),
        ):
            with pytest.raises(GraphFileError, match=message):
                read(text, "w.gal")


@pytest.mark.parametrize("count", [0, 1, 2, 5, 63, 64, 70])
def test_graph6_of_networkx(read, count):
    graph = nx.gnp_random_graph(count, 0.3, seed=count)
    expected = (count, sorted(sorted(edge) for edge in graph.edges), False)
    for name, write in (("g.g6", nx.to_graph6_bytes), ("g.s6", nx.to_sparse6_bytes)):
        for header in (False, True):
            assert shown(read(write(graph, header=header), name)) == expected


def test_graph6_refusals(read):
    for content, message in (
        (b"Dh\n", "bits"), (b"D\x01\x02\n", "characters from"), (b"Dhc\nDhc\n", "one graph"),
        (b"~??\n", "complete|bits"), (b"~~?????\n", "complete"), (b"~~~~~~~~\n", "at most"), (b";Dhc\n", "incremental"),
    ):  # fmt: skip
        with pytest.raises(GraphFileError, match=message):
            read(content, "g.g6")


class TestMatrices:
    @pytest.mark.parametrize("delimiter", [",", "\t", " ", ";"])
    def test_weights_direction_and_names(self, read, delimiter):
        rows = [
            ["", "a", "b", "c"],
            ["a", "0", "2.5", "0"],
            ["b", "0", "0", "1"],
            ["c", "0", "0", "0"],
        ]
        if delimiter == " ":
            rows = rows[1:]
            rows.insert(0, ["a", "b", "c"])
        graph = read("\n".join(map(delimiter.join, rows)), "m.csv")
        assert shown(graph) == (3, [[0, 1], [1, 2]], True)
        assert graph.labels.tolist() == ["a", "b", "c"]
        assert graph.edge_weights().tolist() == [2.5, 1]
        assert "matrix" in str(graph.source)

    def test_asked_for(self, read, tmp_path):
        text = "0,1,0\n1,0,1\n0,1,0\n"
        with pytest.raises(GraphFileError, match=r"--format matrix, --format edges"):
            read(text, "m.csv")
        assert shown(read(text, "m.csv", format="matrix")) == (3, [[0, 1], [1, 2]], False)
        assert read(text, "m.csv", format="edges").num_nodes == 2
        np.save(tmp_path / "m.npy", np.array([[0, 1], [1, 0]]))
        assert read_graph(tmp_path / "m.npy", format="matrix").num_edges == 1
        assert read_graph(tmp_path / "m.npy").num_nodes == 4

    def test_names_in_one_header_or_column(self, read):
        rows = "\n".join(",".join(str(int(abs(i - j) == 1)) for j in range(5)) for i in range(5))
        assert read("a,b,c,d,e\n" + rows, "m.csv").labels.tolist() == list("abcde")
        named = "\n".join(f"{n},{row}" for n, row in zip("abcde", rows.split(), strict=True))
        assert read(named, "m.csv").labels.tolist() == list("abcde")
        assert read(rows, "m.csv").labels is None

    def test_matlab(self, read, tmp_path):
        matrix = scipy.sparse.csc_array(np.array([[0, 2.0, 0], [2.0, 0, 1], [0, 1, 0]]))
        scipy.io.savemat(tmp_path / "m.mat", {"Problem": {"A": matrix, "name": "x"}})
        assert read_graph(tmp_path / "m.mat").edge_weights().tolist() == [2, 1]
        scipy.io.savemat(tmp_path / "m.mat", {"A": matrix, "B": np.eye(3), "n": 3})
        with pytest.raises(GraphFileError, match=r"one square matrix, got 2: A, B .*--relation"):
            read_graph(tmp_path / "m.mat")
        assert read_graph(tmp_path / "m.mat", relation="A").num_edges == 2
        with pytest.raises(GraphFileError, match="valid .mat file"):
            read(b"MATLAB 5.0" + bytes(200), "n.mat")

    def test_rectangles_and_two_sides(self, read):
        text = "%%MatrixMarket matrix coordinate integer general\n2 3 2\n1 3 5\n2 1 -4\n"
        with pytest.raises(
            GraphFileError, match=r"square matrix, got 2 rows, 3 columns .*--bipartite"
        ):
            read(text, "m.mtx")
        graph = read(text, "m.mtx", bipartite=True)
        assert graph.labels.tolist() == ["row:1", "row:2", "column:1", "column:2", "column:3"]
        assert graph.edges().T.tolist() == [[0, 4], [1, 2]]
        assert graph.edge_weights().tolist() == [5, -4]
        graph = read("u1,i1\nu1,u1\n", "e.csv", bipartite=True)
        assert graph.labels.tolist() == ["left:u1", "right:i1", "right:u1"]


class TestMeshes:
    def test_polygons_have_no_diagonals(self, read):
        points = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"
        edges = [[0, 1], [0, 3], [1, 2], [2, 3]]
        head = "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\nproperty uchar quality\n"
        ply = head + "element face 1\nproperty list uchar int vertex_index\nend_header\n"
        ply += "".join(f"{row} {i}\n" for i, row in enumerate(points.splitlines())) + "4 0 1 2 3\n"
        for text, name in (
            ("OFF 4 1 0\n" + points + "4 0 1 2 3 255 0 0\n", "m.off"),
            (ply, "m.ply"),
        ):
            assert read(text, name).edges().T.tolist() == edges
        assert read(ply, "m.ply").attributes["quality"].tolist() == [0, 1, 2, 3]

    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize("sizes", [(3, 3), (3, 4)])
    def test_binary_ply(self, read, order, sizes):
        word = {"<": "little", ">": "big"}[order]
        head = f"ply\nformat binary_{word}_endian 1.0\nelement vertex 4\nproperty double x\nproperty double y\n"
        head += "property double z\nproperty int h\nelement face 2\nproperty list uchar uint vertex_indices\nend_header\n"
        body = b"".join(struct.pack(f"{order}3di", i, i % 2, 0, 7 - i) for i in range(4))
        for size in sizes:
            body += struct.pack(f"{order}B{size}I", size, *range(size))
        graph = read(head.encode() + body, "m.ply")
        assert graph.attributes["h"].tolist() == [7, 6, 5, 4]
        assert graph.num_edges == (3 if sizes == (3, 3) else 5)
        with pytest.raises(GraphFileError, match="truncated"):
            read(head.encode() + body[:-3], "m.ply")

    def test_corners_of_stl_are_merged(self, read):
        corners = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
        text = "solid\n" + "".join(f"vertex {x} {y} {z}\n" for x, y, z in corners) + "endsolid\n"
        data = bytes(80) + struct.pack("<I", 2)
        for i in (0, 3):
            data += struct.pack("<12fH", 0, 0, 1, *np.ravel(corners[i : i + 3]), 0)
        for content in (text, data):
            graph = read(content, "m.stl")
            assert (graph.num_nodes, graph.num_edges) == (4, 5)

    def test_gifti(self, read):
        points, triangle = np.eye(3, dtype="<f4"), np.array([[0, 1, 2]], "<i4")

        def array(intent, data, kind, encoding):
            text = base64.b64encode(
                zlib.compress(data.tobytes()) if encoding[0] == "G" else data.tobytes()
            ).decode()
            text = " ".join(map(str, data.ravel().tolist())) if encoding == "ASCII" else text
            sides = " ".join(f'Dim{i}="{n}"' for i, n in enumerate(data.shape))
            return (f'<DataArray Intent="NIFTI_INTENT_{intent}" DataType="NIFTI_TYPE_{kind}" {sides} '
                    f'Encoding="{encoding}" Endian="LittleEndian"><Data>{text}</Data></DataArray>')  # fmt: skip

        for encoding in ("ASCII", "Base64Binary", "GZipBase64Binary"):
            text = "<?xml version='1.0'?><!DOCTYPE GIFTI SYSTEM 'http://x/gifti.dtd'><GIFTI>"
            text += array("POINTSET", points, "FLOAT32", encoding)
            text += array("TRIANGLE", triangle, "INT32", encoding)
            text += array("SHAPE", np.array([1, 2, 4], "<f4"), "FLOAT32", encoding) + "</GIFTI>"
            graph = read(text, "s.surf.gii")
            assert (graph.num_nodes, graph.num_edges) == (3, 3)
            assert graph.attributes["shape"].tolist() == [1, 2, 4]
        with pytest.raises(GraphFileError, match="points and triangles"):
            read("<GIFTI/>", "s.gii")


class TestGrids:
    def test_esri(self, read):
        text = "ncols 3\nnrows 2\nxllcorner 10\nyllcorner 20\ncellsize 2\nNODATA_value -9999\n1 2 3\n4 -9999 6\n"
        graph = read(text, "g.asc")
        assert graph.shape == (2, 3)
        assert graph.attributes["value"].tolist() == [1, 2, 3, 4, None, 6]
        assert graph.positions[[0, 5]].tolist() == [[11, 23], [15, 21]]
        for wrong in (
            text + "7",
            text.replace("ncols 3", "ncols x"),
            "1 2\n",
            text.replace("1 2 3", "1 b 3"),
        ):
            with pytest.raises(GraphFileError, match="must"):
                read(wrong, "g.asc")

    def test_geotiff(self, tmp_path):
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[42113], tags.tagtype[42113] = "-1", 2
        tags[33550], tags.tagtype[33550] = (2.0, 2.0, 0.0), 12
        tags[33922], tags.tagtype[33922] = (0.0, 0.0, 0.0, 100.0, 50.0, 0.0), 12
        pixels = np.array([[1, -1], [3, 4]], np.float32)
        Image.fromarray(pixels).save(tmp_path / "g.tif", tiffinfo=tags)
        graph = read_graph(tmp_path / "g.tif")
        assert graph.attributes["value"].tolist() == [1, None, 3, 4]
        assert graph.positions.tolist() == [[101, 49], [103, 49], [101, 47], [103, 47]]

    def test_frames_with_a_palette(self, tmp_path):
        frames = [Image.new("P", (2, 1), color) for color in (0, 1)]
        for frame in frames:
            frame.putpalette([10, 20, 30, 40, 50, 60])
        frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
        graph = read_graph(tmp_path / "a.tif")
        assert graph.attributes["red"].tolist() == [10, 10, 40, 40]
        assert graph.shape == (2, 1, 2)

    def test_neighbors_that_take_more_memory_than_the_bytes_account_for(self, tmp_path):
        from graphmax.files.image_files import _check_links
        from graphmax.files.opening import ReadOptions, Source

        source = Source("g.npy", tmp_path, 60_000)
        with pytest.raises(GraphFileError, match="must have neighbors that fit"):
            _check_links((400, 400, 400), source, ReadOptions())


class TestArchives:
    def test_collated_graphs(self, tmp_path):
        import torch
        from torch_geometric.data import Data

        pieces = [torch.tensor([[0, 1], [1, 0]]), torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])]
        data = Data(edge_index=torch.cat(pieces, 1), x=torch.tensor([5.0, 6, 7, 8, 9]))
        slices = {"edge_index": torch.tensor([0, 2, 6]), "x": torch.tensor([0, 2, 5])}
        for found in (data, data.to_dict()):
            torch.save((found, slices), tmp_path / "d.pt")
            graph = read_graph(tmp_path / "d.pt")
            assert graph.edges().T.tolist() == [[0, 1], [2, 3], [3, 4]]
            assert graph.attributes["graph"].tolist() == [0, 0, 1, 1, 1]
            assert "2 graphs side by side" in str(graph.source)
        slices["edge_index"] = torch.tensor([0, 2, 99])
        torch.save((data, slices), tmp_path / "d.pt")
        with pytest.raises(GraphFileError, match="slices that ascend to the last edge"):
            read_graph(tmp_path / "d.pt")
        slices["edge_index"] = torch.tensor([0, 2, 6])
        slices["x"] = torch.tensor([0, 2, 8])
        torch.save((data, slices), tmp_path / "d.pt")
        with pytest.raises(GraphFileError, match="to the last row, got slices of 'x' to 8 of 5"):
            read_graph(tmp_path / "d.pt")

    def test_collated_graphs_of_more_nodes_than_there_is_room_for(self, tmp_path):
        import torch
        from torch_geometric.data import Data

        data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), num_nodes=[10**12, 1])
        slices = {"edge_index": torch.tensor([0, 2, 2])}
        torch.save((data.to_dict(), slices), tmp_path / "d.pt")
        with pytest.raises(GraphFileError, match="at most 4000000 nodes, got 1000000000001"):
            read_graph(tmp_path / "d.pt")

    def test_an_stl_whose_length_is_that_of_minus_one_triangles(self, tmp_path):
        (tmp_path / "m.stl").write_bytes(b"solid small\nfacet normal 0 0 1\nou\n"[:34])
        with pytest.raises(GraphFileError, match="corners of triangles"):
            read_graph(tmp_path / "m.stl")

    def test_shapes_and_strides(self, tmp_path):
        import torch

        for pairs, more, message in (
            (
                torch.zeros(5, 2, dtype=torch.long),
                {},
                r"shape \(2, num_edges\), got \(5, 2\) .*transpose",
            ),
            (torch.zeros(3, 5, dtype=torch.long), {}, r"got \(3, 5\)"),
            (
                torch.zeros(2, 5, dtype=torch.long),
                {"edge_weight": torch.ones(4)},
                "one entry of edge_weight per edge",
            ),
            (
                torch.zeros(2, 5, dtype=torch.long),
                {"x": torch.zeros(1).expand(10**10)},
                "must store all entries of 'x'",
            ),
        ):
            torch.save({"edge_index": pairs, **more}, tmp_path / "g.pt")
            with pytest.raises(GraphFileError, match=message):
                read_graph(tmp_path / "g.pt")

    def test_matrix_in_parts(self, tmp_path):
        matrix = scipy.sparse.csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], np.float32))
        parts = {
            f"adj_{name}": getattr(matrix, name) for name in ("data", "indices", "indptr", "shape")
        }
        names = np.array(["a", None], object)
        np.savez(tmp_path / "c.npz", labels=np.array([2, 0, 1]), class_names=names, **parts)
        graph = read_graph(tmp_path / "c.npz")
        assert graph.attributes["labels"].tolist() == [2, 0, 1]
        assert graph.num_edges == 2
        assert "class_names, Python objects" in str(graph.source)


class TestNames:
    def test_graphml_under_other_endings(self, tmp_path):
        text = "<?xml version='1.0'?><graphml><graph edgedefault='directed'><node id='a'/></graph></graphml>"
        (tmp_path / "g.xml").write_text(text)
        (tmp_path / "g.graphmlz").write_bytes(gzip.compress(text.encode()))
        for name in ("g.xml", "g.graphmlz"):
            assert read_graph(tmp_path / name).labels.tolist() == ["a"]

    def test_konect(self, read):
        graph = read("% asym weighted\n1 2 5\n3 1 2\n", "out.moreno")
        assert shown(graph) == (3, [[0, 1], [2, 0]], True)
        assert graph.weights is None
        assert read("% asym weighted\n1 2 5\n3 1 2\n", "out.moreno", weight=2).weights is not None

    def test_h5ad(self, tmp_path):
        anndata = pytest.importorskip("anndata")
        matrix = scipy.sparse.csr_matrix(np.array([[0, 0.5], [0.5, 0]]))
        data = anndata.AnnData(np.zeros((2, 1)), obsp={"connectivities": matrix})
        data.obs["n"] = [3, 4]
        data.write_h5ad(tmp_path / "c.h5ad")
        graph = read_graph(tmp_path / "c.h5ad")
        assert graph.num_edges == 1
        (tmp_path / "d.h5ad").write_bytes(b"\x89HDF" + bytes(100))
        with pytest.raises(GraphFileError, match="start as HDF5 files do"):
            read_graph(tmp_path / "d.h5ad")
        (tmp_path / "e.h5ad").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
        with pytest.raises(GraphFileError, match="valid .h5ad"):
            read_graph(tmp_path / "e.h5ad")

    def test_h5ad_that_keeps_its_reader_busy(self, tmp_path, monkeypatch):
        """A piece of text in it is longer than its length says: HDF5 looks for the next for ever."""
        pytest.importorskip("anndata")
        monkeypatch.setattr(scientific_files, "_PROCESSOR", 0.5)
        whole = h5ad()
        damaged = whole.replace(b"\x000.1.0\0\0\0", b"\x00&lt;.0\0\0", 1)
        (tmp_path / "a.h5ad").write_bytes(damaged)
        with pytest.raises(GraphFileError, match="be read within 1 seconds|be a valid .h5ad"):
            read_graph(tmp_path / "a.h5ad")

    @pytest.mark.skipif(sys.platform == "win32", reason="no limit of the processor's time there")
    def test_a_reader_that_only_computes_is_ended(self, tmp_path, monkeypatch):
        monkeypatch.setattr(scientific_files, "_PROCESSOR", 0.1)
        source = Source("a.mat", tmp_path, 0, kind="mat")
        busy = "watch()\nwhile True: pass"
        reading = scientific_files._read_by(busy, source, ReadOptions())
        with pytest.raises(GraphFileError, match="be read within 0 seconds.*max_seconds"), reading:
            pass

    def test_h5ad_takes_no_more_than_its_bytes_account_for(self, tmp_path, monkeypatch):
        pytest.importorskip("anndata")
        h5py = pytest.importorskip("h5py")
        with h5py.File(tmp_path / "a.h5ad", "w") as file:
            file.create_dataset("X", (10**6, 10**5), "f8", chunks=(1000, 1000))
        with pytest.raises(GraphFileError, match="larger arrays than its bytes account for"):
            read_graph(tmp_path / "a.h5ad")
        (tmp_path / "other").write_bytes(bytes(8))
        with h5py.File(tmp_path / "b.h5ad", "w") as file:
            file.create_dataset("X", (1,), "f8", external=[(str(tmp_path / "other"), 0, 8)])
        with pytest.raises(GraphFileError, match="arrays in other files"):
            read_graph(tmp_path / "b.h5ad")
        monkeypatch.setattr("graphmax.files.scientific_files._PATIENCE", 1e-6)
        monkeypatch.setattr("graphmax.files.scientific_files._SLOWEST", 10**12)
        with pytest.raises(GraphFileError, match="be read within 0 seconds.*max_seconds"):
            read_graph(tmp_path / "a.h5ad")
