"""What this machine has: the data sets that came with the package, and memory left to take."""

import os
import sysconfig
from pathlib import Path

# So much is taken without a look at the system, which costs a tenth of a millisecond.
_SMALL = 2**28


def dataset_path(name: str) -> Path:
    """Find a file of the data sets that come with the package.

    A package that runs from its own checkout reads the checkout's ``datasets/``, an installed one
    reads ``share/graphmax`` of the environment.

    Parameters
    ----------
    name : str
        Path below ``datasets/``, with forward slashes.

    Returns
    -------
    pathlib.Path
        The file, or the folder, on this machine.

    Raises
    ------
    FileNotFoundError
        If no data set that came with the package has this name.

    Notes
    -----
    The checkout comes first: an editable install copies ``datasets/`` into the environment once,
    and that copy grows stale.

    Examples
    --------
    >>> dataset_path("countries/countries.graphml").name
    'countries.graphml'
    """
    for shelf in _shelves():
        if (shelf / name).exists():
            return shelf / name
    places = " and ".join(str(shelf) for shelf in _shelves())
    raise FileNotFoundError(
        f"`name` must be a data set that came with graphmax, got {name!r}; looked in {places}"
    )


def _shelves() -> list[Path]:
    checkout = Path(__file__).parents[1]
    installed = [Path(sysconfig.get_path("data", scheme)) for scheme in _schemes()]
    shared = [folder / "share" / "graphmax" for folder in installed]
    return [checkout / "datasets", *shared] if _is_checkout(checkout) else shared


def _schemes() -> list[str]:
    return [sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user")]


def _is_checkout(folder: Path) -> bool:
    # site-packages may hold a package called `datasets` that is not ours
    return (folder / "pyproject.toml").exists() and (folder / "datasets" / "CHECKSUMS").exists()


def free_memory() -> int:
    """Return how many bytes this process could still take, containers' limits included."""
    free = [_available(), *_control_group()]
    return max(0, min(free))


def check_room(size: int, what: str) -> None:
    """Refuse to take more bytes than there are, before the system ends the process for it.

    Systems hand out more memory than they have, and kill who uses it.
    """
    if size > _SMALL and size > (free := free_memory() + _meminfo("SwapFree")):
        raise MemoryError(f"{size // 2**20} MiB for {what}, where {free // 2**20} MiB are free")


def _available() -> int:
    if found := _meminfo("MemAvailable"):
        return found
    names = os.sysconf_names if hasattr(os, "sysconf") else {}
    pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in names else "SC_PHYS_PAGES"
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE") if pages in names else 2**32


def _meminfo(name: str) -> int:
    """Return a count of bytes that Linux tells, 0 where it does not."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _control_group() -> list[int]:
    folder = Path("/sys/fs/cgroup")
    try:
        most = (folder / "memory.max").read_text(encoding="ascii").strip()
        used = int((folder / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return []
    return [] if most == "max" else [int(most) - used]
