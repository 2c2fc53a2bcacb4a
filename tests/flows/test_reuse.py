"""Decisions of other runs: what is refused, and why, before anything is computed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from flows.pipeline import PIPELINE
from tasks.core.decision import GroupThreshold, QualityDecision, RuleDecision
from tasks.core.errors import UserError
from tasks.illumination.files import FieldGroup
from tasks.illumination.pictures import write_correction
from tasks.illumination.published import PublishedCorrections, publish_corrections
from tasks.normalize import ChannelScaling, GroupScaling, Scaling
from tasks.quality.config import Quality
from tests.running import prepared

RULES: dict[str, Any] = {
    "rules": [{"metric": "sum", "channel": "DNA", "threshold": {"method": "quantile", "q": 0.1}, "group_by": "plate"}]
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Write four fields of two plates."""
    for number in range(4):
        path = tmp_path / "images" / f"P{number % 2}" / f"{number}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.full((2, 40, 50), number, dtype=np.uint16), photometric="minisblack")
    return tmp_path / "images"


def publish_light(folder: Path, *, plates: tuple[str, ...] = ("P0", "P1"), shape: tuple[int, int] = (40, 50)) -> Path:
    """Publish correction images as a run would."""
    correction = np.ones((2, *shape), dtype=np.float32)
    made = {FieldGroup(group=(plate,), height=shape[0], width=shape[1]): 2 for plate in plates}
    (folder / "made").mkdir(parents=True)
    write_correction(folder / "made", correction, channels=["DNA", "RNA"], title="all")
    published = PublishedCorrections.of(
        made, config={"method": "polynomial"}, channels=["DNA", "RNA"], group_by=["plate"]
    )
    publish_corrections(folder / "statistics", published=published, folders=[folder / "made" for _ in made])
    return folder


def publish_rules(folder: Path, *, plates: tuple[str, ...] = ("P0", "P1"), **quality: object) -> Path:
    """Publish a quality decision as a run would."""
    groups = tuple(GroupThreshold(group={"plate": plate}, threshold=3.0, before=9, after=5) for plate in plates)
    rule = RuleDecision(
        rule="sum_DNA", column="image__quality_sum__DNA", keep="above", group_by=("plate",), groups=groups
    )
    section = Quality.model_validate(quality or RULES).model_dump(mode="json")
    (folder / "statistics").mkdir(parents=True)
    decision = QualityDecision(rules=(rule,), quality=section)
    (folder / "statistics" / "quality.json").write_text(decision.model_dump_json(), encoding="utf-8")
    return folder


def publish_scaling(
    folder: Path, *, plates: tuple[str, ...] = ("P0", "P1"), channels: tuple[str, ...] = ("DNA", "RNA")
) -> Path:
    """Publish a scaling as a run would."""
    own = tuple(ChannelScaling(channel=name, center=0, scale=2, count=9) for name in channels)
    scaling = Scaling(
        method="minmax", transform="linear", region="nucleus", group_by=("plate",), channels=channels,
        groups=tuple(GroupScaling(group={"plate": plate}, channels=own) for plate in plates),
    )  # fmt: skip
    (folder / "statistics").mkdir(parents=True)
    (folder / "statistics" / "normalization.json").write_text(scaling.model_dump_json(), encoding="utf-8")
    return folder


def check(images: Path, **sections: Any) -> None:  # noqa: ANN401 - sections of the configuration
    own = {
        "load": {"pattern": r"(?P<plate>P\d)/", "channels": {"DNA": 0, "RNA": 1}},
        "segment": {"objects": {"nucleus": {"method": "watershed", "channel": "DNA", "diameter": 12}}},
    }
    prepared({**own, **sections}, inputs=[images], output=images.parent / "out", stages=PIPELINE)


def test_what_fits_is_taken(images: Path, tmp_path: Path) -> None:
    """By the output folder, by its folder statistics and by the file; what is there for more groups does no harm."""
    light = publish_light(tmp_path / "a", plates=("P0", "P1", "P7"))
    rules = publish_rules(tmp_path / "b", plates=("P0", "P1", "P7"))
    scaling = publish_scaling(tmp_path / "c", plates=("P0", "P1", "P7"))
    for below in ("", "statistics"):
        check(
            images,
            illumination={"use": str(light / below)},
            quality={"use": str(rules / below)},
            normalize={"use": str(scaling / below)},
        )
    names = {"illumination": light, "quality": rules, "normalize": scaling}
    files = {"illumination": "illumination", "quality": "quality", "normalize": "normalization"}
    check(images, **{key: {"use": str(names[key] / "statistics" / f"{files[key]}.json")} for key in names})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (
            "illumination",
            "illumination.use: there is no illumination.json at .*name the output folder of a run with an",
        ),
        ("quality", "quality.use: there is no quality.json at .*name the output folder of a run with quality rules"),
        ("normalize", "normalize.use: got .*which is not there; expected normalization.json of a run"),
    ],
)
def test_a_path_at_which_nothing_is(images: Path, tmp_path: Path, section: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check(images, **{section: {"use": str(tmp_path / "nothing")}})


@pytest.mark.parametrize(
    ("section", "name"),
    [("illumination", "illumination.json"), ("quality", "quality.json"), ("normalize", "normalization.json")],
)
@pytest.mark.parametrize("content", [b"{", b'{"rules": 5}', b"\xff\xfe\x00"], ids=["cut", "other", "binary"])
def test_a_file_that_is_something_else(images: Path, tmp_path: Path, section: str, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"{section}\.use: .*{name}"):
        check(images, **{section: {"use": str(path)}})


def test_groups_that_a_reused_decision_lacks(images: Path, tmp_path: Path) -> None:
    light = publish_light(tmp_path / "a", plates=("P0",))
    with pytest.raises(UserError, match=r"has no correction image for 1 of 2 groups by plate: P1; estimate"):
        check(images, illumination={"use": str(light)})
    rules = publish_rules(tmp_path / "b", plates=("P1",))
    with pytest.raises(UserError, match=r"quality.use: rule sum_DNA has no threshold for 1 of 2 groups by plate: P0;"):
        check(images, quality={"use": str(rules)})
    scaling = publish_scaling(tmp_path / "c", plates=("P1",))
    with pytest.raises(UserError, match=r"normalize.use: lacks a group of the images by plate: 'P0'"):
        check(images, normalize={"use": str(scaling)})


def test_channels_that_a_reused_decision_lacks(images: Path, tmp_path: Path) -> None:
    load = {"pattern": r"(?P<plate>P\d)/", "channels": {"DNA": 0, "ER": 1}}
    light = publish_light(tmp_path / "a")
    with pytest.raises(UserError, match=r"holds the channels DNA, RNA, this run reads DNA, ER; set load.channels"):
        check(images, load=load, illumination={"use": str(light)})
    rules = publish_rules(tmp_path / "b")
    with pytest.raises(UserError, match=r"quality.rules.0.channel: got 'DNA', which is not a channel; allowed: ER"):
        check(
            images,
            load={"pattern": r"(?P<plate>P\d)/", "channels": {"ER": 0, "RNA": 1}},
            segment={"objects": {"nucleus": {"method": "watershed", "channel": "ER", "diameter": 9}}},
            quality={"use": str(rules)},
        )
    scaling = publish_scaling(tmp_path / "c")
    with pytest.raises(UserError, match=r"normalize.use: has no scaling of channel 'ER'; allowed: DNA, RNA"):
        check(images, load=load, normalize={"use": str(scaling)})


def test_correction_images_of_another_size(images: Path, tmp_path: Path) -> None:
    light = publish_light(tmp_path / "a", shape=(20, 25))
    with pytest.raises(UserError, match="holds corrections of fields of 20×25 px, this run's fields have 40×50;"):
        check(images, illumination={"use": str(light)})


def test_a_correction_image_whose_file_is_gone(images: Path, tmp_path: Path) -> None:
    light = publish_light(tmp_path / "a")
    (light / "statistics" / "illumination" / "0001_P1_40x50.tif").unlink()
    with pytest.raises(UserError, match=r"lists illumination/0001_P1_40x50.tif, which is not there; copy that folder"):
        check(images, illumination={"use": str(light)})


def test_a_run_without_rules_has_none_to_use(images: Path, tmp_path: Path) -> None:
    folder = publish_rules(tmp_path / "a")
    (folder / "statistics" / "quality.json").write_text('{"rules": []}', encoding="utf-8")
    with pytest.raises(UserError, match="had no quality rules; name one that had, or give rules"):
        check(images, quality={"use": str(folder)})


def test_stale_correction_images_go_and_those_of_others_stay(tmp_path: Path) -> None:
    folder = publish_light(tmp_path / "a", plates=("P0", "P1"))
    other = folder / "statistics" / "illumination" / "notes.tif"
    other.write_bytes(b"mine")
    published = PublishedCorrections.of(
        {FieldGroup(group=("P1",), height=40, width=50): 2}, config={}, channels=["DNA", "RNA"], group_by=["plate"]
    )
    publish_corrections(folder / "statistics", published=published, folders=[folder / "made"])
    names = sorted(path.name for path in (folder / "statistics" / "illumination").iterdir())
    assert names == ["0000_P1_40x50.png", "0000_P1_40x50.tif", "notes.tif"]
