"""What a package's part takes part in is known by the version of that package, and nothing else is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.core.digest import digest
from tasks.core.packages import offering_packages
from tasks.core.registry import Parts
from tasks.features import Features
from tasks.features.family import families
from tasks.mask import Mask
from tasks.quality.config import Rule
from tasks.quality.registry import metrics
from tasks.segment import Segment
from tests.extending.conftest import install as install_example
from tests.mechanics.test_parts import FAMILY, METRIC
from tests.running import prepared

SPOTS = {"method": "log_spots", "channel": "c0", "diameter": 4}


def stamps(mask: str) -> dict[str, Any]:
    return {"mask": {"methods": [mask], "main_channel": "c0", "border": "off"}}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    np.save(folder / "a.npy", np.eye(5))
    return folder


def of_listing(images: Path, output: Path) -> list[str]:
    return [part.digest for part in prepared(stamps("li"), inputs=[images], output=output).listing.images.partitions]


def digests(images: Path, output: Path) -> dict[str, object]:
    return {
        "reader": of_listing(images, output),
        "mask": digest(Mask.model_validate(stamps("peak_fraction")["mask"])),
        "segmenter": digest(Segment.model_validate({"objects": {"spot": SPOTS}})),
        "family": digest(Features(families=("shape", "autocorrelation"))),
        "other mask": digest(Mask.model_validate(stamps("li")["mask"])),
        "other segmenter": digest(
            Segment.model_validate({"objects": {"cell": {"method": "threshold", "channel": "c0"}}})
        ),
        "other families": digest(Features()),
    }


@pytest.mark.usefixtures("installed")
def test_a_raised_version_is_part_of_what_results_depend_on_and_the_same_one_changes_nothing(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, again = digests(images, tmp_path / "output"), digests(images, tmp_path / "output")
    assert offering_packages() == {"example-parts": "1.0"}
    assert first == again
    monkeypatch.syspath_prepend(str(install_example(tmp_path, version="1.1")))
    raised = digests(images, tmp_path / "output")
    assert offering_packages() == {"example-parts": "1.1"}
    changed = {name for name in first if first[name] != raised[name]}
    assert changed == {"reader", "mask", "segmenter", "family"}


Install = Callable[[str, Parts[Any]], None]


def test_features_depend_on_families_that_come_with_a_package(install: Install) -> None:
    own, listed = digest(Features()), digest(Features(families=("shape",)))
    install(FAMILY, families)
    assert digest(Features()) != own
    assert digest(Features(families=("shape",))) == listed


def test_a_metric_of_a_package_is_measured_anew_with_its_version(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(METRIC, metrics)
    rule = Rule.model_validate({"metric": "fancy", "channel": "BF", "threshold": "otsu"})
    other = Rule.model_validate({"metric": "sum", "channel": "BF", "threshold": "otsu"})
    before = digest(rule), digest(other)
    metadata = tmp_path / "site" / "fancy-1.0.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 2.0"))
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))  # the search path tells that another one was installed
    assert digest(rule) != before[0]
    assert digest(other) == before[1]
