"""Make the corpus of bad files: ``python tests/corpus/make_corpus.py``.

Writes every file below ``files/`` and, beside it, ``manifest.json``: the exact error of each. The
errors in the manifest are recorded from a run and read by people: look at its diff before you
commit it. What git or a small file cannot hold (links, pipes, bombs) is made by `special_files`
when the test runs.
"""

import io
import json
import os
import pickle
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from valid_files import (  # noqa: E402
    CSV,
    CYTOSCAPE,
    GEXF,
    GIFTI,
    GML,
    GRAPHML,
    KONECT,
    MATRIX_MARKET,
    METIS,
    NODE_LINK,
    OBJ,
    OFF,
    PAJEK,
    PIXELS,
    PLY,
    STL,
    adj_data,
    binary_stl,
    collated,
    graphmlz,
    gzipped,
    h5ad,
    mat,
    packed_gifti,
    valid_files,
)

FILES = HERE / "files"
NUMBERS = ["nan", "NaN", "inf", "-Infinity", "1e999", "1.0", "true", "0x10", "1_0", "-1"]


class Payload:
    """Unpickling this calls `os.system`, which the audit hook of the test would see."""

    def __reduce__(self):
        return (os.system, ("echo graphmax-pickle-payload",))


def general():
    """Yield the same damage to the valid file of every format."""
    for ending, data in {**valid_files(), **more_kinds()}.items():
        yield f"empty.{ending}", b""
        yield f"noise.{ending}", np.random.default_rng(7).bytes(300)
        yield f"zeros.{ending}", bytes(200)
        yield f"half.{ending}", data[: len(data) // 2]
        yield f"most.{ending}", data[: -max(3, len(data) // 10)]
        yield f"start.{ending}", data[:7]
        yield f"nul.{ending}", data[: len(data) // 2] + b"\0" + data[len(data) // 2 :]
        yield f"latin.{ending}", data[: len(data) // 2] + b"\xe9\xff" + data[len(data) // 2 :]
        yield f"utf16.{ending}", data.decode("latin-1").encode("utf-16")
        yield f"pickle.{ending}", pickle.dumps(Payload(), 2)
        yield f"html.{ending}", b"<!DOCTYPE html><html><body>404</body></html>\n"
        for place in (3, 5, 7):
            flipped = bytearray(data)
            flipped[len(data) * place // 10] ^= 0x55
            yield f"flip{place}.{ending}", bytes(flipped)


def more_kinds():
    """Return valid files of other kinds of formats that `valid_files` has."""
    return {
        "graphmlz": graphmlz(),
        "mat": mat(),
        "konect": KONECT,
        "collated.pt": collated(),
        "adj.npz": adj_data(),
        "binary.stl": binary_stl(),
        "packed.gii": packed_gifti(),
    }


def sciences():
    """Yield damaged .h5ad, few of them, for each takes seconds, and files of other kinds."""
    data = h5ad()
    yield "half.h5ad", data[: len(data) // 2]
    yield "empty.h5ad", b""
    yield "noise.h5ad", np.random.default_rng(7).bytes(300)
    yield "start.h5ad", data[:7]
    yield "pickle.h5ad", pickle.dumps(Payload(), 2)
    yield "text.graphmlz", gzipped(b"not XML")
    yield "half-inside.graphmlz", gzipped(GRAPHML[:300])
    yield "two-roots.graphmlz", gzipped(GRAPHML + GRAPHML)
    yield "v73.mat", b"MATLAB 7.3 MAT-file".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(100)
    yield "none.mat", saved_matrix(A=np.zeros((2, 3)))
    yield "two.mat", saved_matrix(A=np.eye(3), B=np.eye(4))
    yield "names.mat", saved_matrix(A=np.array([["a", "b"], ["c", "d"]], object))
    yield "banner.konect", b"% asym weighted\n"
    yield "one-column.konect", b"% sym\n% 2 2 2\n1\n2\n"
    yield "float.konect", b"% sym unweighted\n1 2\n2.5 3\n"
    yield "triangles.stl", bytes(80) + (10**6).to_bytes(4, "little") + bytes(50)
    yield "nan.stl", STL.replace(b"vertex 1 0 0", b"vertex nan 0 0")
    yield "two-corners.stl", STL.replace(b"vertex 1 0 0\n", b"")
    yield "word.stl", STL.replace(b"vertex 1 0 0", b"vertex one 0 0")
    yield "triangle.gii", GIFTI.replace(b"<Data>0 1 2<", b"<Data>0 1 7<")
    yield "count.gii", GIFTI.replace(b'Dim0="3"', b'Dim0="4"')
    yield "huge.gii", GIFTI.replace(b'Dim0="3"', b'Dim0="99999999999"')
    yield "type.gii", GIFTI.replace(b"FLOAT32", b"COMPLEX64")
    yield "elsewhere.gii", GIFTI.replace(b'"ASCII"', b'"ExternalFileBinary"')
    yield (
        "points-only.gii",
        GIFTI.partition(b'<DataArray Intent="NIFTI_INTENT_TRI')[0] + b"</GIFTI>",
    )
    for name, changed in {
        "pointers": {"adj_indptr": np.array([0, 1, 9, 4])},
        "descending": {"adj_indptr": np.array([0, 3, 1, 4])},
        "columns": {"adj_indices": np.array([1, 0, 2, 7])},
        "shape": {"adj_shape": np.array([3, 10**9])},
        "huge-shape": {"adj_shape": np.array([10**12, 10**12])},
        "short": {"adj_data": np.ones(3, np.float32)},
        "text": {"adj_data": np.array(["a"] * 4)},
    }.items():
        yield f"{name}.adj.npz", adj_data(**changed)


def saved_matrix(**arrays):
    """Return the bytes of a .mat file; its head names no day."""
    import scipy.io

    stream = io.BytesIO()
    scipy.io.savemat(stream, arrays)
    return b"MATLAB 5.0 MAT-file".ljust(116) + stream.getvalue()[116:]


def edge_lists():
    """Yield text tables whose cells are wrong."""
    for i, word in enumerate(NUMBERS):
        yield f"id{i}.csv", f"src,dst\n1,2\n3,{word}\n".encode()
        yield f"weight{i}.csv", f"src,dst,weight\n1,2,1\n2,3,{word}\n".encode()
        yield f"id{i}.txt", f"# c\n1 2\n{word} 3\n".encode()
    yield "missing-id.csv", b"src,dst\n1,2\n,3\n"
    yield "blank-id.tsv", b"src\tdst\n1\t2\n \t3\n"
    yield "fields.csv", b"src,dst\n1,2\n3,4,5\n"
    yield "fields-few.csv", b"src,dst\n1,2\n3\n"
    yield "fields.txt", b"1 2\n2 3 4\n"
    yield "one-column.csv", b"src\n1\n2\n"
    yield "header-twice.csv", b"src,src\n1,2\n"
    yield "quote-open.csv", b'src,dst\n"a,b\nc,d\n'
    yield "quote-after.csv", b'src,dst\n"a"x,b\n'
    yield "comments.csv", b"# nothing\n# here\n\n"
    yield "float-ids.csv", b"src,dst\n0.5,1.5\n"
    yield "exponent-ids.csv", b"src,dst\n1,1e3\n"
    yield "mixed-ids.csv", b"src,dst\n1,1.0\n1,true\n"
    yield "not-gzip.csv.gz", CSV
    yield "gzip-twice.csv.gz", gzipped(gzipped(CSV))
    yield "gzip.csv", gzipped(CSV)
    yield "gzip-empty.csv.gz", gzipped(b"")
    yield "gzip-tail.csv.gz", gzipped(CSV) + b"more"
    yield "gzip-cut.txt.gz", gzipped(b"1 2\n" * 99)[:-8]
    yield "late-float.csv", b"1,2\n" * 5000 + b"1,2.5\n"
    yield "late-nul.csv", b"a,b\n" * 5000 + b"a,\0\n"
    yield "late-latin.csv", b"a,b\n" * 5000 + b"caf\xe9,b\n"


def node_tables():
    """Yield pairs of edges and nodes that do not fit."""
    for name, nodes in {
        "lacks": b"id\n1\n",
        "twice": b"id\n1\n2\n1\n",
        "float": b"id\n1\n2.0\n",
        "mixed": b"id\n1\n2\ntrue\n",
        "text": b"id\na\nb\n",
        "void": b"id,x\n1,1\n,2\n",
        "fields": b"id,x\n1,1\n2\n",
        "names": b"id,x,x\n1,1,2\n2,2,3\n",
        "nul": b"id\n1\n2\0\n",
    }.items():
        yield f"pair-{name}.csv", b"src,dst\n1,2\n"
        yield f"pair-{name}.nodes.csv", nodes


def xml():
    """Yield GraphML and GEXF that are hostile or wrong."""
    laughs = b"<!DOCTYPE lolz [<!ENTITY a 'ha'>" + b"".join(
        f"<!ENTITY {chr(98 + i)} '{('&' + chr(97 + i) + ';') * 10}'>".encode() for i in range(9)
    )
    for ending, valid in (("graphml", GRAPHML), ("gexf", GEXF)):
        head, _, rest = valid.partition(b"\n")
        yield f"laughs.{ending}", head + laughs + b"]>" + rest.replace(b'"a"', b'"&j;"')
        yield (
            f"external.{ending}",
            head + b"<!DOCTYPE g [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" + rest,
        )
        yield f"dtd.{ending}", head + b"<!DOCTYPE g SYSTEM 'http://127.0.0.1:9/g.dtd'>" + rest
        yield f"entity.{ending}", valid.replace(b'"a"', b'"&nbsp;"')
        yield f"deep.{ending}", head + b"<x>" * 5000 + b"</x>" * 5000
        yield f"open.{ending}", valid.replace(b"</graph>", b"")
        yield f"node-twice.{ending}", valid.replace(b'<node id="b"', b'<node id="a"')
        yield f"node-nameless.{ending}", valid.replace(b'<node id="c"', b"<node")
        yield f"edge-endless.{ending}", valid.replace(b' target="c"', b"")
        yield f"edge-nowhere.{ending}", valid.replace(b'target="c"', b'target="q"')
        yield (
            f"graph-none.{ending}",
            valid.replace(b"<graph ", b"<grape ").replace(b"</graph>", b"</grape>"),
        )
        yield f"encoding.{ending}", valid.replace(b"utf-8", b"klingon")
        yield f"control.{ending}", valid.replace(b'"a"', b'"\x01"')
        yield f"reference.{ending}", valid.replace(b'"a"', b'"&#0;"')
        for i, word in enumerate(["-1", "nan", "-inf", "heavy", ""]):
            yield (
                f"weight{i}.{ending}",
                valid.replace(b">0.5<", f">{word}<".encode()).replace(
                    b'weight="0.5"', f'weight="{word}"'.encode()
                ),
            )
        yield (
            f"long{0}.{ending}",
            valid.replace(b">3<", b">3.5<").replace(b'value="3"', b'value="3.5"'),
        )
        yield (
            f"digits.{ending}",
            valid.replace(b">3<", b">" + b"9" * 5000 + b"<").replace(
                b'value="3"', b'value="' + b"9" * 5000 + b'"'
            ),
        )
    yield "two.graphml", GRAPHML.replace(b"</graph>", b"</graph><graph edgedefault='directed'/>")
    yield "key.graphml", GRAPHML.replace(b'key="h"', b'key="zz"')
    yield "hyper.graphml", GRAPHML.replace(b"</graph>", b"<hyperedge/></graph>")
    yield (
        "port.graphml",
        GRAPHML.replace(b'<node id="c"/>', b'<node id="c"><port name="p"/></node>'),
    )
    yield "direction.graphml", GRAPHML.replace(b'target="b">', b'target="b" directed="true">')
    yield "type.gexf", GEXF.replace(b'id="1" source', b'id="1" type="undirected" source')
    yield "version.gexf", GEXF.replace(b"http://www.gexf.net/1.2draft", b"http://example.com/x")


def gml():
    """Yield GML that is wrong."""
    yield "id-twice.gml", GML.replace(b"id 2", b"id 1")
    yield "id-none.gml", GML.replace(b"id 3 ", b"")
    yield "id-float.gml", GML.replace(b"id 3", b"id 3.0")
    yield "id-mixed.gml", GML.replace(b"id 3", b'id "1"')
    yield "target-none.gml", GML.replace(b"target 3", b"")
    yield "target-nowhere.gml", GML.replace(b"target 3", b"target 1000000000000")
    yield "node-flat.gml", GML.replace(b'[ id 3 label "Cy" ]', b"7")
    yield "graph-none.gml", GML.replace(b"graph", b"grape")
    yield "graph-two.gml", GML + GML
    yield "graph-flat.gml", b"graph 7\n"
    yield "open.gml", GML.rstrip()[:-1]
    yield "close.gml", GML + b"]\n"
    yield "quote.gml", GML.replace(b'"Cy"', b'"Cy')
    yield "key.gml", GML.replace(b"height 3", b"7 3")
    yield "value.gml", GML.replace(b"height 3", b"height three")
    yield "deep.gml", b"graph [ " + b"a [ " * 5000
    for i, word in enumerate([b"-1", b"nan", b"-INF", b'"heavy"']):
        yield f"weight{i}.gml", GML.replace(b"weight 0.5", b"weight " + word)
    yield "weight-some.gml", GML.replace(b"weight 0.5", b"")


def pajek():
    """Yield Pajek networks that are wrong."""
    yield "count-huge.net", PAJEK.replace(b"*Vertices 3", b"*Vertices 1000000000000")
    yield "count-negative.net", PAJEK.replace(b"*Vertices 3", b"*Vertices -3")
    yield "count-word.net", PAJEK.replace(b"*Vertices 3", b"*Vertices many")
    yield "count-none.net", PAJEK.replace(b"*Vertices 3", b"*Vertices")
    yield "count-twice.net", PAJEK.replace(b"*Arcs", b"*Vertices 3\n*Arcs")
    yield "vertices-none.net", b"*Arcs\n1 2\n"
    yield "vertex-beyond.net", PAJEK.replace(b'3 "Cy"', b'4 "Cy"')
    yield "vertex-twice.net", PAJEK.replace(b'3 "Cy"', b'2 "Cy"')
    yield "quote.net", PAJEK.replace(b'"Cy"', b'"Cy')
    yield "arc-nowhere.net", PAJEK.replace(b"1 2 0.5", b"1 1000000000000 0.5")
    yield "arc-zero.net", PAJEK.replace(b"1 2 0.5", b"0 2 0.5")
    yield "arc-float.net", PAJEK.replace(b"1 2 0.5", b"1.0 2 0.5")
    yield "arc-one.net", PAJEK.replace(b"1 2 0.5", b"1")
    yield "section.net", PAJEK.replace(b"*Arcs", b"*Matrix")
    yield "preface.net", b"hello\n" + PAJEK
    for i, word in enumerate([b"-1", b"nan", b"-inf", b"heavy"]):
        yield f"weight{i}.net", PAJEK.replace(b"0.5", word)


def jsons():
    """Yield JSON that is wrong."""
    for i, word in enumerate(["1.0", "true", "null", "[1]", "{}", "NaN", "1e400", '"1"']):
        yield f"id{i}.json", NODE_LINK.replace(b'{"id": 3}', f'{{"id": {word}}}'.encode())
        yield (
            f"id{i}.cyjs",
            CYTOSCAPE.replace(b'"id": "b"', f'"id": {word}'.encode()) if i < 7 else b"[]",
        )
        yield f"end{i}.json", NODE_LINK.replace(b'"target": 3', f'"target": {word}'.encode())
        yield (
            f"weight{i}.json",
            NODE_LINK.replace(b'"weight": 2', f'"weight": {word}'.encode())
            if i not in (0,)
            else b"7",
        )
    yield "weight-negative.json", NODE_LINK.replace(b'"weight": 2', b'"weight": -2')
    yield "weight-some.json", NODE_LINK.replace(b', "weight": 2', b"")
    yield "id-twice.json", NODE_LINK.replace(b'"id": 3', b'"id": 2')
    yield "id-none.json", NODE_LINK.replace(b'{"id": 3}', b"{}")
    yield "id-twice.cyjs", CYTOSCAPE.replace(b'"id": "b"', b'"id": "a"')
    yield "end-none.json", NODE_LINK.replace(b'"target": 3', b'"goal": 3')
    yield "end-none.cyjs", CYTOSCAPE.replace(b'"target": "b"', b'"goal": "b"')
    yield "end-nowhere.json", NODE_LINK.replace(b'"target": 3', b'"target": 1000000000000')
    yield "end-nowhere.cyjs", CYTOSCAPE.replace(b'"target": "b"', b'"target": "q"')
    yield "both.json", NODE_LINK.replace(b'"edges"', b'"links": [], "edges"')
    yield "key-twice.json", NODE_LINK.replace(b'"id": 3', b'"id": 3, "id": 4')
    yield "nodes-object.json", b'{"nodes": {}, "edges": []}'
    yield "nodes-numbers.json", b'{"nodes": [1, 2], "edges": []}'
    yield "edges-pairs.json", b'{"nodes": [{"id": 1}], "edges": [[1, 1]]}'
    yield "directed.json", NODE_LINK.replace(b'"directed": false', b'"directed": "yes"')
    yield "adjacency.json", b'{"directed": false, "nodes": [], "adjacency": []}'
    yield "elements.cyjs", b'{"elements": 7}'
    yield "element-bare.cyjs", b'{"elements": {"nodes": [{"id": "a"}], "edges": []}}'
    yield "note.json", NODE_LINK.replace(b'"graph": {}', b'"graph": {"graphmax": {"directed": 3}}')
    yield (
        "note-kind.json",
        NODE_LINK.replace(
            b'"graph": {}', b'"graph": {"graphmax": {"dtypes": {"height": "uint8x"}}}'
        ),
    )
    yield (
        "note-lies.json",
        NODE_LINK.replace(b'"graph": {}', b'"graph": {"graphmax": {"dtypes": {"height": "bool"}}}'),
    )
    yield (
        "note-labels.json",
        NODE_LINK.replace(b'"graph": {}', b'"graph": {"graphmax": {"labels": "none"}}'),
    )
    yield "deep.json", b'{"nodes": ' + b"[" * 5000
    yield "deep-closed.json", b'{"nodes": ' + b"[" * 500 + b"]" * 500 + b', "edges": []}'
    yield "digits.json", NODE_LINK.replace(b'"height": 3', b'"height": ' + b"9" * 5000)
    yield "comma.json", NODE_LINK.replace(b'"height": 3', b'"height": 3,')
    yield "surrogate.json", NODE_LINK.replace(b'{"id": 3}', b'{"id": "\\ud800", "id": 1}')


def matrices():
    """Yield Matrix Market and METIS files that are wrong."""
    size = b"3 3 2\n"
    for name, line in {
        "huge": b"1000000000000 1000000000000 2\n", "entries": b"3 3 1000000000000\n", "oblong": b"3 4 2\n",
        "few": b"3 3 3\n", "many": b"3 3 1\n", "negative": b"-3 -3 2\n", "float": b"3.0 3 2\n", "two": b"3 3\n",
        "word": b"three 3 2\n", "digits": b"9" * 300 + b" 3 2\n",
    }.items():  # fmt: skip
        yield f"size-{name}.mtx", MATRIX_MARKET.replace(size, line)
    for name, old, new in (
        ("banner", b"%%MatrixMarket", b"%MatrixMarket"), ("object", b" matrix ", b" vector "),
        ("format", b"coordinate", b"coordinates"), ("field", b" real ", b" royal "), ("complex", b" real ", b" complex "),
        ("symmetry", b"symmetric", b"hermitean"), ("index", b"3 2 2", b"4 2 2"), ("zero", b"3 2 2", b"0 2 2"),
        ("entry", b"3 2 2", b"3 2"), ("word", b"0.5", b"half"), ("nan", b"0.5", b"nan"), ("negative", b"0.5", b"-0.5"),
        ("skew", b"symmetric", b"skew-symmetric"), ("big", b"3 2 2", b"99999999999999999999 2 2"),
    ):  # fmt: skip
        yield f"{name}.mtx", MATRIX_MARKET.replace(old, new)
    yield "dense.mtx", b"%%MatrixMarket matrix array real general\n1000000 1000000\n1\n"
    yield (
        "dense-short.mtx",
        b"%%MatrixMarket matrix array real general\n3 3\n1\n2\n3\n4\n5\n6\n7\n8\n",
    )
    first = b"3 2 011"
    for name, line in {
        "huge": b"1000000000000 2 011", "nodes": b"4 2 011", "fewer": b"2 2 011", "edges": b"3 3 011",
        "negative": b"-3 2", "word": b"three 2", "one": b"3", "five": b"3 2 011 1 1", "flags": b"3 2 012", "long": b"3 2 0111",
        "constraints": b"3 2 011 3", "plain": b"3 2",
    }.items():  # fmt: skip
        yield f"header-{name}.graph", METIS.replace(first, line)
    for name, old, new in (
        ("nowhere", b"7 2 5", b"7 9 5"), ("zero", b"7 2 5", b"7 0 5"), ("word", b"7 2 5", b"7 two 5"), ("float", b"7 2 5", b"7 2 5.5"),
        ("one-sided", b"7 2 5", b"7 3 5"), ("unequal", b"7 2 5", b"7 2 6"), ("minus", b"2 5", b"2 -5"), ("cut", b"9 2 6", b"9 2"),
        ("big", b"7 2 5", b"99999999999999999999 2 5"), ("loop", b"7 2 5", b"7 1 5"),
    ):  # fmt: skip
        yield f"{name}.graph", METIS.replace(old, new)
    yield "comments.graph", b"% nothing\n"


def meshes():
    """Yield meshes that are wrong."""
    yield "count-huge.off", OFF.replace(b"4 2 0", b"1000000000000 2 0")
    yield "count-faces.off", OFF.replace(b"4 2 0", b"4 1000000000000 0")
    yield "count-more.off", OFF.replace(b"4 2 0", b"9 2 0")
    yield "count-word.off", OFF.replace(b"4 2 0", b"four 2 0")
    yield "face-nowhere.off", OFF.replace(b"3 1 2 3", b"3 1 2 9")
    yield "face-minus.off", OFF.replace(b"3 1 2 3", b"3 1 2 -9")
    yield "vertex-word.off", OFF.replace(b"1 1 0", b"1 one 0")
    yield "vertex-nan.off", OFF.replace(b"1 1 0", b"1 nan 0")
    yield "none.off", b"OFF\n0 0 0\n"
    yield "count-huge.ply", PLY.replace(b"vertex 4", b"vertex 1000000000000")
    yield "count-faces.ply", PLY.replace(b"face 2", b"face 1000000000000")
    yield "count-more.ply", PLY.replace(b"vertex 4", b"vertex 9")
    yield "face-nowhere.ply", PLY.replace(b"3 1 2 3", b"3 1 2 9")
    yield "format.ply", PLY.replace(b"ascii", b"klingon")
    yield "binary.ply", PLY.replace(b"ascii", b"binary_little_endian")
    yield "header.ply", PLY.replace(b"end_header\n", b"")
    yield "type.ply", PLY.replace(b"float x", b"flute x")
    yield "vertex-word.ply", PLY.replace(b"1 1 0", b"1 one 0")
    yield "vertex-two.obj", OBJ.replace(b"v 1 1 0", b"v 1 1")
    yield "vertex-word.obj", OBJ.replace(b"v 1 1 0", b"v 1 one 0")
    yield "vertex-nan.obj", OBJ.replace(b"v 1 1 0", b"v 1 nan 0")
    yield "face-nowhere.obj", OBJ.replace(b"f 1 2 3", b"f 1 2 1000000000000")
    yield "face-zero.obj", OBJ.replace(b"f 1 2 3", b"f 0 2 3")
    yield "face-minus.obj", OBJ.replace(b"f 1 2 3", b"f -9 2 3")
    yield "face-word.obj", OBJ.replace(b"f 1 2 3", b"f a b c")
    yield "none.obj", b"# nothing\nvn 0 0 1\n"


def zipped(**members):
    """Return the bytes of an archive with these members, always the same."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), data, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def npy(array):
    """Return the bytes of an NPY file."""
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def with_header(text, data=b""):
    """Return the bytes of an NPY file with a header of one's own."""
    return (
        b"\x93NUMPY\x01\x00" + (len(text) + 1).to_bytes(2, "little") + text.encode() + b"\n" + data
    )


def arrays():
    """Yield NPZ, NPY and .pt files that are hostile or wrong."""
    payload = npy(np.array([Payload()], object))
    base = {"format": np.array("csr"), "shape": np.array([2, 2]), "data": np.ones(2),
            "indices": np.array([1, 0]), "indptr": np.array([0, 1, 2])}  # fmt: skip
    for name, changed in {
        "beyond": {"indices": np.array([1, 5])}, "negative": {"indices": np.array([1, -1])},
        "pointers": {"indptr": np.array([0, 2, 1])}, "end": {"indptr": np.array([0, 1, 99])},
        "oblong": {"shape": np.array([2, 3])}, "huge": {"shape": np.array([10**12] * 2)},
        "format": {"format": np.array("bsr")}, "format-number": {"format": np.array(7)},
        "formats": {"format": np.array(["csr", "csc"])},
        "float": {"indices": np.ones(2)}, "weights": {"data": -np.ones(2)}, "nan": {"data": np.full(2, np.nan)},
        "short": {"data": np.ones(1)}, "text": {"data": np.array(["a", "b"])}, "axes": {"indices": np.ones((1, 2), int)},
        "empty-shape": {"shape": np.array([], int)},
    }.items():  # fmt: skip
        yield (
            f"sparse-{name}.npz",
            zipped(**{f"{key}__npy": npy(a) for key, a in (base | changed).items()}),
        )
    coo = {"format": np.array("coo"), "shape": np.array([10**9] * 2), "data": np.ones(1),
           "row": np.array([0]), "col": np.array([1])}  # fmt: skip
    yield "sparse-declared.npz", zipped(**{f"{key}__npy": npy(a) for key, a in coo.items()})
    for key in base:
        yield (
            f"lacks-{key}.npz",
            zipped(**{f"{k}__npy": npy(a) for k, a in base.items() if k != key}),
        )
    yield "pickle-member.npz", zipped(x__npy=payload)
    yield "pickle-labels.npz", zipped(graphmax__npy=npy(np.zeros(1, np.uint8)), labels__npy=payload)
    yield "no-arrays.npz", zipped(readme__txt=b"hello")
    yield "nothing.npz", zipped()
    headers = {
        "long": "{'descr': '<i8', 'fortran_order': False, 'shape': (1000000000000,), }",
        "minus": "{'descr': '<i8', 'fortran_order': False, 'shape': (-1,), }",
        "object": "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "record": "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (1,), }",
        "void": "{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }",
        "complex": "{'descr': '<c16', 'fortran_order': False, 'shape': (1,), }",
        "zero": "{'descr': '|S0', 'fortran_order': False, 'shape': (1000000000000,), }",
        "kind": "{'descr': 'klingon', 'fortran_order': False, 'shape': (1,), }",
        "call": "__import__('os').system('echo graphmax-pickle-payload')",
        "keys": "{'descr': '<i8'}",
        "deep": "(" * 3000,
        "float": "{'descr': '<i8', 'fortran_order': False, 'shape': (1.5,), }",
        "axes": "{'descr': '<i8', 'fortran_order': False, 'shape': (" + "1," * 70 + "), }",
        "wide": "{'descr': '<U1000000000', 'fortran_order': False, 'shape': (1,), }",
    }
    for name, text in headers.items():
        yield f"header-{name}.npz", zipped(x__npy=with_header(text, bytes(8)))
        yield f"header-{name}.npy", with_header(text, bytes(8))
    yield "pickle-object.npy", payload
    yield "axes.npy", npy(np.zeros((1, 1, 1, 1)))
    yield "scalar.npy", npy(np.array(7))
    yield "text.npy", npy(np.array(["a", "b"]))


def torch_files():
    """Yield .pt files that would run code, or that are forged."""
    import torch
    from torch_geometric.data import Data, HeteroData

    def saved(value):
        stream = io.BytesIO()
        torch.save(value, stream)
        return stream.getvalue()

    pairs = torch.tensor([[0, 1], [1, 2]])
    yield "payload.pt", saved({"edge_index": Payload()})
    yield "payload-data.pt", saved(Data(edge_index=pairs, x=Payload()))
    yield "module.pt", saved(torch.nn.ReLU())
    yield "hetero.pt", saved(HeteroData())
    yield "list.pt", saved([pairs])
    yield "tensor.pt", saved(pairs)
    yield "dict.pt", saved({"x": pairs})
    yield "legacy.pt", pickle.dumps({"edge_index": [[0], [1]]})
    yield "float.pt", saved({"edge_index": pairs.float()})
    yield "axes.pt", saved({"edge_index": pairs[0]})
    yield "negative.pt", saved(Data(edge_index=-pairs, num_nodes=3))
    yield "beyond.pt", saved(Data(edge_index=pairs, num_nodes=2))
    yield "huge.pt", saved(Data(edge_index=pairs, num_nodes=10**12))
    yield "large.pt", saved(Data(edge_index=pairs * 10**8))
    yield "counted.pt", saved(Data(edge_index=pairs, num_nodes=10**8))
    yield "largest.pt", saved(Data(edge_index=pairs * 10**12))
    yield "weights.pt", saved(Data(edge_index=pairs, edge_weight=torch.tensor([-1.0, 2])))
    yield "nan.pt", saved(Data(edge_index=pairs, edge_weight=torch.tensor([float("nan"), 2])))
    yield "none.pt", saved(Data())
    yield "zip.pt", zipped(a__txt=b"hello")
    valid = saved(Data(edge_index=pairs))
    members = {}
    with zipfile.ZipFile(io.BytesIO(valid)) as archive:
        for name in archive.namelist():
            members[name] = archive.read(name)
    data = next(name for name in members if name.endswith("data.pkl"))
    yield (
        "storage-short.pt",
        _rezipped(members, {name: b"\1" for name in members if "/data/" in name}),
    )
    yield "storage-gone.pt", _rezipped({k: v for k, v in members.items() if "/data/" not in k}, {})
    yield "pickle-cut.pt", _rezipped(members, {data: members[data][:50]})
    yield (
        "pickle-global.pt",
        _rezipped(members, {data: b"cos\nsystem\n(S'echo graphmax-pickle-payload'\ntR."}),
    )
    yield "pickle-deep.pt", _rezipped(members, {data: b"\x80\x02" + b"(" * 10000})
    yield "pickle-text.pt", _rezipped(members, {data: b"\x80\x02X\x05\x00"})
    yield "pickle-memo.pt", _rezipped(members, {data: b"\x80\x02h\xff."})
    yield (
        "pickle-big.pt",
        _rezipped(
            members,
            {data: members[data].replace(b"K\x04", b"\x8a\x06" + bytes([0, 0, 0, 0, 0, 9]))},
        ),
    )


def _rezipped(members, changed):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in {**members, **changed}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def images():
    """Yield images that are wrong or of a kind that cannot be kept exactly."""
    import struct
    import zlib

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    def png(width, height, depth, color, data=b""):
        head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
        body = chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body

    yield "huge.png", png(2**31 - 1, 2**31 - 1, 8, 0)
    yield "large.png", png(100_000, 100_000, 8, 0)
    yield "short.png", png(50, 50, 8, 0, bytes(100))
    yield "deep-color.png", png(1, 1, 16, 2, bytes(7))
    yield "empty-side.png", png(0, 5, 8, 0)
    yield "depth.png", png(2, 2, 3, 0, bytes(6))
    yield "color.png", png(2, 2, 8, 9, bytes(6))
    yield "no-data.png", b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b"")
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(PIXELS).convert("CMYK").save(stream, "TIFF")
    yield "cmyk.tif", stream.getvalue()
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "GIF")
    yield "gif.png", stream.getvalue()


def parquets():
    """Yield Parquet tables whose columns are wrong."""
    import tempfile

    import duckdb

    queries = {
        "float-ids": "select 1.5::double as src, 2::bigint as dst",
        "bool-ids": "select true as src, 2 as dst",
        "date-ids": "select date '2020-01-01' as src, 2 as dst",
        "list-ids": "select [1] as src, 2 as dst",
        "null-ids": "select * from (values (1, 2), (null, 3)) t(src, dst)",
        "one-column": "select 1 as src",
        "negative": "select 1 as src, 2 as dst, -1.0::double as weight",
        "nan": "select 1 as src, 2 as dst, 'nan'::double as weight",
        "null-weight": "select * from (values (1, 2, 1.0), (2, 3, null)) t(src, dst, weight)",
        "text-weight": "select 1 as src, 2 as dst, 'x' as weight",
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, query in queries.items():
            file = Path(folder) / f"{name}.parquet"
            duckdb.sql(f"copy ({query}) to '{file}' (format parquet)")
            yield f"{name}.parquet", file.read_bytes()
        file = Path(folder) / "note.parquet"
        duckdb.sql(
            f"copy (select 1 as src, 2 as dst) to '{file}' (format parquet, kv_metadata {{graphmax: '['}})"
        )
        yield "note.parquet", file.read_bytes()


def endings():
    """Yield names that say nothing or the wrong thing."""
    text = b"who,whom\nann,bob\nbob,cy\n"  # of integers it would be an edge list under any name
    yield "graph", text
    yield "graph.docx", text
    yield "graph.csv.zip", text
    yield "graph.csv.bz2", text


FAMILIES = (
    general, edge_lists, node_tables, xml, gml, pajek, jsons, matrices, meshes, arrays, torch_files,
    images, parquets, endings, sciences,
)  # fmt: skip


def special_files(folder):
    """Make what git cannot hold or what is large; return the names and the errors expected."""
    (folder / "folder.csv").mkdir()
    (folder / "loop.csv").symlink_to(folder / "loop.csv")
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")
    (folder / "device.csv").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.csv")
    (folder / "bomb.csv.gz").write_bytes(gzipped(b"1,2\n" * 2**25, 9))
    (folder / "bomb.graphml.gz").write_bytes(gzipped(b" " * 2**27, 9))
    (folder / "bomb.npz").write_bytes(
        zipped(
            x__npy=with_header(
                "{'descr': '<i8', 'fortran_order': False, 'shape': (16777216,), }", bytes(2**27)
            )
        )
    )
    (folder / "bomb.pt").write_bytes(zipped(**{"a/data__pkl": bytes(2**27)}))
    limit = "`path` must decompress to at most 67108864 bytes, got "
    trust = "; pass max_ratio or max_bytes if the file is trusted"
    sizes = {
        name: (folder / name).stat().st_size
        for name in ("bomb.csv.gz", "bomb.graphml.gz", "bomb.npz", "bomb.pt")
    }
    members = {"bomb.npz": 2**27 + 72, "bomb.pt": 2**27}
    with zipfile.ZipFile(folder / "bomb.npz") as archive:
        members["bomb.npz"] = archive.infolist()[0].file_size
    bombs = {
        name: f"{limit}{members.get(name, 'more')} from {size} compressed bytes in {{folder}}/{name}{trust}"
        for name, size in sizes.items()
    }
    return {
        "folder.csv": "`path` must name a file, got a folder in {folder}/folder.csv; read_graphs reads a folder",
        "loop.csv": "`path` must name a file, got too many levels of symbolic links in {folder}/loop.csv",
        "gone.csv": "`path` must name an existing file, got {folder}/gone.csv",
        "device.csv": "`path` must name a regular file, got a device, pipe or socket in {folder}/device.csv",
        "pipe.csv": "`path` must name a regular file, got a device, pipe or socket in {folder}/pipe.csv",
        **bombs,
    }  # fmt: skip


def make(folder):
    """Write all files of the corpus into a folder and return their names."""
    names = []
    for family in FAMILIES:
        for name, data in family():
            assert name not in names, f"two files named {name}"
            assert len(data) < 50_000, f"{name} is too large"
            (folder / name).write_bytes(data)
            names.append(name)
    return names


def main():
    from run_corpus import outcome

    shutil.rmtree(FILES, ignore_errors=True)
    FILES.mkdir()
    manifest = {}
    for name in make(FILES):
        if ".nodes." in name:
            continue
        found = outcome(FILES / name)
        if found["error"] is None:  # still a valid file
            (FILES / name).unlink()
            print("reads:", name, found["graph"], file=sys.stderr)
            continue
        manifest[name] = {key: found[key] for key in ("error", "message", "line")}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True)
    (HERE / "manifest.json").write_text(text + "\n", encoding="utf-8")
    print(len(manifest), "files")


if __name__ == "__main__":
    main()
