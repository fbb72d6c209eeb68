"""`report`: the peaks of a graph as one HTML file that opens offline in any browser.

Without JavaScript it shows a picture of the graph and the first rows of the table.
"""

import hashlib
import json
import math
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graphmax.atomic import write_atomically
from graphmax.convert import as_graph
from graphmax.graph import Graph
from graphmax.maxima import isolation
from graphmax.node_measures import measures_of, with_column
from graphmax.node_values import graph_and_attribute
from graphmax.page.page_data import DrawnPart, ShownAttribute, chance_counts, drawn_part, page_data
from graphmax.peaks import Peaks, find_peaks
from graphmax.question import fit_together, rule_of
from graphmax.rule import Absent, Direction, Extremum, Nan, Rule
from graphmax.summary import names_of

ROWS = 50
_MOST_NODES, _MOST_EDGES = 1_500, 3_000
_SIDE = 1_000
HEADINGS = {
    "label": "peak",
    "value": "value",
    "prominence": "prominence",
    "isolation": "isolation",
    "nearest_higher": "nearest higher",
    "key_saddle": "key saddle",
    "key_saddle_value": "saddle value",
    "parent": "parent",
    "basin_size": "basin size",
    "plateau_size": "plateau size",
}


def picture(part: DrawnPart, peaks: Peaks) -> str:
    """Return an SVG of the drawn part: edges, nodes, and peaks by prominence."""
    xy = part.xy * (_SIDE / 10_000)
    high = float(xy[:, 1].max(initial=0))
    xy = np.stack([xy[:, 0] + 20, high - xy[:, 1] + 20], axis=1)
    title = f"Graph with {len(peaks)} peaks, larger where they are more prominent"
    size = f'viewBox="0 0 {_SIDE + 40} {high + 40:.0f}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}">']
    parts.append(f"<title>{title}</title>")
    parts.append(_lines(part, xy))
    dots = "".join(f"M{x:.0f} {y:.0f}h0" for x, y in xy[_spread(len(xy), _MOST_NODES)])
    parts.append(f'<path class="dots" d="{dots}"/>')
    parts += _circles(part, peaks, xy)
    return "".join(parts) + "</svg>"


def _lines(part: DrawnPart, xy: NDArray[Any]) -> str:
    """Return the edges as one path."""
    ends = part.edges[:, _spread(part.edges.shape[1], _MOST_EDGES)]
    lines = zip(xy[ends[0]], xy[ends[1]], strict=True)
    path = "".join(f"M{a[0]:.0f} {a[1]:.0f}L{b[0]:.0f} {b[1]:.0f}" for a, b in lines)
    return f'<path class="lines" d="{path}"/>'


def _circles(part: DrawnPart, peaks: Peaks, xy: NDArray[Any]) -> list[str]:
    """Return the most prominent peaks as circles with their ids."""
    place = {node: at for at, node in enumerate(part.nodes.tolist())}
    largest = float(np.max(peaks.prominence, initial=0, where=np.isfinite(peaks.prominence)))
    order = np.argsort(-peaks.prominence, kind="stable")[:200]
    circles = []
    for row in order[::-1].tolist():
        at = place.get(int(peaks.node[row]))
        if at is None:
            continue
        share = min(float(peaks.prominence[row]) / largest, 1.0) if largest > 0 else 0.0
        name = escape(str(peaks.label[row])[:60])
        x, y = xy[at]
        size = f'cx="{x:.0f}" cy="{y:.0f}" r="{4 + 10 * max(share, 0) ** 0.5:.1f}"'
        circles.append(f'<circle class="peak" {size}><title>{name}</title></circle>')
    return circles


def _spread(count: int, most: int) -> NDArray[np.int64]:
    """Return at most so many indices, evenly spread."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.int64)


def _headings(peaks: Peaks) -> dict[str, str]:
    """Return the columns of the table and what stands above them."""
    return HEADINGS if peaks.group is None else {**HEADINGS, "group": "group"}


def table_head(peaks: Peaks) -> str:
    """Return the head of the table, each heading a button that sorts by it."""
    cells = (
        f'<th scope="col" data-key="{key}"><button type="button">{heading}</button></th>'
        for key, heading in _headings(peaks).items()
    )
    return "<tr>" + "".join(cells) + "</tr>"


def table_rows(peaks: Peaks) -> str:
    """Return the first rows of the table."""
    columns = peaks[:ROWS].labelled()
    lines = zip(*(columns[name].tolist() for name in _headings(peaks)), strict=True)
    return "".join(
        "<tr>" + "".join(f"<td>{escape(_written(item))}</td>" for item in line) + "</tr>"
        for line in lines
    )


def _written(item: Any) -> str:
    """Write a cell: a dash for nothing, an infinity sign, short numbers."""
    if item is None:
        return "\N{EN DASH}"
    if isinstance(item, float) and item.is_integer() and abs(item) < 2**53:
        return str(int(item))
    if isinstance(item, float):
        return "\N{INFINITY}" if item == float("inf") else f"{item:.6g}"
    return str(item)[:200]


_LIBRARIES = ("graphology.umd.min.js", "sigma.min.js")
_PARTS = ("state", "canvas_map", "graph_map", "charts", "peak_table", "controls")
_SCRIPTS = tuple(f"{name}.js" for name in _PARTS)
_COMPARABLE = "biufmM"
_OTHERS = '<script type="application/json" id="others">{}</script>'
_COMPACT: Any = {"ensure_ascii": True, "allow_nan": False, "separators": (",", ":")}
_OF_ISOLATION = ("ties", "direction", "nan", "absent", "extremum")


def report(
    graph: Any,
    values: Any,
    path: str | os.PathLike[str],
    hops: Any = None,
    *,
    rule: Rule | None = None,
    title: str | None = None,
    source: str | os.PathLike[str] | None = None,
    command: str | None = None,
    probability: Any = None,
    label: str | None = None,
    force: bool = False,
    where: Any = None,
    groups: Any = None,
    radius: float | None = None,
    ties: Literal["plateau", "strict"] | None = None,
    direction: Direction | None = None,
    isolated: bool | None = None,
    nan: Nan | None = None,
    absent: Absent | None = None,
    extremum: Extremum | None = None,
) -> None:
    """Write one HTML file in which a person explores the peaks of a graph.

    The file needs no network: it holds the data, its code and its style. Sliders for hops,
    prominence, isolation, height and number of peaks change the map, the table and the charts
    together.

    Parameters
    ----------
    graph : Graph or graph of another library
        What `as_graph` takes; nodes are drawn where `Graph.positions`, the grid, or the attributes
        x and y, lon and lat or pos say, else where a layout puts them.
    values : str, list of str, or array (num_nodes,)
        The attributes to switch between, or measures such as ``"degree"``.
    path : str or path
        The file to write; it appears complete or not at all.
    hops : int or Rule, optional
        Where the slider stands at first.
    rule : Rule, optional
        A whole rule, as `find_peaks` takes it.
    title : str, optional
        The heading of the page.
    source : str or path, optional
        The file that the graph was read from: its name and SHA-256 stand at the foot.
    command : str, optional
        The command that made the page, for the foot.
    probability : float (num_nodes,) or dict of them, optional
        How likely a model holds each node to be a maximum: a column, and true, found and missed
        peaks in three colors. With several values ``{name of values: probability}``; one array
        stands for all of them.
    label : str, optional
        The attribute that names the nodes on the page; by default one of text that is called label,
        name or title, where it tells all nodes apart, else their ids. Equal names have their id
        beside them.
    force : bool, default False
        Replace a file that exists.
    where : bool (num_nodes,), optional
        Nodes outside are absent.
    groups : (num_nodes,), optional
        Any labels; each group of equal ones is asked on its own.
    radius : float, optional
        Where the slider stands at first, in edge weights; then there is none for hops.
    ties : {"plateau", "strict"}, optional
        Whether a flat top is one peak (the default) or none.
    direction : {"in", "out", "both"}, optional
        A directed graph needs ``"both"``.
    isolated : bool, optional
        Whether a node without neighbors is a peak; True by default.
    nan : {"omit", "raise"}, optional
        Leave nodes without a value out (the default), or refuse them.
    absent : {"block"}, optional
        Nodes that are left out are not there at all.
    extremum : {"max", "min"}, optional
        Which side.

    Raises
    ------
    FileExistsError
        If the file exists and `force` is not given.
    TypeError, ValueError
        If the graph, the values or the rule are not what `find_peaks` takes.

    Notes
    -----
    Every node has one isolation, which answers every number of hops. Above 20,000 nodes the peaks
    of largest prominence, their neighbors and a sample are drawn; the table has all peaks.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import graphmax as gm
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> report(gm.grid_graph((2, 3)), [3, 1, 2, 0, 0, 1], file)
    >>> "<html" in file.read_text(encoding="utf-8")
    True
    """
    target = _free_path(Path(os.fspath(path)), force=force)
    known, names = _columns(graph, values)
    fields = {
        "radius": radius,
        "ties": ties,
        "direction": direction,
        "isolated": isolated,
        "nan": nan,
        "absent": absent,
        "extremum": extremum,
    }
    said = rule_of("find_peaks", hops, rule, **fields).said
    if said.get("radius") == math.inf:
        raise ValueError(
            "`radius` must be finite on a page, whose slider begins there, got inf; give a radius "
            "that is longer than every path"
        )
    probabilities = _probabilities(probability, names, known.num_nodes)
    fitted = fit_together(known, names[0], where, groups)
    selection = {"where": fitted.inside, "groups": fitted.groups}
    known = _named(known, label)
    attributes = [
        _shown_attribute(known, name, said, selection, probabilities.get(name)) for name in names
    ]
    part = drawn_part(known, [each.peaks for each in attributes])
    data, others = page_data(known, attributes, part)
    data["meta"] = _meta(known, said, title, source, command)
    text = _page(data, others, part, attributes[0].peaks)
    write_atomically(target, lambda file: file.write_text(text, encoding="utf-8"))


def _free_path(path: Path, *, force: bool) -> Path:
    """Refuse to replace a file that was not meant."""
    if path.is_dir():
        raise IsADirectoryError(f"`path` must name a file, got the folder {path}")
    if path.exists() and not force:
        raise FileExistsError(f"`path` must be free, got {path}; pass force=True to replace it")
    return path


def _columns(graph: Any, values: Any) -> tuple[Graph, list[str]]:
    """Return the graph with the asked columns among its attributes, and their names."""
    names = [values] if isinstance(values, str) else values
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        known, attribute = graph_and_attribute(graph, values)
        column = attribute.array
        if attribute.missing is not None:
            column = np.ma.MaskedArray(column, attribute.missing)
        return known.replace(attributes={**known.attributes, "value": column}), ["value"]
    if not names:
        raise ValueError("`values` must name at least one attribute, got none")
    known = as_graph(graph)
    for name in names:
        known = with_column(known, name)
        _refuse_texts(known, name)
    return known, list(dict.fromkeys(names))


def _named(graph: Graph, label: str | None) -> Graph:
    """Return the graph with the names that people read in the place of its ids."""
    names = names_of(graph, label)
    if names is None:
        return graph
    _, place, count = np.unique(names.astype(str), return_inverse=True, return_counts=True)
    repeated = np.flatnonzero(count[place] > 1)
    ids = graph.label_of(repeated).tolist()
    pairs = [f"{name} ({key})" for name, key in zip(names[repeated].tolist(), ids, strict=True)]
    if set(pairs) & set(names.tolist()):
        raise ValueError(f"`label` must tell nodes apart beside their ids, got {label!r}")
    names[repeated] = pairs
    return graph.replace(labels=names)


def _probabilities(given: Any, names: list[str], count: int) -> dict[str, NDArray[np.float64]]:
    """Return a probability per node for each of the values that has one."""
    if given is None:
        return {}
    by_name = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
    for name in by_name:
        if name not in names:
            raise ValueError(
                f"`probability` must name what is among the values, {', '.join(names)}, got "
                f"{name!r}"
            )
    columns = {name: np.asarray(column, np.float64) for name, column in by_name.items()}
    for name, column in columns.items():
        is_chance = (column >= 0) & (column <= 1) | np.isnan(column)
        if column.shape != (count,) or not is_chance.all():
            raise ValueError(
                f"`probability` must have one number from 0 to 1 per node, ({count},), got "
                f"{column.shape} for {name!r}"
                + ("" if column.shape != (count,) else f" with {column[~is_chance][0]:g}")
            )
    return columns


def _refuse_texts(graph: Graph, name: str) -> None:
    """Refuse an attribute without an order, naming those that have one."""
    if graph.attributes[name].dtype.kind in _COMPARABLE:
        return
    known = [key for key, column in graph.attributes.items() if column.dtype.kind in _COMPARABLE]
    raise ValueError(
        f"`values` must name a numeric node attribute, got {name!r} of dtype "
        f"{graph.attributes[name].dtype}; there are {', '.join([*known, *measures_of(graph)])}"
    )


def _shown_attribute(
    graph: Graph,
    name: str,
    said: dict[str, Any],
    selection: dict[str, Any],
    probability: NDArray[np.float64] | None,
) -> ShownAttribute:
    """Find the peaks of one hop, which hold those of every number of hops, and all isolations."""
    base = {key: value for key, value in said.items() if key != "hops"}
    peaks = find_peaks(graph, name, **base, **selection)
    of_isolation = {key: base[key] for key in _OF_ISOLATION if key in base}
    is_weighted = peaks.rule.radius is not None
    nearest = isolation(graph, name, weighted=is_weighted, **of_isolation, **selection)
    if not peaks.rule.isolated:
        alone = np.diff(graph.adjacency("both").indptr) == 0
        nearest.distance[alone] = 0.0
    column = graph.attributes[name]
    chance = chance_counts(graph, column, peaks, base, selection)
    return ShownAttribute(name, column, peaks, nearest, chance, probability)


def _meta(
    graph: Graph, said: dict[str, Any], title: str | None, source: Any, command: str | None
) -> dict[str, Any]:
    """Return what stands around the data: rule, file, version, command."""
    name = None if source is None else Path(os.fspath(source)).name
    return {
        "title": title or (f"Peaks of {name}" if name else "Peaks of a graph"),
        "nodes": graph.num_nodes,
        "edges": graph.num_edges,
        "rule": said,
        "file": name,
        "sha256": None if source is None else _sha256(Path(os.fspath(source))),
        "version": version("graphmax"),
        "command": command,
    }


def _sha256(path: Path) -> str | None:
    """Return the hash of a file, None for what is no file."""
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _page(data: dict[str, Any], others: str | None, part: DrawnPart, peaks: Peaks) -> str:
    """Fill the template; the policy in it lets this script and this style run and no other."""
    # Sigma asks for WebGL when it is loaded; without it the page draws on a canvas.
    libraries = (f"try {{\n{_asset(name)}\n}} catch {{}}" for name in _LIBRARIES)
    script = "\n".join([*libraries, *map(_asset, _SCRIPTS)])
    style, meta = _asset("report.css"), data["meta"]
    blanks = {
        "POLICY": _policy(script, style),
        "TITLE": escape(meta["title"]),
        "STYLE": style,
        "PICTURE": picture(part, peaks),
        "HEAD": table_head(peaks),
        "ROWS": table_rows(peaks),
        "COUNT": str(len(peaks)),
        "DATA": _in_html(json.dumps(data, **_COMPACT)),
        "OTHERS": "" if others is None else _OTHERS.format(_in_html(others)),
        "CAPTION": _caption(peaks),
        "FOOT": _foot(meta),
        "SCRIPT": script,
    }
    pieces = _asset("report.html").split("{{")
    return pieces[0] + "".join(
        blanks[name] + rest for name, _, rest in (piece.partition("}}") for piece in pieces[1:])
    )


def _caption(peaks: Peaks) -> str:
    """Say what the table holds, and where it ends without JavaScript."""
    order = "lowest first" if peaks.rule.extremum == "min" else "highest first"
    kind = "Minima" if peaks.rule.extremum == "min" else "Peaks"
    first = f"; the first {ROWS} of {len(peaks)}" if len(peaks) > ROWS else ""
    return f"{kind} at 1 hop, {order}{first}"


def _foot(meta: dict[str, Any]) -> str:
    """Say how the page was made: rule, file, command, version."""
    rule = ", ".join(f"{key} {item}" for key, item in meta["rule"].items() if item is not None)
    file, command = meta["file"], meta["command"]
    lines = [f"Rule: {rule}."]
    lines += [f"File: {file}, SHA-256 {meta['sha256']}."] if file else []
    lines += [f"Command: {command}"] if command else []
    lines += [f"Made by graphmax {meta['version']}; map by sigma.js and graphology (MIT)."]
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _policy(script: str, style: str) -> str:
    """Return a Content-Security-Policy that allows nothing but this script and this style."""
    return (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    """Return the hash of an inline block as a policy names it."""
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _in_html(text: str) -> str:
    """Write JSON so that it cannot end its element, whatever the names in it."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _asset(name: str) -> str:
    """Return a part of the page that comes with the package."""
    return (files("graphmax.page") / "assets" / name).read_text(encoding="utf-8")
