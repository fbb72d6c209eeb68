"""Hostile files: refused by `GraphFileError`, soon, in memory that follows their size, nothing run.

The corpus of bad files, links, pipes and bombs, and small files that ask for much memory. An audit
hook listens for processes, sockets and files of others.
"""

import io
import os
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
from make_corpus import special_files
from run_corpus import measured, warm_up
from run_corpus import seen as code_that_ran
from tally import Tally

FILES = Path(__file__).parents[1] / "corpus" / "files"
MEBIBYTE = 2**20
SLOWEST = 10.0
WATCHED = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "pickle.find_class")
seen = []


def watch(event, arguments):
    """Note what no file may bring about."""
    if event == "subprocess.Popen" and list(arguments[1])[:3] == [sys.executable, "-I", "-c"]:
        return  # .mat and .h5ad are opened by libraries in C, in a process with limits of its own
    if event in WATCHED or (event == "open" and str(arguments[0]) == "/etc/passwd"):
        seen.append(event)


def attack(count, seed, folder):
    """Read the files, at most so many."""
    warnings.simplefilter("ignore")
    tally = Tally()
    warm_up()
    sys.addaudithook(watch)
    paths = [path for path in sorted(FILES.iterdir()) if ".nodes." not in path.name]
    places = [folder / "special", folder / "small"]
    for place, make in zip(places, (special_files, small_files), strict=True):
        place.mkdir()
        make(place)
        found = [path for path in place.iterdir() if ".nodes." not in path.name]
        paths = [*sorted(found), *paths]
    for path in paths[:count]:
        tally.tried += 1
        judge(path, tally)
    return tally


def judge(path, tally):
    """Read one file and look at what it took."""
    found = measured(path)
    size = path.lstat().st_size
    if found["error"] in ("GraphFileError", "FileNotFoundError"):
        tally.note("refused")
        if len(found["message"]) > 300 + len(str(path)):
            tally.fail(f"{path.name}: {len(found['message'])} characters: {found['message']}")
        if "must be valid" in found["message"] and "memory" in found["message"].lower():
            tally.fail(f"{path.name}: out of memory is called invalid: {found['message']}")
    elif found["error"] is None:
        tally.note("read")
    else:
        tally.fail(f"{path.name}: {found['error']}: {found['message']}")
    if found["seconds"] > SLOWEST:
        tally.fail(f"{path.name}: {found['seconds']:.1f} seconds")
    if found["memory"] > 600 * MEBIBYTE + 64 * size:
        tally.fail(f"{path.name}: {found['memory'] // MEBIBYTE} MiB for {size} bytes")
    if seen or code_that_ran:
        tally.fail(f"{path.name}: {seen + code_that_ran}")
        seen.clear()
        code_that_ran.clear()


def small_files(folder):
    """Write files of few bytes that ask for gigabytes."""
    import duckdb

    rows = "SELECT 1 AS src, 2 AS dst FROM range(200000000)"
    duckdb.execute(
        f"COPY ({rows}) TO '{folder}/run.parquet' (FORMAT parquet, ROW_GROUP_SIZE 100000000)"
    )
    (folder / "vertices.net").write_text("*Vertices 4000000\n")
    (folder / "vertices-more.net").write_text("*Vertices 900000000\n*Edges\n1 2\n")
    (folder / "header.mtx").write_text(
        "%%MatrixMarket matrix coordinate pattern general\n2000000000 2000000000 1\n1 2\n"
    )
    (folder / "header.graph").write_text("3000000000 1\n2\n1\n")
    (folder / "far.json").write_text(
        '{"nodes": [{"id": 0}], "links": [{"source": 0, "target": 4000000000000}]}'
    )
    keys = range(1500)
    declared = "".join(
        f'<key id="k{i}" for="node" attr.name="a{i}" attr.type="double"/>' for i in keys
    )
    nodes = "".join(f'<node id="n{i}"/>' for i in range(20_000))
    last = "".join(f'<data key="k{i}">1</data>' for i in keys)
    (folder / "keys.graphml").write_text(
        f"<graphml>{declared}<graph>{nodes}<node id='z'>{last}</node></graph></graphml>"
    )
    attributes = ", ".join(f'"a{i}": 1' for i in keys)
    plain = ", ".join(f'{{"id": {i}}}' for i in range(1, 20_000))
    (folder / "keys.json").write_text(
        f'{{"nodes": [{{"id": 0, {attributes}}}, {plain}], "links": []}}'
    )
    gml = " ".join(f"a{i} 1" for i in keys)
    (folder / "keys.gml").write_text(
        f"graph [ node [ id 0 {gml} ] "
        + "".join(f"node [ id {i} ] " for i in range(1, 20_000))
        + "]"
    )
    arrays(folder)
    lying(folder)
    (folder / "passwd.graphml").write_text(
        '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><graphml><graph>'
        '<node id="&x;"/></graph></graphml>'
    )
    (folder / "socket.gexf").write_text(
        '<!DOCTYPE g SYSTEM "http://127.0.0.1:9/g.dtd"><gexf><graph/></gexf>'
    )


def arrays(folder):
    """Write arrays that are larger than they look."""
    import torch

    stream = io.BytesIO()
    np.save(stream, np.zeros((400, 400, 400), np.uint8))
    with zipfile.ZipFile(folder / "voxels.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.npy", stream.getvalue())
    (folder / "voxels.npy").write_bytes(stream.getvalue()[:128])
    torch.save(torch.zeros(1).expand(200_000, 200_000), folder / "strides.pt")
    data = {"edge_index": torch.zeros(2, 1, dtype=torch.int64).expand(2, 10**10)}
    torch.save(data, folder / "strides-edges.pt")


def lying(folder):
    """Write an archive whose directory says that a member is small."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("indptr.npy", bytes(300 * MEBIBYTE))
    data = bytearray(stream.getvalue())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    data[22:26] = (1000).to_bytes(4, "little")
    (folder / "lying.npz").write_bytes(bytes(data))
    os.truncate(folder / "lying.npz", len(data))
