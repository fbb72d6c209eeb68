"""`run`: every entry on every task under one budget, in parallel processes, resumable."""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from graphmax.benchmark.bench_task import load
from graphmax.benchmark.result_files import read_row, result_path, row_of, write_row
from graphmax.benchmark.task_list import SPECS, TRACKS, spec_of
from graphmax.checks import integer, near_names, one_of

Job = tuple[str, str]


def run(
    out: str | os.PathLike[str],
    *,
    track: str = "quick",
    tasks: Sequence[str] | None = None,
    entries: Sequence[str] | None = None,
    jobs: int = 1,
    device: str = "cpu",
    report: Callable[[str], Any] | None = None,
) -> list[Path]:
    """Run entries on tasks, each under the budget of a track, and write one JSON for each.

    Parameters
    ----------
    out : str or path
        Folder for the results. What is there already is not run again, except on the full track
        where the result is one of the quick track.
    track : {"quick", "full"}, default "quick"
        The budget, written into every result.
    tasks : sequence of str, optional
        Names of tasks; by default all whose packages are there.
    entries : sequence of str, optional
        Names of entries; by default all.
    jobs : int, default 1
        Parallel processes, each with its share of the cores.
    device : str, default "cpu"
        Where networks are trained.
    report : callable, optional
        Called with a line after every result.

    Returns
    -------
    list of pathlib.Path
        The files that were written.

    Raises
    ------
    ValueError
        If there is no such track, task or entry.

    Examples
    --------
    >>> import tempfile
    >>> from graphmax import benchmark
    >>> folder = tempfile.mkdtemp()
    >>> files = benchmark.run(folder, tasks=["real/countries"], entries=["constant"])
    >>> [file.name for file in files]
    ['constant.json']
    """
    from graphmax.benchmark.entries import ENTRIES, entries_of

    one_of(track, "track", tuple(TRACKS))
    count, folder = integer(jobs, "jobs", 1), Path(out)
    for entry in entries or ():
        if entry not in ENTRIES:
            near = near_names(str(entry), list(ENTRIES))
            raise ValueError(f"`entries` must be names of entries, got {entry!r}; {near}")
    asked = [spec_of(task).name for task in tasks or _possible()]
    todo = [
        (task, entry)
        for task in asked
        for entry in entries_of(task)
        if (entries is None or entry in entries)
        and not _is_run(result_path(folder, task, entry), track)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    told = report or _silently
    if count == 1:
        return [_told(_play(folder, job, track, device), told) for job in todo]
    return _in_parallel(folder, todo, track, device, count, told)


def _is_run(path: Path, track: str) -> bool:
    return path.exists() and (track == "quick" or read_row(path).get("track") != "quick")


def _silently(line: str) -> None:
    del line


def _possible() -> list[str]:
    from importlib.util import find_spec

    lacking = find_spec("nilearn") is None or find_spec("nibabel") is None
    return [name for name in SPECS if not (lacking and name == "real/cortex")]


def _told(path: Path, told: Callable[[str], Any]) -> Path:
    told(f"{path.parent.name}/{path.name}")
    return path


def _in_parallel(
    folder: Path, todo: list[Job], track: str, device: str, jobs: int, told: Callable[[str], Any]
) -> list[Path]:
    spawn = multiprocessing.get_context("spawn")  # forked threads of numba would abort
    threads = max((os.cpu_count() or 1) // jobs, 1)
    with ProcessPoolExecutor(
        jobs, mp_context=spawn, initializer=_threads, initargs=(threads,)
    ) as pool:
        waiting = [pool.submit(_play, folder, job, track, device) for job in todo]
        return [_told(done.result(), told) for done in as_completed(waiting)]


def _threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


def _play(folder: Path, job: Job, track: str, device: str) -> Path:
    import torch

    from graphmax.benchmark.entries import ENTRIES

    name, entry = job
    task, budget, start = load(name), TRACKS[track], time.perf_counter()
    played = ENTRIES[entry].play(task, budget, device)
    card = {
        "entry": entry,
        "track": track,
        "command": f'graphmax bench run {name} --track {track} --entry "{entry}" --device {device}',
        "budget": budget._asdict(),
        "trials": played.trials,
        "chosen": played.chosen,
        "parameters": played.parameters,
        "seeds": list(range(len(played.predictions))),
        "seconds": round(time.perf_counter() - start, 1),
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "threads": torch.get_num_threads(),
    }
    path = result_path(folder, name, entry)
    write_row(path, row_of(task, list(played.predictions), card))
    return path
