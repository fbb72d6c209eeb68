"""The parts of a task: made when asked for, kept on disk, checked against what was recorded."""

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from graphmax.atomic import write_atomically
from graphmax.benchmark import task_list
from graphmax.benchmark.task_graphs import LabelledGraph, digest_of, graphs_of
from graphmax.benchmark.task_list import TaskSpec
from graphmax.graph import Graph
from graphmax.machine import dataset_path

RECORD = "peakbench/recorded.json"
CACHE = "GRAPHMAX_CACHE"
_Made = TypeVar("_Made")


class LazyMapping(Mapping[str, _Made], Generic[_Made]):
    """A dictionary with fixed names whose entries are made on first use."""

    def __init__(self, names: Iterable[str], make: Callable[[str], _Made]) -> None:
        self._names, self._make = tuple(names), make
        self._made: dict[str, _Made] = {}

    def __getitem__(self, name: str) -> _Made:
        if name not in self._names:
            raise KeyError(name)
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names  # without making it

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: ...' for name in self._names)}}}"


class TaskParts(LazyMapping[list[LabelledGraph]]):
    """``train``, ``val``, the test sets and other levels of a task."""

    def __init__(self, spec: TaskSpec) -> None:
        super().__init__(spec.parts, self._checked)
        self._spec = spec

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 over edges and labels of each part, as recorded."""
        found: dict[str, str] = recorded(self._spec.name)["digests"]
        return found

    def make_all(self) -> None:
        """Make every part that is not optional."""
        for name, part in self._spec.parts.items():
            if not part.optional:
                self[name]

    def _checked(self, name: str) -> list[LabelledGraph]:
        wanted = self.digests.get(name)
        path = _cache_of(self._spec.name, name)
        kept = _read(path)
        if kept is not None and digest_of(kept) == wanted:
            return kept
        made = graphs_of(self._spec, name, self._spec.parts[name])
        if digest_of(made) != wanted:
            raise ValueError(
                f"`task` must be made as it was recorded, got other edges or labels of "
                f"{self._spec.name!r} in {name!r}; the generators of NumPy or graphmax, or data of "
                "another package, have changed, so that results do not compare"
            )
        _keep(path, made)
        return made


def recorded(name: str) -> dict[str, Any]:
    """Return what was recorded of a task when its version was made."""
    record = json.loads(dataset_path(RECORD).read_text())
    if record["version"] != task_list.VERSION:
        raise ValueError(
            f"`{RECORD}` must be of version {task_list.VERSION}, got {record['version']}"
        )
    found: dict[str, Any] = record["tasks"][name]
    return found


def _cache_of(task: str, part: str) -> Path:
    folder = os.environ.get(CACHE) or Path.home() / ".cache" / "graphmax"
    version = f"version-{task_list.VERSION}"
    return Path(folder) / "peakbench" / version / task.replace("/", "-") / f"{part}.npz"


def _keep(path: Path, graphs: list[LabelledGraph]) -> None:
    """Write graphs as plain arrays; a folder that cannot be written is no reason to stop."""
    arrays = {
        "nodes": np.array([each.graph.num_nodes for each in graphs]),
        "scores": np.array([each.y.size for each in graphs]),
        "rows": np.array([len(each.x) for each in graphs]),
        "entries": np.array([each.graph.indices.size for each in graphs]),
        "degrees": np.concatenate([np.diff(each.graph.indptr) for each in graphs]),
        "indices": np.concatenate([each.graph.indices for each in graphs]),
        **{key: np.concatenate([getattr(g, key) for g in graphs]) for key in ("x", "y", "judged")},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: _save(file, arrays))
    except OSError:
        return


def _save(path: Path, arrays: Mapping[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(path: Path) -> list[LabelledGraph] | None:
    """Read graphs that were kept; None where there are none, or the file is damaged."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            kept = {name: file[name] for name in file.files}
        return _taken_apart(kept)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _taken_apart(kept: Mapping[str, Any]) -> list[LabelledGraph]:
    def split(name: str, sizes: str) -> list[Any]:
        return np.split(kept[name], np.cumsum(kept[sizes])[:-1])

    columns = (
        split("degrees", "nodes"), split("indices", "entries"),
        split("x", "rows"), split("y", "scores"), split("judged", "scores"),
    )  # fmt: skip
    return [
        LabelledGraph(Graph(np.concatenate([[0], np.cumsum(degrees)]), indices), x, y, judged)
        for degrees, indices, x, y, judged in zip(*columns, strict=True)
    ]
