"""Random small graphs as one pair of tables, their true answers, and the SQL texts on any engine."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
from oracles import Network, isolation, levels, rival, steps

from graphmax.rule import Rule
from graphmax.tables.sql import HOP, edges_sql, label_sql

TIES = ("strict", "weak", "index")
DIRECTIONS = ("in", "out", "both")
EXTREMA = ("max", "min")
RULES = list(product(TIES, DIRECTIONS, EXTREMA))
ID_STYLES = ("aligned", "shuffled", "gaps", "text")


@dataclass(frozen=True)
class Batch:
    """A disjoint union of random graphs: ties, loners, self-loops and repeats are the rule."""

    networks: tuple[Network, ...]
    values: tuple[np.ndarray, ...]
    directed: bool

    @property
    def union(self) -> Network:
        edges, start = [], 0
        for network in self.networks:
            edges += [(start + u, start + v) for u, v in network.edges]
            start += network.num_nodes
        return Network(start, tuple(edges), None, self.directed)

    @property
    def all_values(self) -> np.ndarray:
        return np.concatenate(self.values)

    def distances(self, ties: str, direction: str, extremum: str) -> np.ndarray:
        """Isolation of every node, by the oracle; NaN for a node without a value."""
        found = [
            isolation(network, values, ties=ties, direction=direction, extremum=extremum)[0]
            for network, values in zip(self.networks, self.values, strict=True)
        ]
        return np.concatenate(found)

    def has_neighbor(self, direction: str) -> np.ndarray:
        return np.array([len(row) > 0 for row in steps(self.union, direction)])

    def maxima(self, rule: Rule) -> np.ndarray:
        rule = rule.filled()
        distance = self.distances(rule.ties, rule.direction, rule.extremum)
        return (distance > rule.reach) & (rule.isolated | self.has_neighbor(rule.direction))

    def rivals(self, rule: Rule) -> list[int]:
        rule = rule.filled()
        found, start = [], 0
        for network, values in zip(self.networks, self.values, strict=True):
            level = levels(values, extremum=rule.extremum)
            for v in range(network.num_nodes):
                u = rival(network, level, v, hops=rule.reach, direction=rule.direction)
                found.append(start + u if u >= 0 else -1)
            start += network.num_nodes
        return found


def batch_of(count: int, seed: int, *, directed: bool, gaps: bool = False) -> Batch:
    """Draw `count` graphs of one to eight nodes; with `gaps` some values are NaN or -0.0."""
    rng = np.random.default_rng(seed)
    networks, columns = [], []
    for size in rng.integers(1, 9, count).tolist():
        edges = rng.integers(0, size, (rng.integers(0, 2 * size + 1), 2))
        networks.append(Network(size, tuple(map(tuple, edges.tolist())), None, directed))
        values = rng.integers(-1, 3, size)
        if gaps:
            values = np.where(rng.random(size) < 0.2, np.nan, values.astype(float))
            values[(values == 0) & (rng.random(size) < 0.5)] = -0.0
        columns.append(values)
    return Batch(tuple(networks), tuple(columns), directed)


def ids_of(size: int, style: str, seed: int = 0) -> np.ndarray:
    """Name the nodes in the order of their table."""
    shuffled = np.random.default_rng(seed).permutation(size)
    if style == "aligned":
        return np.arange(size) - 3
    if style == "shuffled":
        return shuffled + 10
    if style == "gaps":
        return 7 * shuffled - 50
    return np.array([f"node {i}" for i in shuffled], object)


def write_tables(batch: Batch, folder: Path, ids: np.ndarray, ending: str = "parquet"):
    """Write edges and nodes, in two files each; return the paths of edges and nodes."""
    edges = np.array(batch.union.edges, np.int64).reshape(-1, 2)
    tables = {
        "edges": {"src": ids[edges[:, 0]], "dst": ids[edges[:, 1]]},
        "nodes": {"id": ids, "value": batch.all_values},
    }
    settings = {"parquet": "FORMAT parquet", "csv": "FORMAT csv, HEADER true"}[ending]
    with duckdb.connect() as connection:
        for name, columns in tables.items():
            (folder / name).mkdir()
            cut = len(next(iter(columns.values()))) // 3
            for part, rows in (("a", slice(0, cut)), ("b", slice(cut, None))):
                chosen = {
                    key: np.ascontiguousarray(column[rows]) for key, column in columns.items()
                }
                connection.register("part", chosen)
                target = folder / name / f"{part}.{ending}"
                connection.execute(f"COPY (FROM part) TO '{target}' ({settings})")
    return folder / "edges", folder / "nodes"


def dense_ranks(batch: Batch, extremum: str) -> list[int]:
    """Rank the values from 0, by plain sorting; -1 for NaN."""
    level = levels(batch.all_values, extremum=extremum)
    order = {value: rank for rank, value in enumerate(sorted({x for x in level if x is not None}))}
    return [-1 if x is None else order[x] for x in level]


def first_state(batch: Batch, extremum: str) -> list[tuple[int, int, int, int, int]]:
    """Return the rows of the state before the first hop, as the design page defines them."""
    ranks, n = dense_ranks(batch, extremum), batch.union.num_nodes
    return [
        (i, r, r * n + i, r * n + (n - 1) - i, 0) if r >= 0 else (i, -1, -1, -1, 0)
        for i, r in enumerate(ranks)
    ]


def texts(batch: Batch, direction: str, rules: list[Rule]) -> tuple[str, str, list[str]]:
    """Return the three kinds of text: edges, hop, labels."""
    way = direction if batch.directed else "both"
    return edges_sql(way, "given"), HOP, [label_sql(r, batch.union.num_nodes) for r in rules]
