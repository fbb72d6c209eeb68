"""One small valid file of every format, as bytes: what the corpus and the fuzzer start from."""

import gzip
import io
import json
import tempfile
from pathlib import Path

import numpy as np

CSV = b"src,dst,weight\n1,2,0.5\n2,3,1\n3,1,2\n7,8,4\n"
GRAPHML = b"""<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="h" for="node" attr.name="height" attr.type="long"/>
<key id="w" for="edge" attr.name="weight" attr.type="double"/>
<graph edgedefault="undirected">
<node id="a"><data key="h">3</data></node>
<node id="b"><data key="h">5</data></node>
<node id="c"/>
<edge source="a" target="b"><data key="w">0.5</data></edge>
<edge source="b" target="c"><data key="w">2</data></edge>
</graph>
</graphml>
"""
GEXF = b"""<?xml version="1.0" encoding="utf-8"?>
<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">
<graph defaultedgetype="directed" mode="static">
<attributes class="node"><attribute id="0" title="height" type="long"/></attributes>
<nodes>
<node id="a" label="Ann"><attvalues><attvalue for="0" value="3"/></attvalues></node>
<node id="b" label="Bob"/>
<node id="c" label="Cy"/>
</nodes>
<edges>
<edge id="0" source="a" target="b" weight="0.5"/>
<edge id="1" source="b" target="c"/>
</edges>
</graph>
</gexf>
"""
GML = b"""graph
[
  directed 0
  node [ id 1 label "Ann" height 3 ]
  node [ id 2 label "Bob" height 5.5 ]
  node [ id 3 label "Cy" ]
  edge [ source 1 target 2 weight 0.5 ]
  edge [ source 2 target 3 weight 2 ]
]
"""
PAJEK = b"""*Network small
*Vertices 3
1 "Ann" 0.1 0.2
2 "Bob" 0.3 0.4
3 "Cy"
*Arcs
1 2 0.5
*Edges
2 3 2
"""
METIS = b"% small\n3 2 011\n7 2 5\n8 1 5 3 6\n9 2 6\n"
MATRIX_MARKET = b"""%%MatrixMarket matrix coordinate real symmetric
% small
3 3 2
2 1 0.5
3 2 2
"""
OFF = b"OFF\n4 2 0\n0 0 0\n1 0 0\n0 1 0\n1 1 0\n3 0 1 2\n3 1 2 3\n"
PLY = b"""ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 2
property list uchar int vertex_indices
end_header
0 0 0
1 0 0
0 1 0
1 1 0
3 0 1 2
3 1 2 3
"""
OBJ = b"# small\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1 2 3\nf 2/1 3/1 4/1\n"
NODE_LINK = json.dumps(
    {
        "directed": False, "multigraph": False, "graph": {},
        "nodes": [{"id": 1, "height": 3}, {"id": 2, "height": 5}, {"id": 3}],
        "edges": [{"source": 1, "target": 2, "weight": 0.5}, {"source": 2, "target": 3, "weight": 2}],
    }
).encode()  # fmt: skip
CYTOSCAPE = json.dumps(
    {
        "elements": {
            "nodes": [{"data": {"id": "a", "height": 3}}, {"data": {"id": "b"}}],
            "edges": [{"data": {"source": "a", "target": "b", "weight": 0.5}}],
        }
    }
).encode()


DOT = b'graph g { node [shape=box]; a [height=3]; b [height="5"]; a -- b -- {c d} [weight=.5]; }\n'
SIF = b"a pp b c\nb pd d\ne\n"
ADJACENCY = b"# small\n1 2 3\n2 3\n3 4\n4\n"
GAL = b"4\n1 2\n2 3\n2 2\n1 3\n3 2\n1 2\n4 0\n\n"
GWT = b"0 3 small id\n1 2 0.5\n2 1 0.5\n2 3 2\n3 2 2\n"
MATRIX = b",A,B,C\nA,0,1,0\nB,1,0,2.5\nC,0,2.5,0\n"
STL = b"""solid small
facet normal 0 0 1
outer loop
vertex 0 0 0
vertex 1 0 0
vertex 0 1 0
endloop
endfacet
endsolid small
"""


ASC = b"ncols 3\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9\n1 2 3\n4 -9 6\n"
GIFTI = b"""<?xml version="1.0"?><GIFTI>
<DataArray Intent="NIFTI_INTENT_POINTSET" DataType="NIFTI_TYPE_FLOAT32" Dim0="3" Dim1="3" Encoding="ASCII">
<Data>0 0 0 1 0 0 0 1 0</Data></DataArray>
<DataArray Intent="NIFTI_INTENT_TRIANGLE" DataType="NIFTI_TYPE_INT32" Dim0="1" Dim1="3" Encoding="ASCII">
<Data>0 1 2</Data></DataArray></GIFTI>
"""


def mat():
    """Bytes of a sparse matrix as MATLAB saves it."""
    import scipy.io
    import scipy.sparse

    stream = io.BytesIO()
    matrix = scipy.sparse.csc_array(np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]], float))
    scipy.io.savemat(stream, {"A": matrix})
    return stream.getvalue()


def binary_ply():
    """Bytes of a mesh of a triangle and a square, little-endian."""
    import struct

    head = PLY.partition(b"end_header")[0].replace(b"ascii", b"binary_little_endian")
    places = struct.pack("<12f", 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 1, 0)
    return head + b"end_header\n" + places + struct.pack("<B3iB4i", 3, 0, 1, 2, 4, 0, 1, 3, 2)


def parquet():
    """Bytes of a Parquet edge table, the same at every call."""
    import duckdb

    edges = "select * from (values ('a', 'b', 0.5::double), ('b', 'c', 2)) t(src, dst, weight)"
    with tempfile.TemporaryDirectory() as folder:
        duckdb.sql(f"copy ({edges}) to '{folder}/g.parquet' (format parquet)")
        return (Path(folder) / "g.parquet").read_bytes()


def npz():
    """Bytes of an NPZ file of `write_graph`."""
    from graphmax import Graph, write_graph

    graph = Graph.from_edges(
        [0, 1], [1, 2], weights=[0.5, 2], labels=["a", "b", "c"], attributes={"height": [3, 5, 4]}
    )
    with tempfile.TemporaryDirectory() as folder:
        write_graph(graph, Path(folder) / "g.npz")
        return (Path(folder) / "g.npz").read_bytes()


def sparse_npz():
    """Bytes of an NPZ file of SciPy."""
    import scipy.sparse

    stream = io.BytesIO()
    scipy.sparse.save_npz(
        stream, scipy.sparse.csr_array(np.array([[0, 1, 0], [1, 0, 2], [0, 2, 0]]))
    )
    return stream.getvalue()


def torch_file():
    """Bytes of a PyG ``Data`` saved by ``torch.save``."""
    import torch
    from torch_geometric.data import Data

    edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    stream = io.BytesIO()
    torch.save(Data(edge_index=edge_index, height=torch.tensor([3, 5, 4])), stream)
    return stream.getvalue()


PIXELS = np.array([[0, 50, 100, 7], [200, 250, 3, 7], [9, 9, 9, 7]], np.uint8)


def image(kind):
    """Bytes of a gray image."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, kind)
    return stream.getvalue()


def npy():
    """Bytes of an array."""
    stream = io.BytesIO()
    np.save(stream, PIXELS)
    return stream.getvalue()


def fuzzed_files():
    """Return the files that the fuzzer mutates: beside the valid ones those that hold dates."""
    return {**valid_files(), "mat": mat(), "binary.ply": binary_ply()}


def gzipped(data, level=9):
    """Compress to the same bytes under every Python: the tenth names the system, or none."""
    packed = gzip.compress(data, level, mtime=0)
    return packed[:9] + b"\x03" + packed[10:]


def valid_files():
    """Return the bytes of one valid file for each ending."""
    return {
        "csv": CSV,
        "tsv": CSV.replace(b",", b"\t"),
        "txt": b"# FromNodeId\tToNodeId\n1\t2\n2\t3\n3\t1\n",
        "csv.gz": gzipped(CSV),
        "parquet": parquet(),
        "graphml": GRAPHML,
        "gexf": GEXF,
        "gml": GML,
        "net": PAJEK,
        "json": NODE_LINK,
        "cyjs": CYTOSCAPE,
        "mtx": MATRIX_MARKET,
        "graph": METIS,
        "npz": npz(),
        "pt": torch_file(),
        "off": OFF,
        "ply": PLY,
        "obj": OBJ,
        "png": image("PNG"),
        "tif": image("TIFF"),
        "npy": npy(),
        "dot": DOT,
        "sif": SIF,
        "adjlist": ADJACENCY,
        "gal": GAL,
        "gwt": GWT,
        "matrix": MATRIX,
        "stl": STL,
        "asc": ASC,
        "gii": GIFTI,
        "g6": b"Dhc\n",
        "s6": b":Fa@x^\n",
    }
