"""How much memory there is left to take, containers' limits included."""

import os
from pathlib import Path


def free_memory() -> int:
    """Return how many bytes this process could still take, containers' limits included."""
    free = [_available(), *_control_group()]
    return max(0, min(free))


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        names = os.sysconf_names if hasattr(os, "sysconf") else {}
        pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in names else "SC_PHYS_PAGES"
        return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") if pages in names else 2**32
    (line,) = (line for line in lines if line.startswith("MemAvailable"))
    return int(line.split()[1]) * 1024


def _control_group() -> list[int]:
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []
    return [] if most == "max" else [int(most) - used]
