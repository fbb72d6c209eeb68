"""A Spark session, and the folders it writes to, on whatever file system they lie."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from graphmax.kernels.progress import tell
from graphmax.tables.answer import Stage

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_DONE = "_SUCCESS"


class Sessions(NamedTuple):
    """What the caller said about Spark: a session, or where to start one and with what memory."""

    given: "SparkSession | None"
    master: str | None
    memory: int | None


@contextmanager
def session(asked: Sessions, space: Path | None) -> Iterator["SparkSession"]:
    """Give a session with views and settings of its own; start and stop one where none is given."""
    if asked.given is not None:
        yield asked.given.newSession()
        return
    started = _start(asked.master or "local[*]", space, asked.memory)
    try:
        yield started.newSession()
    finally:
        started.stop()


def _start(master: str, space: Path | None, memory: int | None) -> "SparkSession":
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ValueError(
            "`engine` must be 'memory' or 'stream' where pyspark is not installed, got 'spark'; "
            'install it with pip install "graphmax[spark]"'
        ) from None
    check_java()
    builder = SparkSession.builder.master(master).appName("graphmax")
    if master.startswith("local"):
        builder = builder.config("spark.ui.enabled", "false")
        builder = builder.config("spark.driver.host", "127.0.0.1")
        if space is not None:
            builder = builder.config("spark.local.dir", str(space))
        if memory is not None:
            builder = builder.config("spark.driver.memory", f"{max(1, memory // 2**20)}m")
    return builder.getOrCreate()


def check_java() -> None:
    """Refuse to start Spark without Java, with the package to install."""
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise OSError(
            "`engine` 'spark' must find Java 17, got no java on the PATH and no JAVA_HOME; install "
            "it, for example with: apt install openjdk-17-jre-headless"
        )


class Storage:
    """Files and folders, through Hadoop: the same calls for a disk, HDFS and object stores.

    Parameters
    ----------
    spark : SparkSession
        The session.
    """

    def __init__(self, spark: "SparkSession") -> None:
        jvm: Any = spark.sparkContext._jvm
        self._path = jvm.org.apache.hadoop.fs.Path
        self._settings = spark.sparkContext._jsc.hadoopConfiguration()

    def _files(self, path: str) -> tuple[Any, Any]:
        place = self._path(path)
        return place.getFileSystem(self._settings), place

    def exists(self, path: str) -> bool:
        """Say whether there is such a file or folder."""
        files, place = self._files(path)
        return bool(files.exists(place))

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with what is in it."""
        files, place = self._files(path)
        files.delete(place, True)

    def rename(self, path: str, new: str) -> bool:
        """Give a folder another name; False where that did not work."""
        files, place = self._files(path)
        return bool(files.rename(place, self._path(new)))

    def names(self, folder: str) -> list[str]:
        """List what is in a folder; nothing if it does not exist."""
        files, place = self._files(folder)
        if not files.exists(place):
            return []
        return [status.getPath().getName() for status in files.listStatus(place)]

    def signature(self, path: str) -> list[tuple[str, int, int]]:
        """Return name, size and time of the files that a path or pattern names."""
        files, place = self._files(path)
        found = files.globStatus(place) or []
        return [(str(s.getPath()), int(s.getLen()), int(s.getModificationTime())) for s in found]


class Checkpoints:
    """Stages as Parquet in a folder: what an earlier run has finished is read, not run.

    Parameters
    ----------
    spark : SparkSession
        The session.
    folder : str
        Where they lie.
    """

    def __init__(self, spark: "SparkSession", folder: str) -> None:
        self.spark = spark
        self.storage = Storage(spark)
        self.folder = folder
        self.stages: list[Stage] = []

    def finished(self, name: str) -> str | None:
        """Return the folder of a finished stage.

        An attempt has a name of its own: a driver that was killed may leave a JVM that still
        writes for a moment.
        """
        for attempt in self.storage.names(self.folder):
            place = f"{self.folder}/{attempt}"
            if attempt.startswith(f"{name}.") and self.storage.exists(f"{place}/{_DONE}"):
                return place
        return None

    def read(self, name: str) -> "DataFrame":
        """Read a finished stage."""
        place = self.finished(name)
        if place is None:
            raise FileNotFoundError(f"`name` must be a finished stage, got {name}")
        return self.spark.read.parquet(place)

    def stage(self, name: str, rows: int, make: Callable[[], "DataFrame"]) -> "DataFrame":
        """Write a stage unless it is there, and read it."""
        if self.finished(name) is None:
            self.spark.sparkContext.setJobDescription(f"graphmax: {name}")
            began = perf_counter()
            tell(name, 0, rows)
            make().write.parquet(f"{self.folder}/{name}.{secrets.token_hex(4)}")
            self.stages.append(Stage(name, rows, perf_counter() - began, 0))
            tell(name, rows, rows)
        return self.read(name)

    def forget(self, name: str) -> None:
        """Remove all attempts at a stage."""
        for attempt in self.storage.names(self.folder):
            if attempt.startswith(f"{name}."):
                self.storage.delete(f"{self.folder}/{attempt}")
