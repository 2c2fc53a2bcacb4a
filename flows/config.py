"""The configuration: one model that is the YAML file, the Prefect form and the record of the run."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from tasks.core.errors import ConfigError, suggestion
from tasks.core.layout import Layout
from tasks.core.section import Section
from tasks.export.config import Export
from tasks.features.config import Features
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.mask.config import Mask
from tasks.mask.config import check_channels as check_mask_channels
from tasks.quality.config import Quality, check_quality
from tasks.segment.config import Segment
from tasks.segment.config import check_channels as check_segment_channels


class Resources(Section):
    """Dask resources that a task of each stage needs; a worker without them is never given one."""

    mask: dict[str, float] = Field(default={"CPU": 1}, description="Masking of stamps.")
    segment: dict[str, float] = Field(
        default={"GPU": 1}, description="Segmentation. {CPU: 1} lets every worker of a machine without GPU take part."
    )
    quality: dict[str, float] = Field(default={"CPU": 1}, description="Quality metrics and the decision over them.")
    features: dict[str, float] = Field(default={"CPU": 1}, description="Feature extraction.")
    files: dict[str, float] = Field(default={"CPU": 1}, description="Listing the images, and export.")


class Run(Section):
    """How the work is cut up, and what a run endures."""

    partition_size: int | Literal["auto"] = Field(
        default="auto",
        description="Images per task; auto depends on the images' size and number.",
        union_mode="left_to_right",
    )
    max_quarantined: float = Field(
        default=0.05, description="Fraction of images that may be set aside before the run fails.", ge=0, le=1
    )
    retries: int = Field(default=2, description="How often a failed task is tried again.", ge=0, le=20)
    seed: int = Field(default=0, description="Seed of everything random: the choice of --limit, the example images.")
    resources: Resources = Field(default=Resources(), description="Dask resources per stage.")

    @model_validator(mode="after")
    def _size(self) -> "Run":
        if self.partition_size != "auto" and self.partition_size < 1:
            raise ValueError(f"partition_size is {self.partition_size}; a partition needs at least one image, or auto")
        return self


class Config(Section):
    """What is done to the images. A section left out is a step left out."""

    load: Load = Field(default=Load(), description="Which files are images, and which of their channels are used.")
    segment: Segment | None = Field(default=None, description="For fields of many cells: how objects are found.")
    mask: Mask | None = Field(default=None, description="For stamps of one cell each: how the cell is masked.")
    quality: Quality | None = Field(default=None, description="Which cells are kept, decided over the whole data set.")
    features: Features = Field(default=Features(), description="What is measured of each cell.")
    export: Export = Field(default=Export(), description="What is written beside the feature table.")
    run: Run = Field(default=Run(), description="How the work is cut up, and what a run endures.")

    @model_validator(mode="after")
    def _one_way_to_find_cells(self) -> "Config":
        if (self.mask is None) == (self.segment is None):
            got = "neither is there" if self.mask is None else "both are there"
            raise ValueError(
                f"{got}: expected either `mask:` (stamps of one cell each) or `segment:` (fields of many cells)"
            )
        return self

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the masks or objects, the main one first."""
        if self.segment is not None:
            return tuple(entry.name for entry in self.segment.objects)
        return tuple(method.name or "" for method in self.mask.methods) if self.mask else ()

    @property
    def needed_resources(self) -> dict[str, dict[str, float]]:
        """Resources of the stages that this configuration has."""
        used = ["files", "features", "mask" if self.mask else "segment", *(["quality"] if self.quality else [])]
        return {stage: getattr(self.run.resources, stage) for stage in used}

    def layout(self, *, channels: Channels, groups: Sequence[str], numbered: bool) -> Layout:
        """Tell the columns of the run's tables, once the channels are known.

        Raises
        ------
        ConfigError
            The configuration names a channel, region or group that does not exist.
        """
        if self.mask is not None:
            check_mask_channels(self.mask, channels.names)
        if self.segment is not None:
            check_segment_channels(self.segment, channels.names)
        if self.quality is not None:
            check_quality(self.quality, channels=channels.names, regions=self.regions, groups=groups)
        return Layout(
            channels=channels.names,
            regions=self.regions,
            stamps=self.mask is not None,
            groups=tuple(groups),
            numbered=numbered,
        )


def load_config(path: str | Path) -> Config:
    """Read a YAML file.

    Raises
    ------
    ConfigError
        With a line per mistake that names the key, what was got and what would do.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from error
    try:
        data = yaml.load(text, Loader=_UniqueKeys)  # noqa: S506 - a subclass of SafeLoader
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    return parse_config({} if data is None else data, name=str(path))


def parse_config(data: object, *, name: str = "configuration") -> Config:
    """Make a configuration of plain data; `name` tells in messages where it comes from.

    Raises
    ------
    ConfigError
        With a line per mistake.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: expected sections such as `load:` and `mask:`, got {data!r}")
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [f"  {line}" for line in _explain(error)]
        raise ConfigError("\n".join([f"{name}:", *lines])) from error


def _explain(error: ValidationError) -> Iterator[str]:
    for detail in error.errors(include_url=False):
        where = ".".join(str(part) for part in detail["loc"]) or "top level"
        yield f"{where}: {_message(detail)}"


def _message(detail: ErrorDetails) -> str:
    got, kind = detail["input"], detail["type"]
    if kind == "extra_forbidden":
        *parents, key = detail["loc"]
        return f"unknown key; {suggestion(str(key), _fields_at(Config, parents))}"
    if kind == "missing":
        return "this key is missing"
    message = detail["msg"].removeprefix("Value error, ")
    if kind in {"value_error", "unknown_method"}:
        return message
    shown = repr(got) if len(repr(got)) < 80 else f"{repr(got)[:77]}…"
    if kind == "literal_error" and isinstance(got, str):
        near = difflib.get_close_matches(
            got, str(detail.get("ctx", {}).get("expected", "")).replace("'", "").split(" or "), n=1
        )
        message += f"; did you mean {near[0]!r}?" if near else ""
    return f"got {shown}; {message[:1].lower()}{message[1:]}"


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """List the keys allowed at a place of the configuration."""
    models = [model]
    for part in location:
        if isinstance(part, int):
            continue
        inner = [
            found
            for one in models
            if part in one.model_fields
            for found in _models_in(one.model_fields[part].annotation)
        ]
        models = inner or models
    return [name for one in models for name in one.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - any type annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _models_in(argument)]


class _UniqueKeys(yaml.SafeLoader):
    """Safe YAML that refuses a key given twice, where plain YAML keeps the last silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, (key_node, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
        return super().construct_mapping(node, deep=deep)
