"""Significance of peaks: does .05 mean .05, and what is the power?

*Error*: fields without signal, 500 repeats for each statistic, on rough and on smooth fields, with
null fields of three sources: an array of 99, a function (draws go on until decisions stand), and
``"field"``, the fit to the values themselves; sign flips of 12 subjects. In how many repeats is
anything significant at .05? Floor: nothing may lie above the binomial interval of .05 (99 %: 13 to
39 of 500); ``array`` must lie inside it, for no field here has ties.

*Power*: a bump is planted. Peer: maxT over all nodes in plain NumPy (the .95 quantile of the
maximum of the null fields), which knows nothing of peaks; a bump counts as found where a
significant peak, or a node above the threshold, lies within 2 pixels. *False discoveries*: four
bumps, the share of false peaks among those with q <= .1.

Run: python -m tests.experiments.significance --jobs 16 --seconds 300 --out significance.jsonl
"""

import argparse
import itertools
from functools import cache

import numpy as np
from scipy.stats import binomtest

import graphmax as gm
from graphmax.generators import gaussian_field

from . import pool  # noqa: TID252

SIDE, DRAWS, SUBJECTS, REPEATS, CHUNKS = 16, 99, 12, 25, 20
GRID = gm.grid_graph((SIDE, SIDE))
ROWS, COLUMNS = np.divmod(np.arange(SIDE * SIDE), SIDE)
STATISTICS, SOURCES = ("height", "prominence"), ("array", "function", "field", "signflip")
HEIGHTS, CENTERS = (1.0, 2.0, 3.0, 4.0, 5.0), ((3, 3), (3, 12), (12, 3), (12, 12))


def rough(rng):
    """Draw independent values."""
    return rng.normal(size=GRID.num_nodes)


@cache
def deviation():
    """Return the deviation of a smooth field."""
    rng = np.random.default_rng(0)
    return np.mean([gaussian_field(GRID, 0.5, 2, generator=rng).std() for _ in range(20)])


def smooth(rng):
    """Draw a second-order field of unit deviation."""
    return gaussian_field(GRID, 0.5, 2, generator=rng) / deviation()


FIELDS = {"rough": rough, "smooth": smooth}


def drawn(draw, count, rng):
    """Return fields as columns."""
    return np.stack([draw(rng) for _ in range(count)], axis=1)


def alarm(field, statistic, source, rng):
    """Report whether anything is significant where there is nothing."""
    draw, seed = FIELDS[field], int(rng.integers(2**31))
    options = {"statistic": statistic, "seed": seed}
    if source == "signflip":
        maps = drawn(draw, SUBJECTS, rng).T
        found = gm.peak_significance(GRID, maps, "signflip", max_draws=199, **options)
    elif source == "array":
        found = gm.peak_significance(GRID, draw(rng), drawn(draw, DRAWS, rng), **options)
    else:
        nulls = draw if source == "function" else "field"
        found = gm.peak_significance(GRID, draw(rng), nulls, max_draws=199, **options)
    return bool(found.significant().any())


def bump(centers):
    """Return bumps of height 1 and deviation 1.2 pixels, and the distance to the nearest."""
    squares = np.array([(ROWS - r) ** 2 + (COLUMNS - c) ** 2 for r, c in centers])
    return np.exp(-squares / (2 * 1.2**2)).sum(0), np.sqrt(squares.min(0))


def max_t(y, nulls):
    """Return the nodes above the .95 quantile of the maximum of the null fields: plain NumPy."""
    count = nulls.shape[1]
    maxima = np.sort(nulls.max(axis=0))
    p = (1 + count - np.searchsorted(maxima, y, side="left")) / (1 + count)
    return p <= 0.05


def power(field, height, rng):
    """Report for each method whether the bump is found, and whether height and maxT agree."""
    shape, distance = bump([(8, 8)])
    y, nulls = FIELDS[field](rng) + height * shape, drawn(FIELDS[field], DRAWS, rng)
    found = {"maxT": bool(max_t(y, nulls)[distance <= 2].any())}
    for statistic in STATISTICS:
        answer = gm.peak_significance(GRID, y, nulls, statistic=statistic)
        nodes = answer.peaks.nodes[answer.significant()]
        found[statistic] = bool((distance[nodes] <= 2).any())
    return found


def discoveries(field, statistic, rng):
    """Return false and all peaks with q <= .1 where four bumps stand."""
    shape, distance = bump(CENTERS)
    y, nulls = FIELDS[field](rng) + 4.5 * shape, drawn(FIELDS[field], DRAWS, rng)
    answer = gm.peak_significance(GRID, y, nulls, statistic=statistic)
    nodes = answer.peaks.nodes[answer.q_value <= 0.1]
    return int((distance[nodes] > 4).sum()), nodes.size


def work(part, field, chunk, repeats=REPEATS, statistic=None, source=None, height=None):
    """Run some repeats."""
    rng = np.random.default_rng((chunk, 11))
    if part == "error":
        return {"alarms": sum(alarm(field, statistic, source, rng) for _ in range(repeats))}
    if part == "power":
        found = [power(field, height, rng) for _ in range(repeats)]
        return {name: sum(each[name] for each in found) for name in found[0]}
    pairs = [discoveries(field, statistic, rng) for _ in range(repeats)]
    rate = sum(false / max(both, 1) for false, both in pairs)
    return {"rate": rate, "found": sum(both - false for false, both in pairs)}


def jobs(chunks=CHUNKS):
    """Return all jobs: so many chunks of 25 repeats of each error, a quarter of it for the rest."""
    errors = [
        {"part": "error", "field": field, "statistic": statistic, "source": source, "chunk": chunk}
        for chunk, source, statistic, field in itertools.product(
            range(chunks), SOURCES, STATISTICS, FIELDS
        )
    ]
    powers = [
        {"part": "power", "field": field, "height": height, "chunk": chunk}
        for chunk, field, height in itertools.product(range(chunks // 4), FIELDS, HEIGHTS)
    ]
    rates = [
        {"part": "discoveries", "field": field, "statistic": statistic, "chunk": chunk}
        for chunk, field, statistic in itertools.product(range(chunks // 4), FIELDS, STATISTICS)
    ]
    return powers + rates + errors


def warm():
    """Return a short job."""
    return {**jobs()[0], "repeats": 1}


def kind(job):
    """Jobs of one part and source last about equally long."""
    return f"{job['part']} {job.get('source')} {job.get('statistic')}"


def report(rows):
    """Print errors with their intervals, power beside maxT, and false discoveries."""
    for source, statistic, field in itertools.product(SOURCES, STATISTICS, FIELDS):
        told = chosen(rows, part="error", source=source, statistic=statistic, field=field)
        repeats, alarms = REPEATS * len(told), sum(t["alarms"] for t in told)
        if repeats:
            low, high = binomtest(alarms, repeats).proportion_ci(0.99)
            print(
                f"  error {source:9} {statistic:10} {field:6}: {alarms} of {repeats} = "
                f"{alarms / repeats:.3f} [{low:.3f} {high:.3f}], p of .05 "
                f"{binomtest(alarms, repeats, 0.05).pvalue:.3f}"
            )
    for field, height in itertools.product(FIELDS, HEIGHTS):
        told = chosen(rows, part="power", field=field, height=height)
        if told:
            shares = {n: sum(t[n] for t in told) / (REPEATS * len(told)) for n in told[0]}
            words = " ".join(f"{name} {share:.2f}" for name, share in shares.items())
            print(f"  power, {field} field, bump of {height:g} deviations: {words}")
    for field, statistic in itertools.product(FIELDS, STATISTICS):
        told = chosen(rows, part="discoveries", field=field, statistic=statistic)
        if told:
            count = REPEATS * len(told)
            print(
                f"  q <= .1, {field} field, {statistic}: false share "
                f"{sum(t['rate'] for t in told) / count:.3f}, of 4 bumps "
                f"{sum(t['found'] for t in told) / count:.2f} peaks found"
            )


def chosen(rows, **options):
    """Return what was told of the jobs with these options."""
    return [r["told"] for r in rows if options.items() <= r["job"].items()]


def main():
    """Run all jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, default=CHUNKS, help="of 25 repeats each")
    pool.add_options(parser)
    asked = parser.parse_args()
    pool.main(__spec__.name, jobs(asked.chunks), asked)


if __name__ == "__main__":
    main()
