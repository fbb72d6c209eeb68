"""Names, texts, headers and tensors of exotic kinds: answered, or refused in one sentence."""

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

import graphmax as gm

PATH = gm.Graph.from_edges([0, 1], [1, 2], attributes={"h": [1, 3, 2]})


# --- file names of other bytes than UTF-8


@pytest.fixture
def odd(tmp_path):
    """Make a folder whose name is no text, and name a file in it that is none either."""
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    return folder / os.fsdecode(b"gr\xe4ph")


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz", "json", "graphml"])
def test_names_that_are_not_utf8_are_written_and_read(odd, ending):
    gm.write_graph(PATH, f"{odd}.{ending}")
    graph = gm.read_graph(f"{odd}.{ending}")
    assert graph.attributes["h"].tolist() == [1, 3, 2]
    assert graph.num_edges == 2
    assert all(path.name.startswith(odd.name) for path in odd.parent.iterdir())


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet", "json"])
def test_tables_of_such_names(odd, ending):
    gm.write_table({"a": np.arange(3)}, f"{odd}.{ending}")
    assert Path(f"{odd}.{ending}").stat().st_size > 0


@pytest.mark.parametrize("engine", ["stream", "memory"])
def test_labels_of_such_tables(odd, engine):
    gm.write_graph(PATH, f"{odd}.parquet")
    names = f"{odd}.parquet", f"{odd}.nodes.parquet"
    with pytest.raises(ValueError, match="`edges` must have a name in UTF-8, got .*; rename it"):
        gm.local_maxima_tables(*names, "h", engine=engine)
    plain = f"{odd.parent.parent}/plain.parquet"
    gm.write_graph(PATH, plain)
    with pytest.raises(ValueError, match="`out` must have a name in UTF-8, got"):
        gm.local_maxima_tables(
            plain, plain.replace(".p", ".nodes.p"), "h", engine=engine, out=f"{odd}.csv"
        )


# --- half characters


@pytest.mark.parametrize("ending", ["csv", "parquet", "npz", "json", "graphml"])
@pytest.mark.parametrize(
    "graph",
    [
        gm.Graph.from_edges([0], [1], labels=["\udcff", "b"]),
        gm.Graph.from_edges([0], [1], attributes={"h": np.array(["a", "\ud800b"], object)}),
        gm.Graph.from_edges([0], [1], attributes={"\udcff": [1, 2]}),
    ],
    ids=["ids", "text", "names"],
)
def test_half_characters_are_refused(tmp_path, graph, ending):
    with pytest.raises(ValueError, match="must hold text of whole characters, got"):
        gm.write_graph(graph, tmp_path / f"g.{ending}")
    assert list(tmp_path.iterdir()) == []


def test_half_characters_in_tables(tmp_path):
    for columns in ({"a": ["\udcff"]}, {"\udcff": [1]}):
        with pytest.raises(ValueError, match="must hold text of whole characters, got"):
            gm.write_table(columns, tmp_path / "t.csv")


# --- headers of arrays


def npy(shape, dtype="<i8", data=bytes(8)):
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


SHAPES = ["(True, True)", "(True,)", "(False,)", "(1, True)", "(2.0, 2)", "(-1,)", "(10**30,)",
          f"({2**70},)", "(None,)", "None", "'x'", "(1e400,)", "True", "1"]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_are_none(tmp_path, shape):
    (tmp_path / "a.npy").write_bytes(npy(shape))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("indptr.npy", npy(shape))
        archive.writestr("indices.npy", npy(shape))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(gm.GraphFileError):
            gm.read_graph(tmp_path / name)


# --- tensors that NumPy has no array for


def exotic():
    numbers = torch.tensor([1.0, 3.0, 2.0])
    yield "nested", torch.nested.nested_tensor([numbers, numbers])
    yield "quantized", torch.quantize_per_tensor(numbers, 0.1, 0, torch.qint8)
    yield "meta", numbers.to("meta")
    yield "float8", numbers.to(torch.float8_e5m2)
    yield "float8", numbers.to(torch.float8_e4m3fn)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_exotic_tensors_are_refused_in_words():
    ends = torch.tensor([[0, 1], [1, 2]])
    for kind, tensor in exotic():
        with pytest.raises(TypeError, match=f"`values` must be dense numbers .*{kind}"):
            gm.local_maxima(PATH, tensor)
        with pytest.raises(TypeError, match=f"`graph` must be dense numbers .*{kind}"):
            gm.local_maxima(tensor, [1, 3, 2])
        with pytest.raises(TypeError, match="must be dense numbers"):
            gm.local_maxima(PATH, [1, 3, 2], where=tensor)
    assert gm.local_maxima(ends.to(torch.uint64), torch.tensor([1, 3, 2], dtype=torch.uint16)).any()


def held(numbers):
    """Hold the same numbers as tensors of other kinds."""
    yield numbers.clone().requires_grad_()
    yield torch.nn.Parameter(numbers)
    yield torch._neg_view(-numbers)
    yield numbers.to(torch.bfloat16)
    yield numbers.repeat_interleave(2)[::2]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_tensors_of_every_kind_are_read_or_refused_wherever_arrays_are_taken():
    numbers = torch.tensor([1.0, 3.0, 2.0])
    for tensor in held(numbers):
        assert gm.local_maxima(PATH, tensor).tolist() == [False, True, False]
        graph = gm.Graph.from_edges([0, 1, 0], [1, 2, 2], weights=tensor)
        assert graph.edge_weights().tolist() == [1, 2, 3]
        assert gm.local_maxima(PATH, [1, 3, 2], groups=tensor).all()
    refused = {
        "dense tensor": [numbers.to_sparse(), torch.eye(3).to_sparse_csr(), numbers.to_mkldnn()],
        "meta": [numbers.to("meta")],
        "float8": [numbers.to(torch.float8_e4m3fn)],
        "nested": [torch.nested.nested_tensor([numbers, numbers])],
        "quantized": [torch.quantize_per_tensor(numbers, 0.1, 0, torch.qint8)],
    }
    for word, tensors in refused.items():
        for tensor in tensors:
            for name, take in {
                "values": lambda t: gm.local_maxima(PATH, t),
                "where": lambda t: gm.local_maxima(PATH, [1, 3, 2], where=t),
                "groups": lambda t: gm.local_maxima(PATH, [1, 3, 2], groups=t),
                "hops": lambda t: gm.local_maxima(PATH, [1, 3, 2], t),
                "weights": lambda t: gm.Graph.from_edges([0, 1, 0], [1, 2, 2], weights=t),
                "src": lambda t: gm.Graph.from_edges(t, [1, 2, 2]),
            }.items():
                with pytest.raises(TypeError, match=f"`{name}` must be .*{word}"):
                    take(tensor)


def test_tensors_without_memory_are_refused_in_words():
    numbers = torch.tensor([[1.0, 3.0, 2.0]])
    with pytest.raises(TypeError, match="`values` must be dense numbers .* of a trace or vmap"):
        torch.func.vmap(lambda row: gm.local_maxima(PATH, row))(numbers)
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        fake = torch.empty(3)
    with pytest.raises(TypeError, match="`values` must be dense numbers .* of a trace or vmap"):
        gm.local_maxima(PATH, fake)


def test_a_sparse_vector_is_no_graph():
    with pytest.raises(ValueError, match="square"):
        gm.local_maxima(torch.tensor([1.0, 3.0]).to_sparse(), [1, 3, 2])


# --- meshes with absurd elements

PLY = """ply
format ascii 1.0
element vertex 3
property float x
property {} y
property float z
element face 1
property {} vertex_indices
element edge 1
property {} vertex1
property int vertex2
end_header
0 {} 0
1 {} 0
0 {} 1
{}
{} 1
"""
ABSURD = {
    "list for 'y'": ("list uchar int", "list uchar int", "int", "1 0", "3 0 1 2", "0"),
    "single 'vertex_indices'": ("float", "int", "int", "0", "3", "0"),
    "list for 'vertex1'": ("float", "list uchar int", "list uchar int", "0", "3 0 1 2", "1 0"),
    "no whole numbers": ("float", "list uchar float", "int", "0", "3 0 nan 2", "0"),
    "corners are no whole numbers": ("float", "list uchar double", "int", "0", "3 0 1e30 2", "0"),
    "that are not there": ("float", "list uchar int", "double", "0", "3 0 1 2", "1e30"),
    "no number of its type": ("float", "list uchar uchar", "int", "0", "3 0 1 258", "0"),
}


@pytest.mark.parametrize("words", ABSURD)
def test_absurd_meshes_are_refused_in_words(tmp_path, words):
    y, face, end, place, corners, first = ABSURD[words]
    (tmp_path / "m.ply").write_text(PLY.format(y, face, end, place, place, place, corners, first))
    with pytest.raises(gm.GraphFileError, match=words):
        gm.read_graph(tmp_path / "m.ply")


def test_a_mesh_of_such_kinds_is_read(tmp_path):
    text = PLY.format("float", "list uchar float", "double", 0, 0, 0, "3 0 1 2", "0.0")
    (tmp_path / "m.ply").write_text(text)
    assert gm.read_graph(tmp_path / "m.ply").num_edges == 3


def test_a_list_of_negative_length_before_another(tmp_path):
    head = (
        "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty list char int a\n"
        "property list char int b\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    )
    (tmp_path / "m.ply").write_bytes(head.encode() + b"\x9c" + bytes(40))
    with pytest.raises(gm.GraphFileError, match="valid PLY mesh"):
        gm.read_graph(tmp_path / "m.ply")


def test_what_a_caller_makes_long_is_cut(tmp_path):
    (tmp_path / "g.csv").write_text("src,dst\n0,1\n")
    for name in ("src", "dst", "weight"):
        with pytest.raises(gm.GraphFileError) as raised:
            gm.read_graph(tmp_path / "g.csv", **{name: "x" * 5000})
        assert len(str(raised.value)) <= 300 + len(str(tmp_path))


@pytest.mark.parametrize("sizes", [(3, 3), (3, 2)])
@pytest.mark.parametrize("order", ["ascii", "binary_little_endian", "binary_big_endian"])
def test_lists_of_fractions_beside_the_corners_of_faces_are_fine(tmp_path, order, sizes):
    """Coordinates of a texture: as many a face, or another number in each."""
    head = (
        f"ply\nformat {order} 1.0\nelement vertex 4\nproperty float x\nproperty float y\n"
        "property float z\nelement face 2\nproperty list uchar int vertex_indices\n"
        "property list uchar float texcoord\nend_header\n"
    )
    places = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0)]
    faces = list(zip([(0, 1, 2), (1, 3, 2)], sizes, strict=True))
    if order == "ascii":
        rows = [" ".join(map(str, place)) for place in places]
        for face, size in faces:
            rows.append(" ".join(map(str, (3, *face, size, *[0.25] * size))))
        body = "\n".join(rows).encode() + b"\n"
    else:
        mark = "<" if "little" in order else ">"
        body = b"".join(struct.pack(mark + "3f", *place) for place in places)
        for face, size in faces:
            body += struct.pack(f"{mark}B3iB{size}f", 3, *face, size, *[0.25] * size)
    (tmp_path / "m.ply").write_bytes(head.encode() + body)
    graph = gm.read_graph(tmp_path / "m.ply")
    assert (graph.num_nodes, graph.num_edges) == (4, 5)
