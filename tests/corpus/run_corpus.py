"""Read the files named on standard input and print what happens, one JSON object a line.

Runs in a process of its own: it measures processor time and peak memory of every call, and an audit hook
notes every sign of a pickle that runs.
"""

import json
import resource
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
WATCHED = {
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "subprocess.Popen",
}
seen = []


def is_own_reader(event, words):
    """Say whether a process is the one in which .h5ad and .mat files are read."""
    return (
        event == "subprocess.Popen" and words[1][1:3] == ["-I", "-c"] and "watch()" in words[1][3]
    )


def watch(event, words):
    """Note an event that only code out of a file would cause."""
    if event in WATCHED and not is_own_reader(event, words):
        seen.append(event)


def used_seconds():
    """Return the seconds of the processor so far, those of readers in other processes too."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + used.ru_utime + used.ru_stime


def outcome(path):
    """Read one file; return its error, or a word about the graph."""
    from graphmax import read_graph

    folder = str(Path(path).parent)
    started = used_seconds()
    try:
        graph, error = read_graph(path), None
    except Exception as caught:  # noqa: BLE001 - the kind is what is looked at
        graph, error = None, caught
    return {
        "error": None if error is None else type(error).__name__,
        "message": None if error is None else str(error).replace(folder, "{folder}"),
        "line": getattr(error, "line", None),
        "graph": None if graph is None else repr(graph),
        "seconds": used_seconds() - started,
    }


def _memory(key):
    text = Path("/proc/self/status").read_text()
    return int(text.partition(f"{key}:")[2].split()[0]) * 1024


def measured(path):
    """Read one file and say how far memory rose above where it stood."""
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    found = outcome(path)
    return {**found, "memory": _memory("VmHWM") - before, "events": list(seen)}


def warm_up():
    """Import what readers import, so that memory and time are those of reading."""
    sys.path.insert(0, str(HERE))
    import tempfile

    from valid_files import valid_files

    with tempfile.TemporaryDirectory() as folder:
        for ending, data in valid_files().items():
            file = Path(folder) / f"valid.{ending}"
            file.write_bytes(data)
            found = outcome(file)
            assert found["error"] is None, (ending, found)


def main():
    """Answer each name with a line; the name ``!control`` runs a pickle, to test the watch."""
    warm_up()
    sys.addaudithook(watch)
    for line in sys.stdin:
        name = line.rstrip("\n")
        if name == "!control":
            import pickle

            from make_corpus import Payload

            pickle.loads(pickle.dumps(Payload()))
            found = {"events": list(seen)}
        else:
            found = measured(Path(name))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
