"""Files of graph6, digraph6 and sparse6: a graph in printable characters of six bits each.

N stands first: one character below 63, or ``~`` and three, or ``~~`` and six. graph6 lists the
upper triangle of the matrix by columns, digraph6 all of it by rows; sparse6 lists edges as steps.
"""

import numpy as np
from numpy.typing import NDArray

from graphmax.files.building import check_count, graph_of_file
from graphmax.files.errors import refusal
from graphmax.files.opening import ReadOptions, Source
from graphmax.graph import Graph

_HEADERS = (b">>graph6<<", b">>sparse6<<", b">>digraph6<<")


def read(source: Source, options: ReadOptions) -> Graph:
    """Read one graph."""
    lines = [line.strip() for line in source.read().splitlines() if line.strip()]
    for header in _HEADERS:
        lines = [line.removeprefix(header) for line in lines]
    lines = [line for line in lines if line]
    if len(lines) != 1:
        raise refusal(source.name, "hold one graph", str(len(lines)))
    mark, text = lines[0][:1], lines[0].lstrip(b":&;")
    sixes = np.frombuffer(text, np.uint8).astype(np.int64) - 63
    if sixes.size == 0 or sixes.min() < 0 or sixes.max() > 63 or mark == b";":
        got = "an incremental graph" if mark == b";" else "others"
        raise refusal(source.name, "hold characters from ? to ~", got)
    count, rest = _count(sixes, source)
    check_count(source, options, count)
    bits = ((rest[:, None] >> np.arange(5, -1, -1)) & 1).ravel()
    if mark == b":":
        src, dst = _sparse(bits, count, source)
    else:
        src, dst = _dense(bits, count, source, is_directed=mark == b"&")
    directed = mark == b"&" if options.directed is None else options.directed
    return graph_of_file(source, src, dst, count, directed=directed)


def _count(sixes: NDArray[np.int64], source: Source) -> tuple[int, NDArray[np.int64]]:
    """Return the number of nodes, and the characters behind it."""
    skip, size = (2, 6) if sixes[:2].tolist() == [63, 63] else (1, 3) if sixes[0] == 63 else (0, 1)
    digits = sixes[skip : skip + size].tolist()
    if len(digits) < size:
        raise refusal(source.name, "be complete", "a truncated file")
    count = 0
    for digit in digits:
        count = count * 64 + digit
    return count, sixes[skip + size :]


def _dense(
    bits: NDArray[np.int64], count: int, source: Source, *, is_directed: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    needed = count * count if is_directed else count * (count - 1) // 2
    if not needed <= bits.size < needed + 6:
        raise refusal(source.name, f"hold {needed} bits for {count} nodes", f"{bits.size}")
    places = np.flatnonzero(bits[:needed])
    if is_directed:
        return places // max(count, 1), places % max(count, 1)
    # Column v of the upper triangle starts at v (v - 1) / 2.
    starts = np.arange(count, dtype=np.int64) * np.arange(-1, count - 1, dtype=np.int64) // 2
    column = np.searchsorted(starts, places, side="right") - 1
    return places - starts[column], column


def _sparse(
    bits: NDArray[np.int64], count: int, source: Source
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges of a list of steps: a bit b that moves v on, then k bits of x.

    State: v, the larger end of what comes. x above v moves v to x; else (x, v) is an edge. The
    last steps may be padding, which leads beyond the last node.
    """
    width = max(1, (count - 1).bit_length())
    steps = bits[: bits.size // (width + 1) * (width + 1)].reshape(-1, width + 1)
    targets = steps[:, 1:] @ (1 << np.arange(width - 1, -1, -1, dtype=np.int64))
    src, dst, v = [], [], 0
    for move, x in source.timed(zip(steps[:, 0].tolist(), targets.tolist(), strict=True)):
        v += move
        if v >= count or x >= count:
            break
        if x > v:
            v = x
        else:
            src.append(x)
            dst.append(v)
    return np.array(src, np.int64), np.array(dst, np.int64)
