"""A part of every kind is added by one file: a package that is installed, of which nothing here knows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from flows.terminal.reference import reference
from tasks.core.errors import ConfigError
from tasks.core.exact.statistics import answered
from tasks.core.feature_files import write_feature_file
from tasks.core.registry import Parts
from tasks.core.types import Batch, Ragged, Region
from tasks.export.config import Export
from tasks.export.registry import FeatureTable, exporters
from tasks.features import Features, feature_columns, measure
from tasks.features.family import families
from tasks.ingest.channels import resolve_channels
from tasks.ingest.config import Load
from tasks.ingest.index import build_index
from tasks.ingest.load import load_images
from tasks.ingest.readers import readers
from tasks.mask import Mask, mask_batch
from tasks.mask.registry import channel_filters, masks
from tasks.quality.config import Quality
from tasks.quality.measure import measure_metrics
from tasks.quality.registry import metrics, thresholds
from tasks.segment import Segment, segment_image
from tasks.segment.registry import segmenters

IMAGE = np.zeros((2, 12, 16), dtype=np.uint16)
IMAGE[0, 2:6, 2:6], IMAGE[1, 4:9, 4:8], IMAGE[1, 3:6, 11:14] = 4, 5, 9
STAMPS = Batch.of([IMAGE], channels=["BF", "PI"])
REGION = Region(name="cell", shared=True, masks=Ragged.of([IMAGE[:1] > 0]), background=np.zeros((1, 2)))


METHOD = """
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from tasks.core.exact import statistics
from tasks.core.published import Published
from tasks.core.types import Ragged
from tasks.{stage}.registry import {base}, {parts}


class Fancy({base}):
    method: Literal["fancy"] = Field(default="fancy", description="Another.")
    {fields}


@{parts}.register(Fancy)
def fancy({arguments}):
    return {value}
"""
MASK = METHOD.format(
    stage="mask",
    base="MaskMethod",
    parts="masks",
    fields='level: float = Field(default=6, description="Darkest pixel.")',
    arguments="batch, config",
    value="Ragged(flat=(p := batch.pixels).flat > config.level, shapes=p.shapes, n_channels=p.n_channels)",
)
CHANNEL_FILTER = METHOD.format(
    stage="mask",
    base="ChannelFilter",
    parts="channel_filters",
    fields="",
    arguments="batch, config",
    value="np.array([image.max(axis=(1, 2)) > 4 for image in batch.pixels.unstack()])",
)
SEGMENTER = METHOD.format(
    stage="segment",
    base="ObjectMethod",
    parts="segmenters",
    fields="""CHANNELS: ClassVar[tuple[str, ...]] = ("channel", "second")
    channel: str = Field(description="One.")
    second: str = Field(description="The other.")""",
    arguments="image, *, labels, config, channels",
    value="ndimage.label(sum(image[channels.index(getattr(config, key))] for key in config.CHANNELS))[0]",
)
THRESHOLD = METHOD.format(
    stage="quality",
    base="ThresholdMethod",
    parts="thresholds",
    fields="",
    arguments="config",
    value="statistics.quantile(1.0)",
)
EXPORTER = METHOD.format(
    stage="export",
    base="ExportMethod",
    parts="exporters",
    fields='PUBLISHED: ClassVar[Published] = Published(path="rows.txt", is_ours=Path.is_file)',
    arguments="table, output, config",
    value='(output / "rows.txt").write_text(str(table.rows))',
)
METRIC = """
import numpy as np

from tasks.quality.registry import register


@register("fancy", of_region=True)
def fancy(view):
    '''Range of the pixels.'''
    return float(np.ptp(view.inside))
"""
FAMILY = """
import numpy as np

from tasks.features.family import Family, FeatureDef, register

FIRST = FeatureDef(stat="first", unit="intensity", definition="First pixel.")


def columns(*, region, channels):
    return tuple(FIRST.column(family="fancy", region=region, channels=(channel,)) for channel in channels)


def measure(batch, region):
    return np.array([image[:, 3, 4] for image in batch.pixels.unstack()], dtype=np.float64)


register(Family(name="fancy", description="One pixel.", columns=columns, measure=measure))
"""
READER = """
from dataclasses import dataclass

import numpy as np

from tasks.ingest.readers.base import FileReader, Header, ReaderListing, positions, register
from tasks.ingest.readers.image import file_reference


@dataclass(frozen=True)
class FancyReader(FileReader):
    '''Arrays.'''

    name: str = "fancy"
    accepted: str = ".npy"

    def accepts(self, source):
        return source.suffix == ".npy"

    def suits(self, source, *, by_channel):
        return self.accepts(source)

    def index(self, sources, *, pattern, wanted):
        return ReaderListing(references=[file_reference(source, reader=self.name) for source in sources])

    def probe(self, reference, *, pattern):
        array = np.load(reference.paths[0])
        return Header(channels=len(array), height=array.shape[1], width=array.shape[2], dtype=array.dtype)

    def read(self, reference, *, channels, z):
        array = np.load(reference.paths[0])
        return array[list(positions(channels, count=len(array), labels=None))]


register(FancyReader())
"""


def objects_by_channel(section: dict[str, Any]) -> list[int]:
    config = Mask.model_validate({"main_channel": "PI", "border": "off", **section})
    (mask,) = mask_batch(STAMPS, config=config)
    return [int(count) for count in mask.n_components[0]]


def mask(_: Path) -> None:
    assert objects_by_channel({"methods": ["fancy"]}) == [0, 1]
    assert objects_by_channel({"methods": [{"method": "fancy", "level": 4}]}) == [0, 2]


def channel_filter(_: Path) -> None:
    assert objects_by_channel({"methods": ["circle"], "channel_filter": ["fancy"]}) == [0, 1]


def segmenter(_: Path) -> None:
    objects = {"cell": {"method": "fancy", "channel": "BF", "second": "PI"}}
    segmentation = segment_image(IMAGE, channels=["BF", "PI"], config=Segment.model_validate({"objects": objects}))
    assert segmentation.labels["cell"].max() == 2
    objects["cell"]["second"] = "PJ"
    with pytest.raises(ConfigError, match=r"segment\.objects\.cell\.second: got 'PJ', .* did you mean 'PI'"):
        segment_image(IMAGE, channels=["BF", "PI"], config=Segment.model_validate({"objects": objects}))


def threshold(_: Path) -> None:
    (rule,) = Quality.model_validate([{"metric": "area", "threshold": "fancy"}]).rules
    values = np.array([3.0, 7.0, 5.0])
    assert answered(thresholds.function(rule.threshold)(rule.threshold), lambda query: query.answer(values)) == 7


def metric(_: Path) -> None:
    config = Quality.model_validate([{"metric": "fancy", "channel": "PI", "threshold": "otsu"}])
    table = measure_metrics(STAMPS, [REGION], rules=config.rules, frames=[IMAGE])
    assert table.to_dict(as_series=False) == {"cell__quality_fancy__PI": [5.0]}


def family(_: Path) -> None:
    config = Features(families=("fancy",))
    columns = feature_columns(config=config, channels=STAMPS.channels, regions=[("cell", True)])
    assert [column.name for column in columns] == ["cell__fancy_first__BF", "cell__fancy_first__PI"]
    assert measure(STAMPS, [REGION], config=config).tolist() == [[4, 0]]
    assert [family.name for family in Features().selected] == ["shape", "intensity", "texture", "fancy"]


def reader(folder: Path) -> None:
    np.save(folder / "a.npy", IMAGE)
    references = build_index([folder / "a.npy"], config=Load()).references
    channels, _ = resolve_channels(references, config=Load.model_validate({"channels": {"PI": 1}}))
    (image,) = load_images(references, channels=channels).images
    assert references[0].reader == "fancy"
    assert np.array_equal(np.asarray(image), IMAGE[1:])


def exporter(folder: Path) -> None:
    write_feature_file(folder / "0.parquet", [pa.table(pl.DataFrame({"a": [1, 2, 3]}).to_arrow())])
    _, config = Export.model_validate({"formats": ["fancy"]}).formats
    exporters.function(config)(FeatureTable(files=(folder / "0.parquet",), dictionary={}), folder, config)
    assert (folder / "rows.txt").read_text() == "3"


@pytest.mark.parametrize(
    ("parts", "source", "works"),
    [
        (masks, MASK, mask),
        (channel_filters, CHANNEL_FILTER, channel_filter),
        (segmenters, SEGMENTER, segmenter),
        (thresholds, THRESHOLD, threshold),
        (metrics, METRIC, metric),
        (families, FAMILY, family),
        (readers, READER, reader),
        (exporters, EXPORTER, exporter),
    ],
    ids=lambda value: value.kind if isinstance(value, Parts) else "",
)
def test_a_part_needs_one_file_and_is_in_configuration_stage_and_documentation(
    parts: Parts[Any],
    source: str,
    works: Callable[[Path], None],
    tmp_path: Path,
    install: Callable[[str, Parts[Any]], None],
) -> None:
    assert "`fancy`" not in reference()
    install(source, parts)
    works(tmp_path)
    assert "`fancy`" in reference()
