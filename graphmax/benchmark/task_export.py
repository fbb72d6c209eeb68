"""`export`: a task as Parquet tables with a Croissant description, for any other tool."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark.bench_task import BenchmarkTask, load
from graphmax.benchmark.task_graphs import LabelledGraph
from graphmax.benchmark.task_list import VERSION
from graphmax.files import write_table

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
        x0, x1, ..., y) and ``<part>.edges.parquet`` (graph, src, dst; each undirected edge once)
        for ``train``, ``val`` and each test set.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    loaded = load(task) if isinstance(task, str) else task
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    files, records = [], []
    for part, graphs in loaded.parts.items():
        for kind, columns in (("nodes", _nodes(graphs)), ("edges", _edges(graphs))):
            path = place / f"{part}.{kind}.parquet"
            write_table(columns, path)
            files.append(_file(path))
            records.append(_record(path.name, columns))
    description = place / "croissant.json"
    text = json.dumps(_croissant(loaded, files, records), indent=1)
    write_atomically(description, lambda file: Path(file).write_text(text + "\n"))
    return description


def _nodes(graphs: list[LabelledGraph]) -> dict[str, Any]:
    x = np.concatenate([each.x for each in graphs])
    columns = {
        "graph": np.repeat(np.arange(len(graphs)), [each.y.size for each in graphs]),
        "node": np.concatenate([np.arange(each.y.size) for each in graphs]),
        **{f"x{column}": x[:, column] for column in range(x.shape[1])},
    }
    return {**columns, "y": np.concatenate([each.y for each in graphs])}


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
        "digests": task.digests,
        "distribution": files,
        "recordSet": records,
    }
