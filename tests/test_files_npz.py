"""NPZ of SciPy, and NPZ that is hostile or wrong."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import scipy.sparse

from graphmax import Graph, GraphFileError, read_graph, write_graph

MATRIX = np.array([[0, 2, 0], [2, 0, 3], [0, 3, 0]])


class Payload:
    """Unpickling this would leave a trace."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('a pickle ran')",))


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("compressed", [True, False])
def test_matrices_of_scipy(tmp_path, kind, compressed):
    matrix = scipy.sparse.coo_array(MATRIX).asformat(kind)
    scipy.sparse.save_npz(tmp_path / "m.npz", matrix, compressed=compressed)
    graph = read_graph(tmp_path / "m.npz")
    assert not graph.directed
    np.testing.assert_array_equal(graph.edges(), [[0, 1], [1, 2]])
    np.testing.assert_array_equal(graph.edge_weights(), [2, 3])
    assert read_graph(tmp_path / "m.npz", weight=False).weights is None
    assert read_graph(tmp_path / "m.npz", directed=True).num_edges == 4


def test_a_matrix_without_symmetry_is_directed(tmp_path):
    scipy.sparse.save_npz(tmp_path / "m.npz", scipy.sparse.csr_array(np.triu(MATRIX)))
    graph = read_graph(tmp_path / "m.npz")
    assert graph.directed
    np.testing.assert_array_equal(graph.edges(), [[0, 1], [1, 2]])


def members(graph=None):
    graph = graph or Graph.from_edges(
        [0, 1], [1, 2], labels=["a", "b", "c"], attributes={"x": [1, 2, 3]}
    )
    stream = io.BytesIO()
    from graphmax.files import array_files

    class File:
        def open(self, _):
            return _Unclosed(stream)

    array_files.write(graph, File())
    return dict(np.load(io.BytesIO(stream.getvalue())))


class _Unclosed:
    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self.stream

    def __exit__(self, *_):
        return False


SPARSE = {
    "format": np.array("csr"), "shape": np.array([2, 2]), "data": np.ones(2),
    "indices": np.array([1, 0]), "indptr": np.array([0, 1, 2]),
}  # fmt: skip
COO = {
    "format": np.array("coo"), "shape": np.array([2, 2]), "data": np.ones(1),
    "row": np.array([0]), "col": np.array([1]),
}  # fmt: skip


def note(**changes):
    base = json.loads(members()["graphmax"].tobytes())
    return {"graphmax": np.frombuffer(json.dumps(base | changes).encode(), np.uint8)}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones(3)}, "must be written by write_graph or scipy.sparse.save_npz, got the arrays x"),
        (SPARSE | {"indices": np.array([1, 5])}, "must have indices from 0 to 1, got 5"),
        (SPARSE | {"indices": np.array([1, -1])}, "must have indices from 0 to 1, got -1"),
        (SPARSE | {"indptr": np.array([0, 2, 1])}, "must have pointers that ascend"),
        (SPARSE | {"indptr": np.array([0, 1, 9])}, "must have pointers that ascend"),
        (SPARSE | {"shape": np.array([2, 3])}, r"must hold a square matrix, got shape \(2, 3\)"),
        (SPARSE | {"shape": np.array([-2, -2])}, "must hold a square matrix"),
        (SPARSE | {"data": np.ones(5)}, "must hold one number an entry"),
        (SPARSE | {"data": np.ones(2, complex)}, "must hold arrays of numbers, text or times"),
        (SPARSE | {"data": np.array([np.nan, 1])}, "must not be NaN"),
        (SPARSE | {"format": np.array("bsr")}, "must hold a CSR, CSC or COO matrix, got 'bsr'"),
        (SPARSE | {"indices": np.ones(2)}, "must hold 1-D integer arrays"),
        (SPARSE | {"indices": np.array([1, 2**63], np.uint64)}, "indices of 64 bits"),
        (COO | {"shape": np.array([10**12] * 2)}, "must have at most 4000000 nodes, got 10{12}"),
        (COO | {"row": np.array([0, 1])}, "must have as many rows as columns"),
        (COO | {"row": np.array([7])}, "must have indices from 0 to 1, got 7"),
        ({"format": np.array("csr"), "shape": np.array([2, 2])}, "must hold the array 'indptr'"),
        (members() | {"indices": np.array([1, 0, 2, 7], np.int32)}, "must hold node indices"),
        (members() | {"indices": np.array([1, 0, 2, -1], np.int32)}, "must hold node indices"),
        (members() | {"indptr": np.array([0, 3, 1, 4])}, "must be sorted without repeats"),
        (members() | {"indptr": np.array([0.0, 1, 3, 4])}, "must hold 1-D integer arrays"),
        (members() | {"labels.ends": np.array([9, 1, 2])}, "must hold texts whose ends ascend"),
        (members() | {"labels.ends": np.array([1, 2])}, "must hold texts whose ends ascend"),
        (members() | {"labels.text": np.array([255, 1, 2], np.uint8)}, "codec can't decode"),
        (members() | {"a0": np.arange(2)}, "must have one entry per node"),
        (members() | {"graphmax": np.frombuffer(b"{", np.uint8)}, "must carry a valid graphmax metadata"),
        (members() | note(version=2), "must be of version 1 of the format"),
        (members() | note(names=[1]), "must be of version 1 of the format"),
        (members() | note(names=["x", "y"]), "must hold the array 'a1'"),
    ],
)  # fmt: skip
def test_refusals(tmp_path, arrays, message):
    np.savez(tmp_path / "g.npz", **arrays)
    with pytest.raises(GraphFileError, match=message):
        read_graph(tmp_path / "g.npz")


def test_a_direction_other_than_the_stored_one(tmp_path):
    write_graph(Graph.from_edges([0], [1]), tmp_path / "g.npz")
    assert not read_graph(tmp_path / "g.npz", directed=False).directed
    with pytest.raises(GraphFileError, match="must be directed, got the contrary"):
        read_graph(tmp_path / "g.npz", directed=True)


def test_objects_are_never_unpickled(tmp_path):
    np.savez(tmp_path / "g.npz", x=np.array([Payload()], object))
    with pytest.raises(
        GraphFileError, match="must hold no array of Python objects, got one in 'x.npy'"
    ):
        read_graph(tmp_path / "g.npz")


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return path


def npy(array, **replaced):
    stream = io.BytesIO()
    np.save(stream, array)
    data = stream.getvalue()
    for old, new in replaced.items():
        data = data.replace(old.encode(), new.encode())
    return data


BAD_HEADERS = {
    "a size beyond the data": npy(np.arange(3)).replace(b"(3,), }        ", b"(10000000000,),}"),
    "no magic": b"NUMPY" + bytes(100),
    "no header": b"\x93NUMPY\x01\x00",
    "deep nesting": b"\x93NUMPY\x02\x00" + (9000).to_bytes(4, "little") + b"(" * 9000,
    "a long header": b"\x93NUMPY\x02\x00" + (2**31).to_bytes(4, "little") + b" " * 50,
    "a pickle": pickle.dumps(Payload()),
    "no entries of no size": npy(np.zeros(3, "S1")).replace(b"|S1", b"|S0"),
}


@pytest.mark.parametrize("flaw", BAD_HEADERS)
def test_headers(tmp_path, flaw):
    with pytest.raises(GraphFileError, match="must hold|a bad header"):
        read_graph(zipped(tmp_path / "g.npz", x=BAD_HEADERS[flaw]))


def test_archives(tmp_path):
    path = tmp_path / "g.npz"
    write_graph(Graph.from_edges([0], [1]), path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"indptr.npy") + 150] ^= 1
    for data in (b"no zip", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(data)
        with pytest.raises(GraphFileError, match="must be a valid NPZ file, got damaged data"):
            read_graph(path)


def test_a_bomb(tmp_path):
    path = zipped(tmp_path / "g.npz", x=bytes(2**27))
    assert path.stat().st_size < 2**18
    with pytest.raises(GraphFileError, match="must decompress to at most .* pass max_ratio"):
        read_graph(path)


def test_an_array_twice(tmp_path):
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        archive.writestr("x.npy", npy(np.arange(3)))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("x.npy", npy(np.arange(3)))
    with pytest.raises(GraphFileError, match="must hold every array once"):
        read_graph(tmp_path / "g.npz")
