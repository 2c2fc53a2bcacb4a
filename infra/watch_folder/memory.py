"""What a watch has seen and started, kept across its restarts."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import Field, ValidationError

from infra.watch_folder.acquisitions import Sight
from tasks.core.errors import ConfigError
from tasks.core.storage import read_json, write_json
from tasks.core.work import Frozen

FILE = "watch_folder.json"
LOCK = "watch_folder.lock"


class Known(Frozen):
    """What is known of an acquisition.

    Parameters
    ----------
    sight
        How it looked; None: not looked at.
    flow_run
        Identity of the flow run that was started for it.
    left_out
        Whether it was there before the first watch, which was to start new ones only.
    """

    sight: Sight | None = None
    flow_run: str | None = None
    left_out: bool = False

    @property
    def settled(self) -> bool:
        """Whether nothing is started for it any more."""
        return self.left_out or self.flow_run is not None


class Memory(Frozen):
    """What is known, by name of the acquisition, of one folder and deployment."""

    folder: str
    deployment: str
    known: dict[str, Known] = Field(default_factory=dict)

    def noting(self, name: str, known: Known) -> "Memory":
        """Return the memory with what is known of one acquisition."""
        return self.model_copy(update={"known": {**self.known, name: known}})


def recall(output: Path, *, folder: str, deployment: str) -> Memory | None:
    """Read what the last watch has left; None where there was none.

    Raises
    ------
    ConfigError
        It watched another folder or for another deployment, or the file is damaged.
    """
    path = output / FILE
    try:
        memory = Memory.model_validate(read_json(path))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError) as error:
        raise ConfigError(
            f"{path} is no memory of a watch ({error}); remove it: runs that the server knows are not started again"
        ) from error
    if (memory.folder, memory.deployment) != (folder, deployment):
        raise ConfigError(
            f"{output} belongs to a watch of {memory.folder} for {memory.deployment}, got {folder} for {deployment}; "
            "give each watch an --output of its own"
        )
    return memory


def keep(output: Path, memory: Memory) -> None:
    """Write it, whole or not at all."""
    write_json(output / FILE, memory.model_dump())


@contextmanager
def only_watch_in(output: Path) -> Iterator[None]:
    """Keep a second watch out.

    Raises
    ------
    ConfigError
        There is one.
    """
    output.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(output / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise ConfigError(f"another watch writes into {output}; stop it, or give another --output") from error
