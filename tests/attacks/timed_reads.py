"""Damaged files of every format, read under a random limit of time.

What may happen: an answer, or `GraphFileError`; for a limit that is none, TypeError or ValueError.
Anything else is wrong: another exception, a call far beyond its limit, threads, open files and
temporary folders that stay, and memory that is not given back though every answer is let go. A
read that compiles a loop for a dtype that was not met before may take its time and keep its code.
"""

import gc
import os
import random
import tempfile
import threading
import time
import warnings
from pathlib import Path

import torch_geometric.data  # noqa: F401 - some damaged files need it, and it takes seconds
from fuzz_files import mutated_file
from tally import Tally
from valid_files import BESIDE, OPTIONS, fuzzed_files

from graphmax import GraphFileError, read_graph
from graphmax.kernels.compiled import COMPILING, reporting

LIMITS_THAT_ARE_NONE = (0, -1, float("nan"), -float("inf"), "1", "", True, [], 1j)
# Beyond its limit a call may finish the step it is in; on a busy machine that takes a while.
PATIENCE = 5.0
# These start a database or a process each time: they are drawn a tenth as often as the others.
SLOW = ("csv", "csv.gz", "dicts.edgelist", "h5ad", "konect", "mat", "parquet", "tsv", "txt")
MOST_GROWTH = 96 * 2**20
WARM_UP = 400


def attack(count, seed, folder):
    """Make so many reads."""
    warnings.simplefilter("ignore")
    rng, tally, valid = random.Random(seed), Tally(), fuzzed_files()
    for ending, content in valid.items():  # imports and pools are no leak, and no slow reads
        path, opened, options = placed(folder, ending)
        path.write_bytes(content)
        read_graph(opened, **options)
    for _ in range(WARM_UP):
        one_read(rng, valid, folder, tally)
    before = standing()
    while tally.tried < count:
        tally.tried += 1
        before["bytes"] += one_read(rng, valid, folder, tally)
    gc.collect()
    for name, amount in standing().items():
        most = before[name] + (MOST_GROWTH if name == "bytes" else 3 if name == "threads" else 0)
        if amount > most:
            tally.fail(f"{name}: {before[name]} before, {amount} after")
    tally.note("bytes more", max(0, standing()["bytes"] - before["bytes"]))
    return tally


def placed(folder, ending):
    """Return where a file lies, what is opened to read it, and with what; each kind on its own."""
    place = folder / ending
    place.mkdir(exist_ok=True)
    path = opened = place / f"graph.{ending}"
    if ending in BESIDE:
        name, content = BESIDE[ending]
        opened = place / name
        opened.write_bytes(content)
    return path, opened, OPTIONS.get(ending, {})


def standing():
    """Return what a refusal must give back."""
    return {
        "bytes": resident(),
        "threads": threading.active_count(),
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "folders left": len(list(Path(tempfile.gettempdir()).glob("graphmax-*"))),
    }


def resident():
    """Return the memory that the process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def one_read(rng, valid, folder, tally):
    """Read one file under one limit; return the bytes of code that it compiled."""
    rates = [0.1 if ending.endswith(SLOW) else 1 for ending in valid]
    ending = rng.choices(list(valid), rates)[0]
    path, opened, options = placed(folder, ending)
    is_whole = rng.random() < 0.1
    path.write_bytes(valid[ending] if is_whole else mutated_file(ending, valid[ending], rng))
    if rng.random() < 0.05:
        refused(opened, rng.choice(LIMITS_THAT_ARE_NONE), tally)
        return 0
    limit, held = 10 ** rng.uniform(-5, 0), resident()
    outcome, seconds, compiled = timed(path, opened, limit, options, tally)
    if seconds > limit + PATIENCE and not compiled:  # the machine may have stood still: once more
        again = timed(path, opened, limit, options, tally)[1]
        if again > limit + PATIENCE:
            keep(path, tally, f"{again:.1f} seconds under a limit of {limit:.5f}")
        tally.note("slow once")
    tally.note(outcome)
    if compiled:
        tally.note("compiled")
    return max(0, resident() - held) if compiled else 0


def timed(path, opened, limit, options, tally):
    """Read a file; return what came of it, the seconds, and whether a loop was compiled."""
    compiled, started = [], time.perf_counter()
    outcome = "wrong"
    try:
        with reporting(lambda stage, *_: compiled.append(stage == COMPILING)):
            read_graph(opened, max_seconds=limit, **options)
        outcome = "read"
    except GraphFileError as error:
        outcome = "out of time" if "must be read within" in str(error) else "refused"
        if len(str(error)) > 300 + len(str(opened)):
            tally.fail(f"{len(str(error))} characters: {error}")
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        keep(path, tally, f"{type(error).__name__}: {error}")
    return outcome, time.perf_counter() - started, any(compiled)


def refused(path, limit, tally):
    """Give a limit that is none."""
    try:
        read_graph(path, max_seconds=limit)
        tally.fail(f"max_seconds={limit!r} was taken")
    except (TypeError, ValueError) as error:
        if "`max_seconds`" not in str(error):
            tally.fail(f"max_seconds={limit!r}: {error}")
        tally.note("no limit")


def keep(path, tally, what):
    """Keep the file of a failure beside the record."""
    kept = Path("attack-failures")
    kept.mkdir(exist_ok=True)
    copy = kept / f"{time.time_ns()}-{path.name}"
    copy.write_bytes(path.read_bytes())
    tally.fail(f"{what} ({copy})")
