"""Commands under faults: full disks, little memory, signals, closed pipes, locales, no cache.

What may happen: the answer (0), one sentence (2), the end by the signal or the pipe. The target is
absent, the old file or a whole new one; nothing else stays, after SIGKILL once somebody writes
again. Most runs are forks of a process that has imported everything, before it used anything.
"""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numba
from tally import Tally

import graphmax as gm
from graphmax.cli import main
from graphmax.files import writing  # noqa: F401 - what a fork would import each time

OLD = b"old\n"
NODES, HEADROOM = 1500, 800 * 2**20
PATIENCE = 120
COMMANDS = {
    "label": (("--values", "h", "--out"), ("csv", "json", "parquet")),
    "peaks": (("--values", "h", "--out"), ("csv", "json", "parquet")),
    "convert": ((), ("npz", "graphml", "json", "csv", "parquet")),
    "report": (("--values", "h", "--force", "--out"), ("html",)),
}
ALL_NAMES = tuple(f"g.{ending}" for ending in ("csv", "json", "parquet", "npz", "graphml", "html"))


def attack(count, seed, folder):
    """Run so many commands."""
    rng, tally = random.Random(seed), Tally()
    numba.set_num_threads(1)
    gm.local_maxima(gm.Graph.from_edges([0, 1], [1, 2]), [1, 2, 3])
    room = Room(folder)
    try:
        while tally.tried < count:
            fault = rng.choices(list(FAULTS), WEIGHTS)[0]
            tally.tried += 1
            before = tally.wrong
            FAULTS[fault](rng, room, tally)
            tally.note(fault if tally.wrong == before else f"{fault}: wrong")
    finally:
        room.close()
    return tally


class Room:
    """A file to read, a folder to write into, and a small disk where one can be mounted."""

    def __init__(self, folder):
        self.out, self.disk, self.log = folder / "out", folder / "disk", folder / "log"
        self.out.mkdir()
        self.disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.disk)]
        self.has_disk = (
            shutil.which("mount")
            and not subprocess.run(mount, capture_output=True, check=False).returncode
        )
        rng = random.Random(0)
        names = [f"n\u00f6de {i} \u65e5" for i in range(NODES)]
        nodes = "".join(
            f'<node id="{name}"><data key="h">{rng.random()}</data></node>' for name in names
        )
        edges = "".join(
            f'<edge source="{rng.choice(names)}" target="{rng.choice(names)}"/>'
            for _ in range(4 * NODES)
        )
        self.file = folder / "gr\u00e4ph.graphml"
        self.file.write_text(
            '<graphml><key id="h" for="node" attr.name="h" attr.type="double"/>'
            f'<graph edgedefault="undirected">{nodes}{edges}</graph></graphml>',
            encoding="utf-8",
        )

    def command(self, rng, home):
        """Return the words of a random command, and its target, where an old file may lie."""
        name = rng.choice(list(COMMANDS))
        options, endings = COMMANDS[name]
        target = home / f"g.{rng.choice(endings)}"
        for path in home.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if rng.random() < 0.7:
            target.write_bytes(OLD)
        return [name, str(self.file), *options, str(target)], target

    def close(self):
        """Unmount the small disk."""
        if self.has_disk:
            subprocess.run(["umount", str(self.disk)], check=False)


def forked(words, log, prepare=lambda: None, stdout=None):
    """Run a command in a fork; return its process."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        errors = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY) if stdout is None else stdout, 1)
        streams = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
        sys.stdout, sys.stderr = streams
        sys.__stdout__ = sys.stdout
        sys.argv = ["graphmax", *words]
        prepare()
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BrokenPipeError:
        code = 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 1
        os._exit(code)


def ended(child):
    """Wait for a process and return its exit code, minus the signal, or None if it hangs."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def judge(words, code, allowed, log, tally):
    """Look at the exit code and at what was said."""
    said = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    lines = [line for line in said.splitlines() if "compiling loops" not in line]
    if code is None:
        tally.fail(f"hang: {words}")
    elif code not in allowed:
        tally.fail(f"exit code {code}: {words}: {said[-300:]}")
    if "Traceback" in said:
        tally.fail(f"traceback: {words}: {said[-300:]}")
    if code == 2 and len(lines) != 1:
        tally.fail(f"{len(lines)} lines: {words}: {said[-300:]}")


def look_at(home, target, was_old, tally, words, log):
    """Look at what lies where the command wrote."""
    beside = {target.name, f"{target.stem}.nodes{target.suffix}"}
    odd = sorted(path.name for path in home.iterdir() if path.name not in beside)
    if odd:
        tally.fail(f"left behind {odd}: {words}")
    if not target.exists():
        if was_old:
            tally.fail(f"the old file is gone: {words}")
        return
    if target.read_bytes() == OLD:
        return
    check = [sys.executable, "-c", WHOLE, str(target), words[0]]
    if target.suffix == ".html":
        whole = target.read_text(encoding="utf-8").rstrip().endswith("</html>")
    else:
        whole = subprocess.run(check, stderr=log.open("w"), check=False).returncode == 0
    if not whole:
        tally.fail(f"half a file: {words}: {log.read_text()[-200:]}")


WHOLE = f"""
import sys, pandas, json, pathlib
path, command = sys.argv[1:]
if command == "convert":
    from graphmax import GraphFileError, read_graph
    try:
        assert read_graph(path).num_nodes == {NODES}
    except GraphFileError as error:  # a pair of which one is old
        assert "written together" in str(error) or "checksum" in str(error), error
elif path.endswith("json"):
    json.loads(pathlib.Path(path).read_text())
else:
    table = pandas.read_parquet(path) if path.endswith("parquet") else pandas.read_csv(path)
    assert command == "peaks" or len(table) == {NODES}
"""


def full_disk(rng, room, tally):
    """No file may be larger than so many bytes."""
    words, target = room.command(rng, room.out)
    was_old, most = target.exists(), int(10 ** rng.uniform(0, 5))

    def prepare():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    code = ended(forked(words, room.log, prepare))
    judge(words, code, (0, 2), room.log, tally)
    look_at(room.out, target, was_old, tally, words, room.log)


def small_disk(rng, room, tally):
    """A disk of two megabytes that is nearly full."""
    if not room.has_disk:
        full_disk(rng, room, tally)
        return
    words, target = room.command(rng, room.disk)
    was_old, filler = target.exists(), room.disk / "filler"
    filler.write_bytes(bytes(2**21 - 2**14 - int(10 ** rng.uniform(3, 6))))
    code = ended(forked(words, room.log))
    filler.unlink()
    judge(words, code, (0, 2), room.log, tally)
    look_at(room.disk, target, was_old, tally, words, room.log)


def little_memory(rng, room, tally):
    """So many bytes more than the process has at its start."""
    words, target = room.command(rng, room.out)
    was_old, more = target.exists(), int(rng.uniform(0.05, 1) * HEADROOM)

    def prepare():
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    code = ended(forked(words, room.log, prepare))
    judge(words, code, (0, 2), room.log, tally)
    look_at(room.out, target, was_old, tally, words, room.log)


def signalled(number, allowed):
    """Return the fault of a signal at a random moment."""

    def fault(rng, room, tally):
        words, target = room.command(rng, room.out)
        was_old = target.exists()
        child = forked(words, room.log)
        time.sleep(rng.uniform(0, 0.5))
        os.kill(child, number)
        code = ended(child)
        judge(words, code, allowed, room.log, tally)
        if number == signal.SIGKILL:  # the next one who writes there sweeps
            writer = forked(["convert", str(room.file), str(room.out / "next.npz")], room.log)
            if ended(writer) != 0:
                tally.fail(f"the next writer after {words}: {room.log.read_text()[-200:]}")
            (room.out / "next.npz").unlink(missing_ok=True)
        look_at(room.out, target, was_old, tally, words, room.log)

    return fault


def closed_pipe(rng, room, tally):
    """The reader of stdout goes away after some bytes."""
    name = rng.choice(["label", "peaks", "info"])
    words = [name, str(room.file), *(() if name == "info" else ("--values", "h"))]
    words += ["--json"] if rng.random() < 0.5 else []
    reading, writing_end = os.pipe()
    child = forked(words, room.log, lambda: os.close(reading), stdout=writing_end)
    os.close(writing_end)
    os.read(reading, rng.choice([1, 100, 60_000])) if rng.random() < 0.7 else None
    os.close(reading)
    judge(words, ended(child), (0, 1, 2, -signal.SIGPIPE), room.log, tally)


def locale(rng, room, tally):
    """A plain locale, closed streams, a terminal of another alphabet."""
    env = dict(os.environ)
    env.update(rng.choice([
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "cp437"}, {"PYTHONIOENCODING": "utf-16"},
        {"PYTHONUTF8": "1", "LC_ALL": "xx_XX.nowhere"}, {"TERM": "", "COLUMNS": "1"},
    ]))  # fmt: skip
    streams = rng.choice(["", "", ">&-", "2>&-", ">&- 2>&-", "<&-", ">/dev/full"])
    name = rng.choice(["label", "peaks", "info"])
    words = [name, str(room.file), *(() if name == "info" else ("--values", "h"))]
    words += rng.choice([[], ["--json"], ["--no-such-option"], ["n\u00f6"]])
    shell = f'"{sys.executable}" -m graphmax "$@" {streams}'
    with room.log.open("w") as log:
        done = subprocess.run(
            ["sh", "-c", shell, "sh", *words], env=env, stdout=subprocess.DEVNULL, stderr=log,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
    if done.returncode not in (0, 2) or "Traceback" in room.log.read_text(errors="replace"):
        said = room.log.read_text(errors="replace")[-300:]
        tally.fail(f"exit code {done.returncode}: {streams} {words} {said}")


def read_only(rng, room, tally):
    """An install that cannot be written, without a home: compiled in memory or a private folder."""
    source = Path(gm.__file__).parent
    with tempfile.TemporaryDirectory() as home:
        shutil.copytree(
            source, f"{home}/graphmax", ignore=shutil.ignore_patterns("__pycache__", "shipped")
        )
        cache = Path(home, "graphmax", "kernels", "__pycache__")
        cache.touch()  # a file: even root cannot make a folder of it
        temporary = Path(home, "tmp")
        temporary.mkdir() if rng.random() < 0.5 else temporary.touch()
        nowhere = str(cache / "nowhere")
        env = {
            **os.environ, "PYTHONPATH": home, "PYTHONDONTWRITEBYTECODE": "1", "HOME": nowhere,
            "XDG_CACHE_HOME": nowhere, "NUMBA_CACHE_DIR": "",
            "TMPDIR": str(temporary) if temporary.is_dir() else "/tmp",
        }  # fmt: skip
        ask = "import graphmax as gm; print(gm.local_maxima(gm.grid_graph(3), [1, 3, 2]).tolist())"
        done = subprocess.run(
            [sys.executable, "-c", ask], env=env, cwd=home, capture_output=True, text=True,
            timeout=600, check=False,
        )  # fmt: skip
        if done.stdout != "[False, True, False]\n":
            tally.fail(f"read-only install: {done.stdout} {done.stderr[-300:]}")


FAULTS = {
    "full disk": full_disk,
    "disk of 2 MB": small_disk,
    "little memory": little_memory,
    "SIGTERM": signalled(signal.SIGTERM, (0, 2, 128 + signal.SIGTERM, -signal.SIGTERM)),
    "SIGKILL": signalled(signal.SIGKILL, (0, 2, -signal.SIGKILL)),
    "closed pipe": closed_pipe,
    "locale and closed streams": locale,
    "read-only install": read_only,
}
WEIGHTS = (20, 16, 16, 16, 12, 10, 10, 0.5)
