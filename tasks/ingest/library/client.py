"""Asking a library's process; the first question starts it, and one that ended is started anew."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any, cast

import numpy as np

from tasks.core.errors import ConfigError, PixelError
from tasks.core.transforms import PixelWindow
from tasks.core.types import AnyArray

SERVER = Path(__file__).with_name("server.py")

INTERPRETERS = {"bioio": "SCIP_BIOIO_PYTHON", "aicsimageio": "SCIP_AICSIMAGEIO_PYTHON"}
"""Variables that name an interpreter that has a library; without, this program's own is asked."""

LISTING_SECONDS = 300.0
"""Time for what a file holds: reading of pixels has the time limit of its task."""

FROM_OUTSIDE = frozenset((signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
"""Signals that no file sends: memory was short, or the run is being stopped. The next run tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a file tells of one of its scenes; see `tasks.ingest.library.server`."""

    name: str
    times: int
    depth: int
    channels: int
    height: int
    width: int
    dtype: str
    labels: tuple[str, ...] | None
    metadata: dict[str, str]
    measures: dict[str, float]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Scene":
        """Make it of a server's answer."""
        return cls(**{**answer, "labels": None if answer["labels"] is None else tuple(answer["labels"])})


class Library:
    """One library, in a process of its own for each process that asks; questions are answered one after the other.

    Parameters
    ----------
    name
        ``bioio`` or ``aicsimageio``.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    @property
    def python(self) -> str:
        """The interpreter that is asked."""
        return os.environ.get(INTERPRETERS[self._name]) or sys.executable

    def check(self) -> None:
        """See whether the library is there.

        Raises
        ------
        ConfigError
            It is not; naming what would do.
        """
        with self._lock:
            self._started()

    def scenes(self, path: str) -> list[Scene]:
        """Ask what a file holds.

        Raises
        ------
        PixelError
            The library cannot read it, ends by it, or does not come to an end.
        OSError
            The file cannot be opened, or the library's process was ended from outside.
        """
        answer, _ = self._ask({"do": "list", "path": path}, seconds=LISTING_SECONDS)
        return [Scene.of(scene) for scene in answer["scenes"]]

    def read(
        self, path: str, *, scene: int, time: int, z: int, channels: Sequence[int], region: PixelWindow
    ) -> AnyArray:
        """Ask for pixels (C, H, W) of some channels of a part of a plane.

        Raises
        ------
        PixelError
            The library cannot read it, or ends by it.
        OSError
            The file cannot be opened, or the library's process was ended from outside.
        """
        wanted = {"scene": scene, "time": time, "z": z, "channels": list(channels), "region": list(region)}
        answer, content = self._ask({"do": "read", "path": path, **wanted}, seconds=None)
        expected = [len(channels), region.row_stop - region.row_start, region.col_stop - region.col_start]
        if answer["shape"] != expected:
            raise PixelError(f"{self._name} reads {answer['shape']} pixels of it, expected {expected}")
        pixels: AnyArray = np.frombuffer(content, dtype=np.dtype(answer["dtype"])).reshape(expected)
        return pixels

    def _ask(self, question: Mapping[str, object], *, seconds: float | None) -> tuple[dict[str, Any], bytearray]:
        with self._lock:
            process = self._started()
            timer = None if seconds is None else threading.Timer(seconds, process.kill)
            try:
                if timer is not None:
                    timer.start()
                answer, content = _exchange(process, question)
            except (OSError, EOFError):
                self._process = None
                raise self._how_it_ended(process, seconds=seconds) from None
            except BaseException:  # of an answer that was not read to its end, the rest would be taken for the next one
                self._process = None
                process.kill()
                raise
            finally:
                if timer is not None:
                    timer.cancel()
        if "errno" in answer:
            raise OSError(answer["errno"], answer["error"])
        if "error" in answer:
            raise PixelError(f"cannot be read by {self._name} ({answer['error']})")
        return answer, content

    def _how_it_ended(self, process: "subprocess.Popen[bytes]", *, seconds: float | None) -> Exception:
        status = process.wait()
        if seconds is not None and status == -signal.SIGKILL:
            return PixelError(
                f"ended the process in which {self._name} reads it: it was killed, as after {seconds:g} s"
            )
        how = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
        if -status in FROM_OUTSIDE:
            return OSError(errno.EINTR, f"the process in which {self._name} reads it was ended {how}")
        return PixelError(f"ended the process in which {self._name} reads it, {how}; it is damaged")

    def _started(self) -> "subprocess.Popen[bytes]":
        """Return the running process; a process that was forked starts one of its own."""
        if self._process is not None and self._owner == os.getpid() and self._process.poll() is None:
            return self._process
        # another environment's packages are not to be those of PYTHONPATH here
        options = [] if self.python == sys.executable else ["-E"]
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own interpreter
                [self.python, *options, str(SERVER), self._name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise ConfigError(f"{INTERPRETERS[self._name]}: {self.python!r} cannot be run ({error})") from error
        try:
            ready = json.loads(_answers(process).readline())
        except ValueError:
            ready = {"error": "it does not answer"}
        if "error" in ready:
            process.kill()
            process.wait()
            raise ConfigError(
                f"load.reader: {self._name} cannot be imported by {self.python} ({ready['error']}); docs/formats.md "
                "says how to install it"
            )
        self._process, self._owner = process, os.getpid()
        return process


def _exchange(process: "subprocess.Popen[bytes]", question: Mapping[str, object]) -> tuple[dict[str, Any], bytearray]:
    """Send a question and read the answer.

    Raises
    ------
    OSError, EOFError
        The process has ended.
    """
    questions, answers = cast("BufferedWriter", process.stdin), _answers(process)
    questions.write(json.dumps(question).encode() + b"\n")
    questions.flush()
    line = answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    answer = json.loads(line)
    content = bytearray(answer["bytes"])  # arrays of it can be written to
    view = memoryview(content)
    while view:
        count = answers.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]
    return answer, content


def _answers(process: "subprocess.Popen[bytes]") -> BufferedReader:
    """Return the pipe of a process's answers."""
    return cast("BufferedReader", process.stdout)


@cache
def library(name: str) -> Library:
    """Return the one way to a library that this process has."""
    return Library(name)
