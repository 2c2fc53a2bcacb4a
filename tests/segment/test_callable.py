"""A function of an installed package, by the name under which the package offers it."""

from collections.abc import Callable as Function
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tasks.core.digest import digest
from tasks.core.errors import ConfigError
from tasks.segment import Segment, segment_image
from tasks.segment.methods.callable import _function

SOURCE = """
import numpy as np
from scipy import ndimage

def bright(image, *, level, faulty=None):
    image[0, 0, 0] = 0  # a copy: nobody else sees it
    labels = ndimage.label(image.sum(axis=0) > level)[0]
    return {None: labels, "tuple": (labels, {}), "float": labels / 2, "shape": labels[1:], "sign": -labels}[faulty]

NUMBER = 3
"""
IMAGE = np.zeros((3, 4, 6))
IMAGE[0, 0, 0], IMAGE[0, 1, 1:3], IMAGE[2, 1, 4:], IMAGE[1] = 9, 9, 9, 9


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Function[..., None]:
    """Install a package `blobs`; a second time another version of it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    _function.cache_clear()

    def install(
        number: str = "1.0", *, points: str = "bright = blobs:bright\nnumber = blobs:NUMBER\ngone = blobs:no"
    ) -> None:
        info = tmp_path / "blobs-1.dist-info"
        info.mkdir(exist_ok=True)
        (tmp_path / "blobs.py").write_text(SOURCE)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: blobs\nVersion: {number}\n")
        (info / "entry_points.txt").write_text(f"[scip_flows.segment_callable]\n{points}\n")

    install()
    return install


def config(**options: Any) -> Segment:  # noqa: ANN401
    own = {"method": "callable", "function": "bright", "parameters": {"level": 5}, **options}
    return Segment.model_validate({"border": "keep", "objects": {"cell": own}})


def labels_of(**options: Any) -> Any:  # noqa: ANN401
    return segment_image(IMAGE, channels=["BF", "DNA", "RNA"], config=config(**options)).labels["cell"]


@pytest.mark.usefixtures("package")
def test_the_function_gets_the_channels_and_parameters_that_are_named() -> None:
    assert_array_equal(np.unique(labels_of(channels=["RNA", "BF"])), [0, 1, 2, 3])
    assert_array_equal(np.unique(labels_of(channels=["BF", "RNA"])), [0, 1, 2])
    assert_array_equal(np.unique(labels_of(channels=["BF"])), [0, 1])
    assert labels_of().all()
    assert not labels_of(parameters={"level": 50}).any()
    assert IMAGE[0, 0, 0] == 9


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        ("tuple", "got a tuple, expected labels as a numpy array"),
        ("float", "got an array of float64, expected whole numbers"),
        ("shape", r"got labels of shape \(3, 6\), expected that of the image, \(4, 6\)"),
        ("sign", "got the label -3, expected no negative ones"),
    ],
)
@pytest.mark.usefixtures("package")
def test_what_is_no_label_image_is_refused(faulty: str, words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"object 'cell' \(method callable\): {words}"):
        labels_of(channels=["RNA", "BF"], parameters={"level": 5, "faulty": faulty})


@pytest.mark.usefixtures("package")
def test_what_cannot_be_called_is_refused_before_anything_is_computed() -> None:
    with pytest.raises(ConfigError, match=r"cell\.function: got 'brihgt', which no installed .* did you mean 'bright'"):
        config(function="brihgt").objects[0].requirements()
    with pytest.raises(ConfigError, match=r"cell\.parameters: .* does not take them: .*'levle'.*\(image, \*, level"):
        config(parameters={"level": 5, "levle": 5}).objects[0].load(device="cpu")
    with pytest.raises(ConfigError, match=r"'number' \(blobs:NUMBER\) is a int, expected a function"):
        config(function="number").objects[0].load(device="cpu")
    with pytest.raises(ConfigError, match=r"'gone' \(blobs:no\) cannot be loaded: AttributeError"):
        config(function="gone").objects[0].load(device="cpu")
    with pytest.raises(ValueError, match=r"level: got datetime.*, expected text, numbers, lists or mappings"):
        config(parameters={"level": date(2026, 1, 1)})
    config().objects[0].load(device="cpu")


def test_without_any_package_it_is_told_that_one_must_be_installed(package: Function[..., None]) -> None:
    package(points="")
    with pytest.raises(ConfigError, match=r"got 'bright', .*segment_callable; there is none: install your package"):
        config().objects[0].requirements()


def test_the_packages_version_is_part_of_what_results_depend_on(package: Function[..., None]) -> None:
    first = digest(config())
    assert digest(config()) == first
    assert digest(config(parameters={"level": 6})) != first
    package("1.1")
    assert digest(config()) != first


def test_two_functions_of_one_name_are_refused(package: Function[..., None]) -> None:
    package(points="bright = blobs:bright\nbright = blobs:other")
    with pytest.raises(ConfigError, match=r"2 functions are called 'bright': blobs:bright, blobs:other"):
        config().objects[0].requirements()
