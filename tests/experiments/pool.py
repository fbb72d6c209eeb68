"""Run independent jobs of an experiment in processes: one JSON line per finished job, in time.

A job is a dictionary of plain options, and the experiment a function of them that returns a
dictionary of figures. A line holds both, and `seconds`. Jobs that are in the file already are not
run again, so that a run that was cut short goes on. Each process has one thread. A job is not
started where the slowest of its kind so far would not end in time.
"""

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
Row = dict[str, Any]
Work = Callable[..., Row]


class Means(NamedTuple):
    """How jobs are run: in so many processes, for so long, and where their lines go."""

    processes: int
    seconds: float
    out: Path | None


def add_options(parser: Any) -> None:
    """Add the options of a pool to those of an experiment."""
    parser.add_argument("--jobs", type=int, default=1, help="processes, one thread each")
    parser.add_argument("--seconds", type=float, default=1e9, help="start no job that ends later")
    parser.add_argument("--out", type=Path, help="a line per finished job; finished ones are kept")


def means_of(asked: Any) -> Means:
    """Return the means that were asked for."""
    return Means(asked.jobs, asked.seconds, asked.out)


def rows_of(jobs: list[Row], work: Work, means: Means, *, kind: str, warm: Row) -> list[Row]:
    """Run jobs, those before others first, and return their lines and those of the file.

    `kind` is the option by which jobs last about equally long. `warm` is a short job that is run
    first and forgotten: it compiles what the others then read from the disk.
    """
    started = time.monotonic()
    rows = [] if means.out is None else _read(means.out)
    rows = [row for row in rows if _key(row["job"]) in {_key(job) for job in jobs}]
    done = {_key(row["job"]) for row in rows}
    left = [job for job in jobs if _key(job) not in done]
    if left:
        for name in THREADS:
            os.environ[name] = "1"
        work(**warm)
        rows += _run(left, work, means, kind, started)
    missing = len(jobs) - len(rows)
    if missing:
        print(f"{missing} of {len(jobs)} jobs were not run: no time was left", flush=True)
    return rows


def _run(left: list[Row], work: Work, means: Means, kind: str, started: float) -> list[Row]:
    slowest: dict[str, float] = {}
    waiting, running, rows = list(left), {}, []
    pool = ProcessPoolExecutor(means.processes, mp_context=get_context("spawn"))
    try:
        while waiting or running:
            passed = time.monotonic() - started
            while waiting and len(running) < means.processes:
                job = waiting.pop(0)
                if passed + slowest.get(str(job[kind]), 0.0) < means.seconds:
                    running[pool.submit(_timed, work, job)] = job
            if not running:
                break
            over = max(means.seconds - passed, 0.0)
            finished, _ = wait(running, timeout=over, return_when=FIRST_COMPLETED)
            if not finished:
                break
            for future in finished:
                row = future.result()
                name = str(running.pop(future)[kind])
                slowest[name] = max(slowest.get(name, 0.0), row["seconds"])
                if "failed" in row:
                    print(f"{row['job']} failed: {row['failed']}", flush=True)
                    continue
                _write(row, means.out)
                rows.append(row)
    finally:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
    return rows


def _timed(work: Work, job: Row) -> Row:
    started = time.perf_counter()
    try:
        answer = {"told": work(**job)}
    except Exception as error:  # one job must not end the others
        answer = {"failed": f"{type(error).__name__}: {error}"}
    return {"job": job, **answer, "seconds": round(time.perf_counter() - started, 2)}


def _key(job: Row) -> str:
    return json.dumps(job, sort_keys=True)


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(row: Row, path: Path | None) -> None:
    line = json.dumps(row)
    if path is None:
        print(line, flush=True)
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")
