"""Attack the library and count what goes wrong: ``python tests/attacks/run.py``.

    python tests/attacks/run.py [NAMES] [--scale 0.01] [--seed 0] [--record attacks.jsonl]

Every attack is a file beside this one with ``attack(count, seed, folder) -> Tally``. It runs in
batches, each in a process of its own with an empty folder for temporary files, so that a hang or a
crash is one failure and not the end. Each batch is a line of the record; a run that was stopped
goes on behind the last one when it is started again with the same record, seed and scale. Behind
the last attack stands a table, and the exit code is 1 if anything went wrong.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
for place in (HERE.parent / "fuzz", HERE.parent / "corpus", HERE.parent, HERE.parent.parent):
    sys.path.insert(0, str(place))

from tally import Tally  # noqa: E402


@dataclass(frozen=True)
class Attack:
    """One kind of attack: how many tries there are, how many a process makes, and its patience."""

    what: str
    total: int
    batch: int
    seconds: int = 1800


ATTACKS = {
    "answers": Attack("answers compared with the definitions", 1_000_000, 50_000),
    "certificates": Attack("certificates with a forged field", 10_000, 2_500),
    "sealed_files": Attack("sealed files with a forged field", 10_000, 2_500),
    "bit_flips": Attack("files with flipped bits", 10_000, 2_500),
    "timed_reads": Attack("reads of damaged files under a random limit of time", 100_000, 5_000),
    "hostile_files": Attack("hostile files, in memory that follows their size", 450, 450),
    "subnormals": Attack("calls where the processor takes subnormals for 0", 20_000, 5_000),
    "faults": Attack("runs with faults of disk, memory, pipes, signals and locales", 400, 50),
    "commands": Attack("command lines of random options", 4_000, 250),
}


def main():
    """Run the attacks asked for; return 1 if anything went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help=f"all by default: {', '.join(ATTACKS)}")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the tries to make")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", type=Path, default=Path("attacks.jsonl"))
    parser.add_argument("--batch", nargs=2, metavar=("COUNT", "FILE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in ATTACKS]
    if unknown:
        parser.error(f"NAMES must be among {', '.join(ATTACKS)}, got {', '.join(unknown)}")
    if asked.batch:
        run_batch(asked.names[0], int(asked.batch[0]), asked.seed, Path(asked.batch[1]))
        return 0
    tallies = {name: run(name, asked) for name in asked.names or ATTACKS}
    print(table(tallies))
    return int(any(tally.wrong for tally in tallies.values()))


def run(name, asked):
    """Run the batches of an attack that the record lacks; return all counts."""
    attack, total = ATTACKS[name], Tally()
    left, number = max(1, round(attack.total * asked.scale)), 0
    known = recorded(asked.record, name)
    while left > 0:
        count = min(attack.batch, left)
        key = [name, count, asked.seed + number]
        tally = known.get(json.dumps(key))
        if tally is None:
            started = time.perf_counter()
            tally = batch(attack, *key)
            line = {"batch": key, "seconds": round(time.perf_counter() - started, 1)}
            with asked.record.open("a", encoding="utf-8") as record:
                record.write(json.dumps({**line, **json.loads(tally.to_json())}) + "\n")
            print(json.dumps({**line, "wrong": tally.wrong, "words": tally.words}), flush=True)
        total.add(tally)
        left, number = left - count, number + 1
    return total


def recorded(record, name):
    """Return the batches that a record holds."""
    found = {}
    for line in record.read_text(encoding="utf-8").splitlines() if record.exists() else []:
        told = json.loads(line)
        if told["batch"][0] == name:
            found[json.dumps(told["batch"])] = Tally.from_dict(told)
    return found


def batch(attack, name, count, seed):
    """Run one batch in a process; a hang, a crash and what it leaves behind are failures."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        temporary, told = Path(home) / "tmp", Path(home) / "told.json"
        temporary.mkdir()
        command = [sys.executable, __file__, name, "--seed", str(seed)]
        command += ["--batch", str(count), str(told)]
        env = {**os.environ, "TMPDIR": str(temporary), "TERM": "dumb"}
        flaw = flaw_of(command, env, attack.seconds)
        for disk in temporary.glob("*/disk"):  # a batch that was killed leaves it mounted
            if disk.is_mount():
                subprocess.run(["umount", str(disk)], check=False)
        tally = Tally()
        if flaw is None and told.exists():
            tally = Tally.from_dict(json.loads(told.read_text(encoding="utf-8")))
        else:
            tally.fail(flaw)
        for path in temporary.glob("graphmax-*"):
            tally.fail(f"left behind: {path.name}")
        return tally


def flaw_of(command, env, seconds):
    """Run a command with all that it starts; say how it ended, None if well."""
    pipes = {"stderr": subprocess.PIPE, "start_new_session": True}
    with subprocess.Popen(command, env=env, **pipes) as process:
        try:
            _, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return f"hang: no end after {seconds} seconds"
    last = errors.decode(errors="replace")[-300:]
    return f"crash: exit code {process.returncode}: {last}" if process.returncode else None


def run_batch(name, count, seed, told):
    """Run a batch in this process and write its counts."""
    module = importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="attack-") as folder:
        tally = module.attack(count, seed, Path(folder))
    told.write_text(tally.to_json(), encoding="utf-8")


def table(tallies):
    """Write the counts as a table in Markdown."""
    lines = ["| attack | tries | went wrong | what came of it |", "|---|---:|---:|---|"]
    for name, tally in tallies.items():
        outcomes = ", ".join(f"{key} {n:,}" for key, n in tally.outcomes.most_common(8))
        lines.append(f"| {ATTACKS[name].what} | {tally.tried:,} | {tally.wrong:,} | {outcomes} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
