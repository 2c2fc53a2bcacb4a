"""A function of somebody's own: of a package that is installed, by the name under which the package offers it."""

import inspect
import json
from collections.abc import Callable as Function
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, field_validator

from tasks.core.errors import ConfigError, suggestion
from tasks.core.registry import Device
from tasks.core.types import AnyArray, LabelArray
from tasks.segment.matched import MatchedMethod, select_channels
from tasks.segment.registry import segmenters

GROUP = "scip_flows.segment_callable"
"""Entry points under which packages offer functions."""


class Callable(MatchedMethod):
    """A function (C, Y, X) → (Y, X) labels that an installed package offers by an entry point."""

    CHANNELS: ClassVar[tuple[str, ...]] = ("channels",)

    method: Literal["callable"] = "callable"
    function: str = Field(description=f"Name of an entry point of the group {GROUP} that an installed package has.")
    channels: tuple[str, ...] = Field(
        default=(), description="Channels that the function gets, in this order; left out: all in their order."
    )
    parameters: dict[str, Any] = Field(default={}, description="Further arguments of the function, by their names.")

    @field_validator("parameters")
    @classmethod
    def _check_plain(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        for name, value in parameters.items():
            try:
                json.dumps(value)
            except TypeError:
                raise ValueError(f"{name}: got {value!r}, expected text, numbers, lists or mappings") from None
        return parameters

    def requirements(self) -> dict[str, str]:
        """Version of the package; the function is taken to change only with it."""
        package = _entry_point(self.function, key=self.key).dist
        return {"package": package.name, "version": package.version} if package else {}

    def load(self, *, device: Device) -> None:
        """Import the function, and see whether it takes the parameters."""
        del device
        function = _function(self.function, key=self.key)
        try:
            inspect.signature(function).bind(None, **self.parameters)
        except TypeError as error:
            raise ConfigError(
                f"segment.objects.{self.name}.parameters: the function {self.function!r} does not take them: {error}; "
                f"it has the signature {inspect.signature(function)}, of which the first is the array (C, Y, X)"
            ) from error
        except ValueError:  # compiled functions may have no signature
            return

    @property
    def key(self) -> str:
        """Where the configuration names the function."""
        return f"segment.objects.{self.name}.function"


@segmenters.register(Callable)
def call(image: AnyArray, *, labels: Mapping[str, LabelArray], config: Callable, channels: Sequence[str]) -> LabelArray:
    """Call the function, which gets a copy of the channels (C, Y, X).

    Parameters
    ----------
    image
        (C, H, W), any integer or float dtype.
    labels
        Objects found before, for the match.
    config
        The function and its arguments.
    channels
        C names.

    Returns
    -------
    (H, W) int32
        Its labels in raster order, or with the numbers of the objects that they are matched to.

    Raises
    ------
    ConfigError
        No installed package offers the function, or it cannot be imported.
    ValueError, TypeError
        It returned what is no label image of the field.
    """
    function = _function(config.function, key=config.key)
    returned = function(select_channels(image, names=config.channels, channels=channels), **config.parameters)
    return config.fit(returned, earlier=labels, shape=image.shape[1:])


@lru_cache
def _function(name: str, *, key: str) -> Function[..., object]:
    point = _entry_point(name, key=key)
    try:
        function = point.load()
    except Exception as error:
        raise ConfigError(
            f"{key}: the function {name!r} ({point.value}) cannot be loaded: {type(error).__name__}: {error}; update "
            "or mend the package that offers it"
        ) from error
    if not callable(function):
        raise ConfigError(f"{key}: {name!r} ({point.value}) is a {type(function).__name__}, expected a function")
    return cast("Function[..., object]", function)


def _entry_point(name: str, *, key: str) -> EntryPoint:
    points = entry_points(group=GROUP)
    own = {point.value: point for point in points if point.name == name}
    if not own:
        names = sorted(points.names)
        way_out = suggestion(name, names) if names else "there is none: install your package where this program is"
        raise ConfigError(
            f"{key}: got {name!r}, which no installed package offers as an entry point of the group {GROUP}; {way_out}"
        )
    if len(own) > 1:
        raise ConfigError(f"{key}: {len(own)} functions are called {name!r}: {', '.join(own)}; uninstall all but one")
    return next(iter(own.values()))
