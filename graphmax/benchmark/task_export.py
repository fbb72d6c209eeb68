"""`export`: a task as Parquet tables with a Croissant description, for any other tool."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask, loaded
from graphmax.benchmark.task_cards import card_of
from graphmax.benchmark.task_graphs import LabelledGraph
from graphmax.benchmark.task_list import VERSION
from graphmax.files import write_table

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
