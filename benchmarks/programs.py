"""What benchmarks share: command lines, one core, the machine in words, and programs in other environments."""

import argparse
import os
import platform
import subprocess
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Self, cast

ROOT = Path(__file__).resolve().parent.parent
ORIGINAL = ROOT / ".envs" / "scip", "environment of SCIP 0.1.12"
DTYPES = ["uint16", "float64"], "types of the pixels"


def parsed(description: str, **options: tuple[Any, ...]) -> argparse.Namespace:
    """Read the command line: of each option the default, whose type a value has (or each of a list), help, choices."""
    parser = argparse.ArgumentParser(description=description)
    for name, (default, help_text, *choices) in options.items():
        many = isinstance(default, list)
        kind = type(default[0] if many else default)
        parser.add_argument(
            f"--{name}",
            type=kind,
            default=default,
            nargs="+" if many else None,
            help=help_text,
            choices=choices or None,
        )
    return parser.parse_args()


def stay_on_one_core() -> None:
    """Keep this process, and those that are started from here, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def machine(*packages: str) -> str:
    """Name the processor, Python, and versions of packages."""
    versions = [f"{name} {version(name)}" for name in packages]
    return ", ".join([platform.machine(), f"Python {platform.python_version()}", *versions])


class Program:
    """A program in a process of its own environment, which times what each line of its input asks for.

    Parameters
    ----------
    environment
        Folder of its environment; where that is not there the program is not known and answers nothing.
    script, arguments
        What runs, in benchmarks/.
    """

    def __init__(self, environment: Path, script: str, *arguments: Path | str) -> None:
        python = environment / "bin" / "python"
        self.known = python.exists()
        self._process = ExitStack()
        if self.known:
            inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NUMBA"))}
            process = self._process.enter_context(
                subprocess.Popen(
                    [python, ROOT / "benchmarks" / script, *arguments],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                    env=inherited | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
                )
            )  # fmt: skip
            self._asked, self._answers = cast("tuple[IO[str], IO[str]]", (process.stdin, process.stdout))
            self._answer()

    def _answer(self) -> list[str]:
        """Wait for the next line."""
        if not (line := self._answers.readline()):
            raise RuntimeError("the other program has stopped; its error message stands above")
        return line.split()

    def ask(self, step: str, *, cells: int) -> list[float]:
        """Take a step for the first cells: the seconds that it took, and what else the program tells."""
        print(step, cells, file=self._asked, flush=True)
        return [float(number) for number in self._answer()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()


def told_where_missing(environment: Path, *, maker: str = "scip_environment.sh") -> None:
    """Say how an environment that is not there is made."""
    if not (environment / "bin" / "python").exists():
        print(f"\nno {environment}: make it with benchmarks/{maker}, or name another (-h tells the option)")
