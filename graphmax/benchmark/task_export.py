"""A task for people and other tools: its card, Parquet tables and a Croissant description."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask, loaded
from graphmax.benchmark.task_graphs import LabelledGraph
from graphmax.benchmark.task_list import VERSION, Part
from graphmax.files import write_table


class About(NamedTuple):
    """What is shown and hidden in a kind of task, and what fails there."""

    shown: str
    hidden: str
    fails: str


ABOUT = {
    "rule": About(
        "the attribute, one column of `x`",
        "nothing: the rule could be written down",
        "Networks on raw values when all values are shifted: what they learned to compare is not "
        "there. On ranks they survive, but a rank changes with every other graph beside it. At two "
        "hops a network that cannot leave a node out of its own maximum.",
    ),
    "hidden": About(
        "eight independent features of each node",
        "the attribute, one function of the features for all graphs of the task",
        "Whoever has no graph: the highest values of all are known, not who stands beside them. At "
        "degree 30 small errors of the function decide among 30 rivals.",
    ),
    "noisy": About(
        "a Gaussian field plus noise, whose sizes are not told; training shows noise 1 and one hop",
        "the field itself",
        "The rule on what is shown: noise makes maxima. Detectors that learned one size of noise, "
        "at noise .3 and 2; all that compare with neighbors alone, at two hops.",
    ),
    "unknown": About(
        "the attribute, which nodes have a label, and the label: three columns of `x`",
        "the hops, 1 to 4, one number for each graph, and which labels are wrong",
        "Networks that cannot find out from the labels of a graph how far that graph looks.",
    ),
    "edges": About(
        "the weight of each edge (`edge_label_attr`, in the order of `edge_label_index`)",
        "nothing: the rule could be written down",
        "Networks on the line graph: the rule also looks at edges between the neighbors of both "
        "ends. Raw values that are shifted.",
    ),
    "windows": About(
        "a graph of pixels, or a ball around a node, its rows in random order; the attribute",
        "where the center is",
        "Networks that answer with the highest value, wherever it is: the center can be told from "
        "the adjacency alone, as the node that is nearest to all others.",
    ),
    "real": About(
        "features and structure of one real graph, and 30 % of the labels",
        "the attribute that the labels were made of",
        "Nearly everybody where the features say little of the attribute: one graph, few maxima "
        "among its labels. A test of what is learned from little, with wide intervals.",
    ),
}


def card_of(task: str | BenchmarkTask) -> str:
    """Write the card of a task.

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name. Test sets that are not optional are made.

    Returns
    -------
    str
        Markdown.

    Examples
    --------
    >>> from graphmax import benchmark
    >>> print(benchmark.card_of("real/countries").splitlines()[0])
    # real/countries
    """
    made = loaded(task)
    about = ABOUT[made.spec.attribute]
    return "\n".join([
        f"# {made.name}",
        "",
        made.spec.about,
        "",
        f"- Shown: {about.shown}.",
        f"- Hidden: {about.hidden}.",
        f"- Asked: a score for each {made.unit} that is judged. Metric: {made.metric}.",
        f"- Ceiling: {made.ceiling[next(iter(made.spec.test))].source}.",
        f"- Fails: {about.fails}",
        f"- Version {VERSION}: the names of the task and of its test sets are frozen.",
        "",
        f"| part | graphs | nodes | judged {made.unit}s | maxima among them | ceiling |",
        "|---|---|---|---|---|---|",
        *_lines(made),
        "",
    ])  # fmt: skip


def _lines(task: BenchmarkTask) -> Iterator[str]:
    shown = {"train": task.spec.train, "val": task.spec.val, **task.spec.test}
    for name, part in shown.items():
        yield _optional_line(name, part) if part.optional else _line(task, name)


def _line(task: BenchmarkTask, name: str) -> str:
    graphs, judged = task.parts[name], task.judged(name)
    nodes = sum(each.graph.num_nodes for each in graphs)
    counts = f"{len(graphs)} | {nodes:,} | {judged.sum():,} | {task.labels(name)[judged].sum():,}"
    if name not in task.spec.test:
        return f"| {name} | {counts} | |"
    ceiling = task.ceiling[name]
    error = f" ± {ceiling.error:.4f}" if ceiling.error else ""
    return f"| {name} | {counts} | {ceiling.value:.4f}{error} |"


def _optional_line(name: str, part: Part) -> str:
    return f"| {name} (made on demand) | {part.graphs} | {part.graphs * part.num_nodes:,} | | | |"


_LABELS = ("y", "judged")
_TYPES = {"i": "sc:Integer", "f": "sc:Float", "b": "sc:Boolean"}


def export(task: str | BenchmarkTask, folder: str | os.PathLike[str]) -> Path:
    """Write a task as Parquet tables and a Croissant description (JSON-LD).

    Parameters
    ----------
    task : str or BenchmarkTask
        The task, or its name.
    folder : str or path
        Where to; it is made if need be.

    Returns
    -------
    pathlib.Path
        The description, ``croissant.json``. Beside it lie ``<part>.nodes.parquet`` (graph, node,
        x0, x1, ...) and ``<part>.edges.parquet`` (graph, src, dst; each undirected edge once) for
        ``train``, ``val`` and each test set that is not optional. Labels ``y``, and ``judged``
        (whether one counts), are columns of the nodes; of the edges in a task of edges, with x0,
        their weight; and a table of its own, ``<part>.graphs.parquet``, in a task of graphs.
        ``README.md`` is the card of the task.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    made = loaded(task)
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files, records = [], []
    for part in (name for name, each in made.spec.parts.items() if not each.optional):
        for kind, columns in _tables(made.parts[part], made.unit).items():
            path = place / f"{part}.{kind}.parquet"
            write_table(columns, path)
            files.append(_file(path))
            records.append(_record(path.name, columns))
    description = place / "croissant.json"
    text = json.dumps(_croissant(made, files, records), indent=1)
    write_atomically(description, lambda file: Path(file).write_text(text + "\n"))
    card = card_of(made)
    write_atomically(place / "README.md", lambda file: Path(file).write_text(card))
    return description


def _tables(graphs: list[LabelledGraph], unit: str) -> dict[str, dict[str, Any]]:
    """Return the tables of a part: shown columns and labels beside what they belong to."""
    tables = {"nodes": _nodes(graphs), "edges": _edges(graphs)}
    shown = tables["edges" if unit == "edge" else "nodes"]
    x = np.concatenate([each.x for each in graphs])
    shown.update({f"x{column}": x[:, column] for column in range(x.shape[1])})
    labels = {key: np.concatenate([getattr(each, key) for each in graphs]) for key in _LABELS}
    if unit == "graph":
        tables["graphs"] = {"graph": np.arange(len(graphs)), **labels}
    else:
        shown.update(labels)
    return tables


def _nodes(graphs: list[LabelledGraph]) -> dict[str, Any]:
    sizes = [each.graph.num_nodes for each in graphs]
    return {
        "graph": np.repeat(np.arange(len(graphs)), sizes),
        "node": np.concatenate([np.arange(size) for size in sizes]),
    }


def _edges(graphs: list[LabelledGraph]) -> dict[str, Any]:
    edges = [each.graph.edges() for each in graphs]
    src, dst = np.concatenate(edges, axis=1)
    counts = [pair.shape[1] for pair in edges]
    return {"graph": np.repeat(np.arange(len(graphs)), counts), "src": src, "dst": dst}


def _file(path: Path) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path.name,
        "name": path.name,
        "contentUrl": path.name,
        "encodingFormat": "application/vnd.apache.parquet",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def _record(name: str, columns: dict[str, Any]) -> dict[str, Any]:
    stem = name.removesuffix(".parquet")
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{stem}/{label}",
            "name": label,
            "dataType": _TYPES[column.dtype.kind],
            "source": {"fileObject": {"@id": name}, "extract": {"column": label}},
        }
        for label, column in columns.items()
    ]
    return {"@type": "cr:RecordSet", "@id": stem, "name": stem, "field": fields}


def _croissant(task: BenchmarkTask, files: list[Any], records: list[Any]) -> dict[str, Any]:
    return {
        "@context": {
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "conformsTo": "http://purl.org/dc/terms/conformsTo",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": f"peakbench-{task.name.replace('/', '-')}",
        "description": task.spec.about,
        "license": "https://spdx.org/licenses/MIT.html",
        "version": str(VERSION),
        "digests": dict(task.digests),
        "distribution": files,
        "recordSet": records,
    }
