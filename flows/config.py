"""The configuration: one model that is the YAML file, the Prefect form and the record of the run."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from infra.resources import Asked
from tasks.core.errors import ConfigError, as_yaml
from tasks.core.explain import explain
from tasks.core.layout import ChildObject, Layout
from tasks.core.section import Section
from tasks.core.yaml_text import parse_yaml
from tasks.export.config import Export
from tasks.features.config import Features
from tasks.features.names import rename, rename_meta
from tasks.features.table import table_columns
from tasks.illumination.config import IlluminationMethod, check_illumination, illuminations
from tasks.ingest.channels import Channels
from tasks.ingest.config import Load
from tasks.mask.config import Mask
from tasks.mask.config import check_channels as check_mask_channels
from tasks.normalize.config import ScalingMethod, check_normalize, scalings
from tasks.project.config import Project
from tasks.quality.config import Quality, check_quality
from tasks.report.config import Report, none_if_off
from tasks.segment.config import Segment
from tasks.segment.config import check_channels as check_segment_channels


class Resources(Section):
    """Dask resources that a task of each stage needs; a worker without them is never given one."""

    illumination: dict[str, float] = Field(default={"CPU": 1}, description="The illumination correction.")
    mask: dict[str, float] = Field(default={"CPU": 1}, description="Masking of stamps.")
    segment: Literal["auto"] | dict[str, float] = Field(
        default="auto",
        description="Segmentation. auto: a GPU where the method has a form for it and a worker offers one, else a CPU.",
    )
    quality: dict[str, float] = Field(default={"CPU": 1}, description="Quality metrics and the decision over them.")
    normalize: dict[str, float] = Field(default={"CPU": 1}, description="Normalisation of pixels.")
    features: dict[str, float] = Field(default={"CPU": 1}, description="Feature extraction.")
    files: dict[str, float] = Field(
        default={"CPU": 1}, description="Writing what was decided, export, and the report with its pictures."
    )


class TimeLimit(Section):
    """Time that a task is granted, so that an image which is never done is found.

    Once other partitions of the stage are done, ten times what the slowest of them took for an image takes the place of
    what is granted here; an image alone is always granted the longer of both.
    """

    start: float = Field(default=60.0, description="Seconds whatever the images: to load code, or to compile it.", gt=0)
    image: float = Field(default=2.0, description="Seconds per image.", gt=0)
    megabyte: float = Field(default=10.0, description="Seconds per million bytes of an image's pixels.", ge=0)


class Run(Section):
    """How the work is cut up, and what a run endures."""

    partition_size: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        default="auto",
        description="Images per task, on average; auto depends on the images' size and number.",
        union_mode="left_to_right",
    )
    max_quarantined: float = Field(
        default=0.05, description="Fraction of images that may be set aside before the run fails.", ge=0, le=1
    )
    retries: int = Field(default=2, description="How often a failed task is tried again.", ge=0, le=20)
    time_limit: TimeLimit = Field(default=TimeLimit(), description="How long a task may take for its images.")
    seed: int = Field(default=0, description="Seed of everything random: the choice of --limit, the example images.")
    resources: Resources = Field(default=Resources(), description="Dask resources per stage.")


class Config(Section):
    """What is done to the images. A section left out is a step left out."""

    load: Load = Field(default=Load(), description="Which files are images, and which of their channels are used.")
    project: Project | None = Field(default=None, description="For z-stacks: how one image is made of their planes.")
    illumination: Annotated[IlluminationMethod, illuminations] | None = Field(
        default=None, description="For fields: the shading that all have in common is divided out."
    )
    segment: Segment | None = Field(default=None, description="For fields of many cells: how objects are found.")
    mask: Mask | None = Field(default=None, description="For stamps of one cell each: how the cell is masked.")
    quality: Quality | None = Field(default=None, description="Which cells are kept, decided over the whole data set.")
    normalize: Annotated[ScalingMethod, scalings] | None = Field(
        default=None, description="The pixels of the kept cells are scaled before features are measured."
    )
    features: Features = Field(default=Features(), description="What is measured of each cell.")
    export: Export = Field(default=Export(), description="What is written beside the feature table.")
    report: Annotated[Report | None, BeforeValidator(none_if_off)] = Field(
        default=Report(), description="A page to look at the result, report.html; off, false or null: none is written."
    )
    run: Run = Field(default=Run(), description="How the work is cut up, and what a run endures.")

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, data: object) -> object:
        """Take a section whose keys are all left out, which YAML reads as null, for its defaults.

        Of the report null means none, as in the record of a run without one.
        """
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key == "report"}

    @model_validator(mode="after")
    def _one_way_to_find_cells(self) -> "Config":
        if (self.mask is None) == (self.segment is None):
            got = "neither mask nor segment" if self.mask is None else "both mask and segment"
            raise ValueError(f"got {got}; expected mask (for stamps of one cell each) or segment (for fields of many)")
        return self

    @model_validator(mode="after")
    def _illumination_is_of_fields(self) -> "Config":
        if self.illumination is not None and self.mask is not None:
            raise ValueError(
                "illumination: got it beside mask; it needs segment: a stamp no longer tells where in the camera's "
                "frame it was"
            )
        return self

    @property
    def regions(self) -> tuple[str, ...]:
        """Names of the masks, or of the objects of which a cell has one, the main one first."""
        if self.segment is not None:
            return tuple(entry.name for entry in self.segment.objects if entry.within is None)
        return tuple(method.name or "" for method in self.mask.methods) if self.mask else ()

    @property
    def children(self) -> tuple[ChildObject, ...]:
        """Objects of which a cell may have several."""
        objects = () if self.segment is None else self.segment.objects
        return tuple(ChildObject(name=entry.name, within=entry.within) for entry in objects if entry.within is not None)

    @property
    def cells_stage(self) -> str:
        """Name of the stage that finds the cells: of its section."""
        return "mask" if self.mask is not None else "segment"

    @property
    def needed_resources(self) -> dict[str, Asked]:
        """Resources of the stages that this configuration has."""
        used = ["files", "features", self.cells_stage]
        used += [stage for stage in ("illumination", "quality", "normalize") if getattr(self, stage) is not None]
        return {stage: getattr(self.run.resources, stage) for stage in used}

    @property
    def devices(self) -> dict[str, tuple[str, ...]]:
        """What the methods of stages can use and may, where they choose."""
        return {} if self.segment is None else {"segment": self.segment.devices}

    def layout(
        self, *, channels: Channels, groups: Sequence[str], measures: Sequence[str] = (), numbered: bool
    ) -> Layout:
        """Tell the columns of the run's tables, once the channels are known.

        Raises
        ------
        ConfigError
            The configuration names a channel, region or group that does not exist.
        """
        problems: list[str] = []
        for check in self._checks(channels=channels.names, groups=(*groups, *measures)):
            try:
                check()
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(problems))
        layout = Layout(
            channels=channels.names,
            regions=self.regions,
            stamps=self.mask is not None,
            groups=tuple(groups),
            measures=tuple(measures),
            numbered=numbered,
            children=self.children,
        )
        self._check_names(layout)
        return layout

    def _check_names(self, layout: Layout) -> None:
        """Refuse columns that cannot be named, or would share a name, before anything is computed."""
        columns = table_columns(config=self.features, layout=layout)
        meta = rename_meta(list(layout.cell_meta()), names=self.features.names)
        names = [*meta, *rename(columns, names=self.features.names)]
        if twice := sorted({name for name, count in Counter(names).items() if count > 1}):
            raise ConfigError(
                f"features.names: with names {self.features.names!r} two columns would be called {twice[0]!r}; "
                "rename a channel, mask, object or group of load.pattern"
            )

    def _checks(self, *, channels: Sequence[str], groups: Sequence[str]) -> Iterator[Callable[[], None]]:
        if self.illumination is not None:
            yield partial(check_illumination, self.illumination, groups=groups)
        if self.mask is not None:
            yield partial(check_mask_channels, self.mask, channels)
        if self.segment is not None:
            yield partial(check_segment_channels, self.segment, channels)
        if self.normalize is not None:
            yield partial(check_normalize, self.normalize, regions=self.regions, groups=groups)
        if self.quality is not None:
            yield partial(check_quality, self.quality, channels=channels, regions=self.regions, groups=groups)


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
    except FileNotFoundError as error:
        raise ConfigError(f"there is no configuration file {str(path)!r}{_near(path)}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"the configuration {str(path)!r} is a folder; give a YAML file") from error
    except OSError as error:
        raise ConfigError(f"the configuration {str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the configuration {str(path)!r} is no text file in UTF-8") from error
    try:
        data = parse_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML that can be read{_yaml_problem(error)}") from error
    return parse_config({} if data is None else data, name=str(path))


def parse_config(data: object, *, name: str = "configuration") -> Config:
    """Make a configuration of plain data; `name` tells in messages where it comes from.

    Raises
    ------
    ConfigError
        With a line per mistake.
    """
    if not isinstance(data, dict):
        raise ConfigError(f"{name}: expected sections such as `load:` and `mask:`, got {as_yaml(data)}")
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = [f"  {line}" for line in explain(error, data=data, model=Config)]
        raise ConfigError("\n".join([f"{name}:", *lines])) from error


def _near(path: Path) -> str:
    names = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {str(path.with_name(near[0]))!r}?" if near else ""


def _yaml_problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return f": {error}"
    mark = error.problem_mark or error.context_mark
    where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = error.problem or ""
    hint = next((hint for words, hint in YAML_HINTS.items() if words in problem), "")
    return f"{where}: {problem}{hint}"


YAML_HINTS = {
    "unknown escape character": r"; put a pattern in single quotes: 'sample(?P<sample>\d+)'",
    "'\\t'": "; indent with spaces, not with tabs",
    "could not determine a constructor for the tag": "; only plain text, numbers, lists and mappings are allowed",
    "mapping values are not allowed here": "; a text that holds a colon and a blank needs quotes",
}
"""What to do about the commonest mistakes in YAML."""
