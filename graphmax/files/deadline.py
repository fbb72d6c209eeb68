"""A time limit for readers that know of none: pure Python, and DuckDB."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from graphmax.files.errors import refusal
from graphmax.files.options import ReadOptions


class TimeIsUp(BaseException):
    """Raised inside the reading thread; no reader catches it, `time_limit` does."""


@contextmanager
def time_limit(name: str, options: ReadOptions) -> Iterator[None]:
    """Stop what runs inside after ``max_seconds``, at the next step of the interpreter."""
    if options.max_seconds is None:
        yield
        return
    alarm = _Alarm(threading.get_ident(), options.max_seconds)
    try:
        try:
            yield
        finally:
            alarm.stop()
    except TimeIsUp:
        raise refusal(
            name,
            f"be read within {options.max_seconds} seconds",
            "a longer run",
            way_out="pass max_seconds",
        ) from None


class _Alarm:
    def __init__(self, thread: int, seconds: float) -> None:
        self.thread, self.lock, self.stopped = thread, threading.Lock(), False
        self.timer = threading.Timer(seconds, self.ring)
        self.timer.daemon = True
        self.timer.start()

    def ring(self) -> None:
        with self.lock:
            if not self.stopped:
                target = ctypes.c_ulong(self.thread)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(target, ctypes.py_object(TimeIsUp))

    def stop(self) -> None:
        self.timer.cancel()
        with self.lock:
            self.stopped = True
