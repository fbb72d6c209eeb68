"""Command lines of random options: an answer (0) or a refusal (2), and nothing that was read lost.

Four in five are made of words that fit their options, so that most of those are answered; in the
others any word may stand anywhere. All go through the door of the program, most of them in this
process; one in fifty starts a process of its own.
"""

import os
import random
import subprocess
import sys
import unicodedata
import warnings
from itertools import pairwise

import typer.main
from tally import Tally
from typer.testing import CliRunner

from graphmax.cli import app

FILES = {
    "edges.csv": "src,dst,weight\na,b,1\nb,c,2\nc,d,0.5\nd,e,1\n",
    "edges.nodes.csv": "id,h,name,empty,yes\na,1,x,,true\nb,3,y,,true\nc,2,z,,false\n"
    "d,5,x,,true\ne,4,y,,true\n",
    "other.csv": "id,h\na,1\nb,3\nc,2\nd,5\ne,4\n",
    "g.gml": "graph [ node [ id 1 h 2 ] node [ id 2 h 3 ] edge [ source 1 target 2 ] ]",
    "nasty.json": '{"nodes": [{"id": "\\u001b[31m", "h": 1}, {"id": "\\u202e", "h": 2}], "links": '
    '[{"source": "\\u001b[31m", "target": "\\u202e"}]}',
    "broken.graphml": "<graphml><graph><node",
    "empty.csv": "",
    "graph.json": '{"nodes": [{"id": "a", "h": 1, "name": "x", "yes": true}, '
    '{"id": "b", "h": 3, "name": "y", "yes": true}, {"id": "c", "h": 2, "name": "z", "yes": false}, '
    '{"id": "d", "h": 5, "name": "x", "yes": true}, {"id": "e", "h": 4, "name": "y", "yes": true}], '
    '"links": [{"source": "a", "target": "b", "weight": 1}, {"source": "b", "target": "c", '
    '"weight": 2}, {"source": "c", "target": "d", "weight": 0.5}, '
    '{"source": "d", "target": "e", "weight": 1}]}',
}
WORDS = (
    "h", "name", "empty", "weight", "degree", "nothing", "", " ", "-", "--", "0", "1", "2", "-1",
    "3", "1e400", "nan", "inf", "9" * 23, str(2**63), "1.5", "True", "strict", "weak", "plateau",
    "index", "in", "out", "both", "max", "min", "omit", "raise", "pass", "block", "\x1b[31m", "\u202e",
    "\udcff", "a,b", "h,h", "*", "[", "../x", "/nowhere/x.csv", "/dev/full", ".", "x" * 300, "1GB",
    "10**9", "0x10", "\u0661", "height", "prominence", "a", "utf-8", "utf-99", ",", "\\t", "csv",
)  # fmt: skip
OUTPUTS = ("out.csv", "out.json", "out.parquet", "out.npz", "out.graphml", "out.html", "out.png")
# Words that fit an option, of those that need one.
FITTING = {
    "--hops": ("1", "2", "3", "4", str(2**40)), "--radius": ("0.5", "1", "2.5", "inf"),
    "--ties": ("strict", "weak", "plateau", "index"), "--direction": ("in", "out", "both"),
    "--nan": ("raise", "omit"), "--absent": ("pass", "block"), "--where": ("yes",),
    "--groups": ("name", "h"), "--nodes": ("edges.nodes.csv", "other.csv"), "--format": ("csv",),
    "--src": ("src", "0"), "--dst": ("dst", "1"), "--weight": ("weight", "2"), "--key": ("id", "0"),
    "--id": ("id", "0"), "--encoding": ("utf-8", "cp1252"), "--missing": ("NA", "NA,N/A"),
    "--delimiter": (",",), "--max-nodes": ("5", "100"), "--max-seconds": ("60", "1e9"),
    "--min-height": ("0", "2.5"), "--min-prominence": ("0", "1"), "--min-isolation": ("1", "2"),
    "--min-distance": ("1", "2"), "--metric": ("hops", "weight"), "--top": ("1", "3"),
    "--noise": ("0.1",), "--title": ("A", "\x1b[31m"), "--memory-limit": ("1GB",),
    "--label": ("name", "h"), "--num-peaks": ("1", "3"), "--by": ("height", "prominence"),
    "--base": ("0", "-1.5"), "--max-bytes": ("1e6",), "--max-ratio": ("50",), "--max-depth": ("9",),
}  # fmt: skip
# These are said of a table only.
OF_TABLES = ("--src", "--dst", "--weight", "--no-weight", "--key", "--id", "--nodes", "--encoding", "--missing",
             "--delimiter", "--header", "--no-header", "--add-nodes", "--format")  # fmt: skip
# Of two that stand together one is refused.
APART = ({"--hops", "--radius"}, {"--weight", "--no-weight"}, {"--radius", "--no-weight"},
         {"--weight", "--radius"}, {"--minima", "--probability"})  # fmt: skip
MODELS = ("attribute-1-hop", "attribute-2-hops")
# What only some files have, or few calls take, would refuse most of the lines that fit.
SELDOM = ("--relation", "--connectivity", "--bipartite", "--probability", "--noise", "--memory-limit",
          "--master", "--no-header", "--format")  # fmt: skip
# These open a browser or start a cluster, or show where an error comes from.
SPARED = ("--open", "--debug", "--help", "--plot", "--engine", "--device")
NAMES = ("info", "peaks", "label", "convert", "report", "score")
SHARE_FITTING, SHARE_PROCESSES = 0.8, 0.02


def attack(count, seed, folder):
    """Run so many command lines in this process."""
    warnings.simplefilter("ignore")
    rng, tally, runner = random.Random(seed), Tally(), CliRunner()
    commands = typer.main.get_command(app).commands
    os.chdir(folder)
    while tally.tried < count:
        tally.tried += 1
        for path in folder.iterdir():
            path.unlink()
        for name, content in FILES.items():
            (folder / name).write_text(content)
        name = rng.choice(NAMES)
        draw = fitting_words if rng.random() < SHARE_FITTING else random_words
        words = [name, *draw(rng, name, commands[name])]
        is_apart = rng.random() < SHARE_PROCESSES and all("\0" not in word for word in words)
        done = in_a_process(words) if is_apart else runner.invoke(app, words)
        tally.note("processes", int(is_apart))
        judge(words, done, folder, tally)
    os.chdir("/")
    return tally


class Ended:
    """How a process ended, as the runner of Typer tells it."""

    def __init__(self, done):
        self.exit_code, self.exception = done.returncode, None
        said = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        self.stdout, self.stderr = said


def in_a_process(words):
    """Run a command line as a person does."""
    command = [sys.executable, "-m", "graphmax", *(os.fsencode(word) for word in words)]
    return Ended(subprocess.run(command, capture_output=True, timeout=300, check=False))


def fitting_words(rng, name, command):
    """Draw words that fit the options of a command, and each other in most cases."""
    words = [rng.choice(["edges.csv", "graph.json", "graph.json", "graph.json"])]
    if name == "convert":
        words = [rng.choice(["edges.csv", "g.gml", "graph.json"]), rng.choice(OUTPUTS[:5])]
    elif name == "score":
        words += ["--model", rng.choice(MODELS), "--values", rng.choice(["h", "degree"])]
    elif name != "info":
        words += ["--values", rng.choice(["h", "h", "degree", "strength", "core_number"])]
    if name == "report":
        words += ["--out", "out.html"]
    elif name in ("label", "peaks", "score") and rng.random() < 0.4:
        words += ["--out", rng.choice(OUTPUTS[:3])]
    spared = {*SPARED, *SELDOM, *words, *(() if words[0].endswith(".csv") else OF_TABLES)}
    options = [o for o in command.params if o.opts[0].startswith("--") and o.opts[0] not in spared]
    for option in rng.sample(options, rng.choice([0, 1, 2, 3])):
        spelled = rng.choice(option.opts)
        if not any(spelled in pair and pair & {*words} for pair in APART):
            words += fitting_option(rng, name, option, spelled)
    return words


def fitting_option(rng, name, option, spelled):
    """Draw an option with a word that fits, or nothing."""
    if option.is_flag:
        return [spelled]
    if spelled == "--ties" and name in ("peaks", "report"):
        return [spelled, rng.choice(["strict", "plateau"])]
    return [spelled, rng.choice(FITTING[spelled])] if spelled in FITTING else []


def random_words(rng, name, command):
    """Draw the words of a command."""
    words = [rng.choice([*FILES, "edges.csv", "edges.csv", "edges.csv", *WORDS])]
    if name == "convert":
        words.append(rng.choice([*OUTPUTS, *FILES, *WORDS]))
    elif name == "score":
        words += ["--model", rng.choice([*MODELS, *MODELS, *WORDS])]
    elif name != "info":
        words += ["--values", rng.choice(["h", "h", "h", *WORDS])]
    if name == "report":
        words += ["--out", rng.choice([*OUTPUTS, *FILES, "out.html"])]
    options = [p for p in command.params if p.opts[0].startswith("--") and p.opts[0] not in SPARED]
    for option in rng.sample(options, rng.choice([0, 1, 1, 2, 3, 5])):
        words.append(rng.choice([*option.opts, *option.secondary_opts]))
        if not option.is_flag:
            pools = [WORDS, WORDS, tuple(FILES), OUTPUTS]
            words.append(rng.choice(rng.choice(pools)))
    return words


def judge(words, done, folder, tally):
    """Look at the exit code, at what was said, and at the files that were read."""
    if done.exit_code not in (0, 2) or not isinstance(done.exception, SystemExit | None):
        tally.fail(f"exit code {done.exit_code}, {done.exception!r}: {words}")
    tally.note(f"exit code {done.exit_code}")
    for text in (done.stdout, done.stderr):
        if "Traceback" in text:
            tally.fail(f"traceback: {words}")
        if any(unicodedata.category(c) in ("Cc", "Cf", "Cs") and c != "\n" for c in text):
            tally.fail(f"steers the terminal: {words}: {text[-200:]!r}")
    if "; --debug shows where" in done.stderr:
        tally.fail(f"no check foresaw: {words}: {done.stderr[-300:]}")
    for name in read_by(words):
        if (folder / name).read_text() != FILES[name]:
            tally.fail(f"{name} was written over: {words}")
    hidden = [path.name for path in folder.iterdir() if path.name.startswith(".")]
    if hidden:
        tally.fail(f"left behind {hidden}: {words}")


def read_by(words):
    """Return the files that a command reads."""
    nodes = [b for a, b in pairwise(words) if a == "--nodes"]
    names = {words[1], nodes[-1] if nodes else "edges.nodes.csv"}
    return sorted(names & set(FILES)) if words[1] in FILES else []
