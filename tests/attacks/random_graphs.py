"""Small graphs, attributes of every dtype and rules, drawn by a generator: ties are the rule."""

import ml_dtypes
import numpy as np
from oracles import Network

import graphmax as gm

TIES = ("strict", "weak", "plateau", "index")
DIRECTIONS = ("in", "out", "both")
WEIGHTS = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 1.0, np.inf])
RADII = (0.1, 0.3, 0.3 + 2**-53, 0.6, 1.0, 1.5)
INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
DTYPES = (
    "bool", *INTEGERS, "float16", "float32", "float64", "bfloat16", "datetime64", "timedelta64",
    "list", "masked", "torch", "torch bfloat16", "swapped",
)  # fmt: skip


def random_network(rng, most=8):
    """Draw a graph with loops and repeated edges."""
    size = int(rng.integers(1, most + 1))
    count = int(rng.integers(0, 2 * size + 1))
    edges = tuple(map(tuple, rng.integers(0, size, (count, 2)).tolist()))
    weights = tuple(rng.choice(WEIGHTS, count).tolist()) if rng.random() < 0.5 else None
    return Network(size, edges, weights, bool(rng.random() < 0.5))


def graph_of(network):
    """Build the package's graph from a written-down one."""
    ends = np.array(network.edges, np.int64).reshape(-1, 2).T
    return gm.Graph.from_edges(
        *ends, network.num_nodes, weights=network.weights, directed=network.directed
    )


def random_values(rng, size, dtype):
    """Draw an attribute of a kind: what the library gets, and what the oracle gets."""
    if dtype == "bool":
        values = rng.random(size) < 0.5
    elif dtype in INTEGERS:
        least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
        values = rng.choice(np.array([least, least + 1, 0, 1, most - 1, most], dtype), size)
    elif dtype in ("datetime64", "timedelta64"):
        values = rng.integers(-2, 3, size).astype(f"{dtype}[ns]")
        values[rng.random(size) < 0.1] = "NaT"
    elif dtype == "list":
        pool = [2**53, 2**53 + 1, -(2**63), 2**63 - 1] if rng.random() < 0.5 else [0.5, 1, None, 2]
        values = [pool[at] for at in rng.integers(0, 4, size)]
        return values, [np.nan if value is None else value for value in values]
    elif dtype == "masked":
        plain, gaps = rng.integers(0, 4, size), rng.random(size) < 0.2
        return np.ma.array(plain, mask=gaps), np.where(gaps, np.nan, plain)
    else:
        return random_floats(rng, size, dtype)
    return values, values


def random_floats(rng, size, dtype):
    """Draw floats among them infinities, both zeros, NaN and the least ones."""
    pool = np.array([-np.inf, -1, -0.0, 0.0, 1, 2, 3, np.inf, np.nan, 1e-45, 5e-324, 1e-7])
    values = rng.choice(pool, size)
    if dtype in ("torch", "torch bfloat16"):
        import torch

        tensor = torch.from_numpy(values)
        tensor = tensor.to(torch.bfloat16) if dtype.endswith("bfloat16") else tensor
        return tensor, tensor.to(torch.float64).numpy()
    if dtype == "swapped":
        return values.astype(">f8"), values
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    values = values.astype(kind)
    return values, values.astype(np.float64)


def random_rule(rng, network, *names):
    """Draw fields of a rule; a radius only where there are weights."""
    pools = {"ties": TIES, "direction": DIRECTIONS, "extremum": ("max", "min")}
    rule = {name: str(rng.choice(pools[name])) for name in names if name in pools}
    if "isolated" in names:
        rule["isolated"] = bool(rng.random() < 0.7)
    if network.weights is not None and rng.random() < 0.5:
        return {"radius": float(rng.choice(RADII)), **rule}
    return {"hops": int(rng.choice([1, 1, 2, 3, 4, 2**40])), **rule}
