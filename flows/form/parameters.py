"""The parameters of the flow as its form shows them, and the configuration that they choose."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import core_schema

from flows.config import Config, load_config, parse_config
from flows.form.json_schema import Schema
from flows.form.schema import config_schema
from tasks.core.errors import ConfigError, suggestion

CONFIGS = Path(__file__).resolve().parents[2] / "deployments" / "configs"
"""Configurations that come with the program."""


class _ConfigSchema:
    """Reads the parameter ``config`` as a file is read, and describes it to Prefect."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(read_config)

    def __get_pydantic_json_schema__(self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        del schema, handler
        return config_schema()


ConfigField = Annotated[Config | None, _ConfigSchema()]
"""A configuration, or plain data of its long or short form; None or empty: none."""

ListField = Annotated[list[str] | None, WithJsonSchema({"type": "array", "items": {"type": "string"}})]
CountField = Annotated[int | None, Field(ge=0), WithJsonSchema({"type": "integer", "minimum": 0})]

CONFIG: Any = Field(
    default={},
    description="What is done to the images, step by step. Images of one cell each need Mask stamps, images of "
    "many cells Segment fields. Where a configuration file is named, leave all of this as it is.",
    json_schema_extra={"title": "Configuration", "position": 4},
)
CONFIG_FILE: Any = Field(
    default="",
    description="In place of the configuration below: a YAML file that the worker can read, or one of those that "
    "come with the program, by name, such as example.",
    json_schema_extra={"title": "Configuration file", "position": 3},
)
INPUTS: Any = Field(
    default=[],
    description="Folders, files, or patterns such as /data/plate1/*.tif, as the worker sees them. None: a small "
    "example data set is generated.",
    json_schema_extra={"title": "Images", "position": 0},
)
OUTPUT: Any = Field(
    default="./output",
    description="Folder of the results, on the worker's machine. A run into the folder of an earlier one resumes it.",
    json_schema_extra={"title": "Results", "position": 1},
)
CLUSTER: Any = Field(
    default="local",
    description="Where the work is done: local, the worker's own machine; a cluster by its name or YAML file; or "
    "the address of a Dask scheduler.",
    json_schema_extra={"title": "Cluster", "position": 5},
)
WORKERS: Any = Field(
    default=0,
    description="Processes that work at the same time. 0: one per core.",
    json_schema_extra={"title": "Workers", "position": 6},
)
LIMIT: Any = Field(
    default=0,
    description="Work on this many images, taken at random, to try a configuration out. 0: all.",
    json_schema_extra={"title": "Limit", "position": 2},
)


def read_config(value: object) -> Config | None:
    """Make a configuration of a parameter; None where nothing was said.

    Raises
    ------
    ConfigError
        With a line per mistake.
    """
    return value if isinstance(value, Config) else parse_config(value) if value else None


def chosen_config(config: Config | None, file: str) -> Config:
    """Return the configuration of a run, which is given either in full or by a file.

    Parameters
    ----------
    file
        A YAML file, or the name of one of deployments/configs; may be empty.

    Raises
    ------
    ConfigError
        Neither is given, or both; or the file cannot be read.
    """
    if config is not None and file:
        raise ConfigError(
            f"got a configuration and a configuration file, {file!r}; give one of them: empty the field of the "
            "file, or set every step of the configuration to Off or Defaults"
        )
    if config is not None:
        return config
    if not file:
        raise ConfigError(
            "got no configuration; name a configuration file, or switch on mask (for images of one cell each) or "
            "segment (for images of many cells)"
        )
    return load_config(_path_of(file))


def _path_of(file: str) -> Path:
    """Return the path of a configuration file; a bare name is that of one that comes with the program."""
    if Path(file).name != file or Path(file).suffix:
        return Path(file).expanduser()
    names = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    if file not in names:
        raise ConfigError(f"there is no configuration named {file!r}; {suggestion(file, names)}; or give a YAML file")
    return CONFIGS / f"{file}.yaml"
