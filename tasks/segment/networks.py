"""What methods that run somebody else's neural network share: a package, a model's file, loaded once in a process."""

import os
from abc import abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator

from tasks.core.digest import file_digest
from tasks.core.errors import ConfigError
from tasks.core.extras import find_release
from tasks.core.registry import Device
from tasks.segment.matched import MatchedMethod

Network = Any
"""A loaded model, as its package has it."""

OPENING = RLock()
"""Held while a model is loaded: another thread waits for it instead of loading it again."""


class NetworkMethod(MatchedMethod):
    """Base of methods that run a network of a package that is an extra of this one.

    Nothing is downloaded: a model is a file, or a folder, that is there.
    """

    CHANNELS: ClassVar[tuple[str, ...]] = ("channels",)
    PACKAGE: ClassVar[str]
    """Name of the distribution, and the oldest release that fits."""
    EXTRA: ClassVar[str]

    channels: tuple[str, ...] = Field(min_length=1, description="Channels that the network is shown, in this order.")
    model: str = Field(
        min_length=1,
        description="Path of the model, absolute or relative to the folder in which the program is started, or its "
        "name in the folder where the package looks.",
    )

    @field_validator("channels", mode="before")
    @classmethod
    def _one_channel(cls, channels: object) -> object:
        return (channels,) if isinstance(channels, str) else channels

    @classmethod
    @abstractmethod
    def places(cls, model: str) -> Sequence[Path]:
        """Name the paths at which the package has a model of that name."""

    @classmethod
    @abstractmethod
    def files(cls, path: Path) -> Sequence[Path]:
        """Name the files of a model; those that exist count.

        Raises
        ------
        ConfigError
            It is no model.
        """

    @classmethod
    @abstractmethod
    def open(cls, path: Path, *, device: Device) -> Network:
        """Load a model.

        Raises
        ------
        ConfigError, Exception
            It is no model of this kind, or would run code.
        """

    def check_fit(self, network: Network) -> None:
        """Check that the configuration suits a loaded model.

        Raises
        ------
        ConfigError
            It does not.
        """

    @classmethod
    def limit_threads(cls) -> None:
        """Keep the package to one thread: there is a worker for each core."""

    def located(self) -> Self:
        """Name the model by its absolute path; one in the folder where the package looks keeps its name."""
        return self.model_copy(update={"model": str(self.path)}) if self._is_path else self

    @property
    def identity(self) -> object:
        """What objects depend on: of the model what its files hold, wherever they lie."""
        return self.model_dump(exclude={"model"}) | {"requirements": self.requirements()}

    def requirements(self) -> dict[str, str]:
        """Version of the package, and the digests of the model's files by their names."""
        release = self._release()
        return {self.EXTRA: release, **{path.name: file_digest(path) for path in self._own_files()}}

    def load(self, *, device: Device) -> None:
        """Load the model into this process, which is a worker's."""
        self._release()
        if device == "cpu":
            self.limit_threads()
        self.network(device=device)

    def network(self, *, device: Device) -> Network:
        """Return the loaded model; one that was loaded before as it is.

        Raises
        ------
        ConfigError
            It is not there, or cannot be used.
        """
        path = self.path
        state = tuple((file.stat().st_size, file.stat().st_mtime_ns) for file in self._own_files())
        with OPENING:
            try:
                network = _opened(type(self), path, device, state)
                self.check_fit(network)
            except ConfigError as error:
                raise ConfigError(f"{self.key}: {error}") from error
            except ImportError as error:
                raise ConfigError(f"{self.key}: {self.EXTRA} is installed, but cannot be imported: {error}") from error
            except Exception as error:
                raise ConfigError(
                    f"{self.key}: {path} cannot be loaded as a model of {self.EXTRA}: {type(error).__name__}: {error}"
                ) from error
        return network

    @property
    def key(self) -> str:
        """Where the configuration names the model."""
        return f"segment.objects.{self.name}.model"

    @property
    def path(self) -> Path:
        """Where the model is.

        Raises
        ------
        ConfigError
            It is nowhere; the message says where it is looked for.
        """
        places = [Path(self.model).expanduser()] if self._is_path else list(self.places(self.model))
        for place in places:
            if place.exists():
                return place.absolute()
        raise ConfigError(
            f"{self.key}: got {self.model!r}, but there is no {' nor '.join(map(str, places))}; nothing is downloaded "
            "while a run goes on: put the model there, on every machine that works, or give its path"
        )

    @property
    def _is_path(self) -> bool:
        return os.sep in self.model or Path(self.model).expanduser().exists()

    def _own_files(self) -> list[Path]:
        """Files of the model that are there."""
        path = self.path
        try:
            return [file for file in self.files(path) if file.is_file()]
        except ConfigError as error:
            raise ConfigError(f"{self.key}: {error}") from None

    def _release(self) -> str:
        """Version of the package."""
        return find_release(
            self.PACKAGE, extra=self.EXTRA, key=f"segment.objects.{self.name}.method", method=self.EXTRA
        )


@lru_cache(maxsize=4)
def _opened(method: type[NetworkMethod], path: Path, device: Device, state: object) -> Network:
    del state  # a file that changed is loaded anew
    return method.open(path, device=device)


def limit_torch() -> None:
    """Keep torch to one thread of this process."""
    import torch

    torch.set_num_threads(1)
