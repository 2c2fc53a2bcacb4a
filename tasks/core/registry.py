"""The parts of a stage, such as its masks or its readers: each in a file of its own, found without a list of them."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from threading import RLock
from typing import Any, Generic, Literal, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from tasks.core.errors import ConfigError, as_yaml, suggestion
from tasks.core.section import Method

PartT = TypeVar("PartT")
ConfigT = TypeVar("ConfigT", bound=Method)
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

Device = Literal["cpu", "gpu"]

LOADING = RLock()
"""Held while parts are imported: another thread waits for all of them instead of seeing some."""


def scan(name: str) -> None:
    """Import a module and, if it is a package, every module below it."""
    module = import_module(name)
    for info in pkgutil.walk_packages(getattr(module, "__path__", ()), prefix=f"{name}."):
        import_module(info.name)


class Parts(Generic[PartT]):
    """The parts of one kind by name: those in the project's own folders and those of installed packages.

    A part adds itself when its module is imported. All modules of `folders` are, as soon as a name is asked for; then
    those that installed packages offer by entry points of the group ``scip_flows.<kind>``.

    Used as a pydantic annotation (``Annotated[str, metrics]``) it takes the name of a part; the JSON schema lists all.

    Parameters
    ----------
    kind
        Such as ``reader``: names the parts in messages, and the group of entry points.
    folders
        Packages or modules that hold parts, such as ``tasks.ingest.readers``.

    Raises
    ------
    ConfigError
        By every access, each time, where an installed package cannot be loaded.

    Examples
    --------
    >>> colors: Parts[int] = Parts("color")
    >>> colors.add("red", 0xFF0000)
    >>> colors.names, colors["red"]
    (('red',), 16711680)
    """

    def __init__(self, kind: str, *folders: str) -> None:
        self.kind = kind
        self._folders = folders
        self._parts: dict[str, PartT] = {}
        self._loaded = False
        self._broken = ""

    def add(self, name: str, part: PartT) -> None:
        """Make a part known; the same one may be added again.

        Raises
        ------
        ValueError
            Another part has that name.
        """
        known = self._parts.setdefault(name, part)
        if known != part:
            raise ValueError(f"two plug-ins claim the {self.kind} {name!r}: {known!r} and {part!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parts, sorted."""
        return tuple(sorted(self._load()))

    def __getitem__(self, name: str) -> PartT:
        """Return the part of that name.

        Raises
        ------
        ConfigError
            There is none; the message tells those that there are.
        """
        if name not in self._load():
            raise ConfigError(f"unknown {self.kind} {as_yaml(name)}; {suggestion(name, self.names)}")
        return self._parts[name]

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self._known)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema, handler
        return {"type": "string", "enum": list(self.names)}

    def _known(self, value: object) -> str:
        if not isinstance(value, str) or value not in self.names:
            raise PydanticCustomError(
                "unknown_part",
                "unknown {kind} {got}; {suggestion}",
                {"kind": self.kind, "got": as_yaml(value), "suggestion": suggestion(str(value), self.names)},
            )
        return value

    def _load(self) -> dict[str, PartT]:
        with LOADING:
            if self._broken:
                raise ConfigError(self._broken)
            if not self._loaded:
                self._loaded = True  # what is imported here may ask for names itself
                try:
                    for folder in self._folders:
                        scan(folder)
                    self._load_entry_points()
                except BaseException:
                    self._loaded = False
                    raise
        return self._parts

    def _load_entry_points(self) -> None:
        for point in entry_points(group=f"scip_flows.{self.kind}"):
            try:
                point.load()
            except Exception as error:
                # remembered: a second import would fail for another reason, such as a part that is there already
                self._broken = (
                    f"the {self.kind} plug-in {point.name!r} ({point.value}) cannot be loaded: "
                    f"{type(error).__name__}: {error}; update or uninstall the package that offers it"
                )
                raise ConfigError(self._broken) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[ConfigT, FunctionT]):
    """A function and what configures it.

    Parameters
    ----------
    config
        Its configuration, tagged by ``method``.
    function
        What is called with it.
    plain
        The same in plain code, where `function` is compiled: what tests hold it against. A part that has it is
        compiled before a run starts.
    gpu
        Of a function that can run on a GPU, too, and takes a keyword ``device: Device = "cpu"``: says what keeps this
        process from that, such as a package that is missing; empty where nothing does.
    """

    config: type[ConfigT]
    function: FunctionT
    plain: FunctionT | None = None
    gpu: Callable[[], str] | None = None

    @property
    def devices(self) -> tuple[Device, ...]:
        """Where `function` can run, the best first."""
        return ("gpu", "cpu") if self.gpu else ("cpu",)


class Registry(Parts[Part[ConfigT, FunctionT]], Generic[ConfigT, FunctionT]):
    """Parts that the configuration names: a frozen model tagged by ``method``, and the function that it configures.

    Used as a pydantic annotation (``Annotated[MaskMethod, masks]``) it validates a mapping by its ``method`` and shows
    the union of all registered models in the JSON schema, as ``anyOf`` because the Prefect form renders only that.

    Examples
    --------
    >>> from typing import Literal
    >>> class Blur(Method):
    ...     method: Literal["blur"] = "blur"
    ...     sigma: float = 1.0
    >>> filters: Registry[Method, Callable[..., float]] = Registry("filter")
    >>> @filters.register(Blur)
    ... def blur(value: float, config: Blur) -> float:
    ...     return value / config.sigma
    >>> filters.names
    ('blur',)
    >>> filters.function(Blur(sigma=2.0))(3.0, Blur(sigma=2.0))
    1.5
    """

    def register(
        self, config: type[ConfigT], *, plain: FunctionT | None = None, gpu: Callable[[], str] | None = None
    ) -> Callable[[FunctionT], FunctionT]:
        """Decorate the function that `config` configures; the other parameters are those of `Part`.

        Raises
        ------
        ValueError
            Another configuration has that name.
        """
        (name,) = get_args(config.model_fields["method"].annotation)
        if (known := self._parts.get(name)) is not None and known.config is not config:
            raise ValueError(f"two plug-ins claim the {self.kind} {name!r}: {known.config!r} and {config!r}")

        def decorate(function: FunctionT) -> FunctionT:
            self._parts[name] = Part(config=config, function=function, plain=plain, gpu=gpu)
            return function

        return decorate

    def __iter__(self) -> Iterator[type[ConfigT]]:
        return iter([self._parts[name].config for name in self.names])

    def config(self, name: object) -> type[ConfigT] | None:
        """Return the configuration of the method of that name; None where there is none."""
        return self._parts[name].config if isinstance(name, str) and name in self.names else None

    def part(self, config: ConfigT) -> Part[ConfigT, FunctionT]:
        """Return the part that a configuration belongs to."""
        return self[config.method]  # type: ignore[attr-defined]

    def function(self, config: ConfigT, *, device: Device = "cpu") -> FunctionT:
        """Return the function registered for a configuration, as it runs on a device.

        Raises
        ------
        ValueError
            It has no form for a GPU.
        """
        part = self.part(config)
        if device == "cpu":
            return part.function
        if part.gpu is None:
            raise ValueError(f"the {self.kind} {as_yaml(config.method)} has no form for a GPU")  # type: ignore[attr-defined]
        return partial(part.function, device=device)  # type: ignore[return-value] # it takes that keyword

    def method_of(self, value: object) -> object:
        """Tell which method a mapping, or a bare name, asks for; None where it does not say.

        A method that has a field of its own name need not be named beside it: ``{use: PATH}`` is the method ``use``.
        """
        if not isinstance(value, Mapping) or value.get("method") is not None:
            return value["method"] if isinstance(value, Mapping) else value
        own = (name for name in self.names if name in value and name in self._parts[name].config.model_fields)
        return next(own, None)

    def parse(self, value: object) -> ConfigT:
        """Make a configuration of a mapping, or of the bare name of a method."""
        if any(isinstance(value, config) for config in self):
            return value  # type: ignore[return-value]
        if isinstance(value, str):
            value = {"method": value}
        if not isinstance(value, Mapping):
            raise PydanticCustomError(
                "method_type", "got {got}, expected a mapping with a key 'method'", {"got": as_yaml(value)}
            )
        method = self.method_of(value)
        if method is None:
            raise PydanticCustomError(
                "unknown_method",
                "the key 'method' is missing; {suggestion}",
                {"suggestion": suggestion("", self.names)},
            )
        if method not in self.names:
            raise PydanticCustomError(
                "unknown_method",
                "unknown {kind} method {got}; {suggestion}",
                {"kind": self.kind, "got": as_yaml(method), "suggestion": suggestion(str(method), self.names)},
            )
        return self._parts[str(method)].config.model_validate({**value, "method": method})

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda model: model.model_dump()),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        del schema
        return {"anyOf": [handler(config.__pydantic_core_schema__) for config in self]}
