"""Plug-ins: a frozen configuration tagged by ``method`` and the function that it configures, registered once."""

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from tasks.core.errors import ConfigError, shown, suggestion
from tasks.core.section import Method

ConfigT = TypeVar("ConfigT", bound=Method)
FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


class Registry(Generic[ConfigT, FunctionT]):
    """The plug-ins of one kind.

    Inside the project a plug-in registers itself with the decorator; an installed package offers one through an entry
    point of the group ``scip_flows.<kind>`` whose object is a module that registers itself when it is imported.

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

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._configs: dict[str, type[ConfigT]] = {}
        self._functions: dict[str, FunctionT] = {}
        self._loaded = False

    def register(self, config: type[ConfigT]) -> Callable[[FunctionT], FunctionT]:
        """Decorate the function that `config` configures."""
        (name,) = get_args(config.model_fields["method"].annotation)
        if name in self._configs and self._configs[name] is not config:
            raise ValueError(f"two plug-ins claim the {self.kind} {name!r}: {self._configs[name]!r} and {config!r}")

        def decorate(function: FunctionT) -> FunctionT:
            self._configs[name] = config
            self._functions[name] = function
            return function

        return decorate

    def _load_entry_points(self) -> None:
        if not self._loaded:
            self._loaded = True
            for point in entry_points(group=f"scip_flows.{self.kind}"):
                try:
                    point.load()
                except Exception as error:
                    self._loaded = False
                    raise ConfigError(
                        f"the {self.kind} plug-in {point.name!r} ({point.value}) cannot be loaded: "
                        f"{type(error).__name__}: {error}; update or uninstall the package that offers it"
                    ) from error

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all plug-ins, sorted."""
        self._load_entry_points()
        return tuple(sorted(self._configs))

    def __iter__(self) -> Iterator[type[ConfigT]]:
        return iter([self._configs[name] for name in self.names])

    def config(self, name: object) -> type[ConfigT] | None:
        """Return the configuration of the method of that name; None where there is none."""
        return self._configs[name] if isinstance(name, str) and name in self.names else None

    def function(self, config: ConfigT) -> FunctionT:
        """Return the function registered for a configuration."""
        self._load_entry_points()
        return self._functions[config.method]  # type: ignore[attr-defined]

    def method_of(self, value: object) -> object:
        """Tell which method a mapping, or a bare name, asks for; None where it does not say.

        A method that has a field of its own name need not be named beside it: ``{use: PATH}`` is the method ``use``.
        """
        if not isinstance(value, Mapping) or value.get("method") is not None:
            return value["method"] if isinstance(value, Mapping) else value
        own = (name for name in self.names if name in value and name in self._configs[name].model_fields)
        return next(own, None)

    def parse(self, value: object) -> ConfigT:
        """Make a configuration of a mapping, or of the bare name of a method."""
        if any(isinstance(value, config) for config in self):
            return value  # type: ignore[return-value]
        if isinstance(value, str):
            value = {"method": value}
        if not isinstance(value, Mapping):
            raise PydanticCustomError(
                "method_type", "got {got}, expected a mapping with a key 'method'", {"got": shown(value)}
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
                {"kind": self.kind, "got": shown(method), "suggestion": suggestion(str(method), self.names)},
            )
        return self._configs[str(method)].model_validate({**value, "method": method})

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
