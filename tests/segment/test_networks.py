"""Cellpose, StarDist and InstanSeg up to the border of their packages, of which stand-ins tell what they were given.

The packages themselves are tried by benchmarks/try_networks.py, each in an environment of its own.
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tasks.core.digest import digest
from tasks.core.errors import ConfigError
from tasks.core.types import Segmentation
from tasks.segment import Segment, segment_image
from tasks.segment.networks import _opened
from tasks.segment.registry import segmenters

MODULES = {
    "torch": """
import json

class _jit:
    @staticmethod
    def load(path, map_location):
        return InstanSegModule()

class InstanSegModule:
    pixel_size, cells_and_nuclei = 0.5, True

class cuda:
    is_available = staticmethod(lambda: False)

jit, __version__ = _jit, "2.0"
device = str
set_num_threads = lambda n: None

def load(path, *, map_location, weights_only, mmap):
    assert weights_only
    return json.load(open(path))
""",
    "cellpose/models.py": """
import numpy as np
from skimage.measure import label

class CellposeModel:
    loaded = []

    def __init__(self, *, pretrained_model, device, use_bfloat16):
        self.loaded.append((pretrained_model, device, use_bfloat16))
        self.net = self

    def state_dict(self):
        return {"W2": 0, "encoder": 0}

    def eval(self, image, *, channel_axis, diameter, **thresholds):
        assert channel_axis == 0 and thresholds == {"flow_threshold": 0.4, "cellprob_threshold": 0.0, "min_size": 15}
        return np.squeeze(label(image[-1] > (diameter or 5))).astype(np.uint16), None, None
""",
    "tensorflow": """
__version__ = "2.16"

class config:
    set_visible_devices = list_physical_devices = staticmethod(lambda *_: [])
    class threading:
        set_intra_op_parallelism_threads = set_inter_op_parallelism_threads = staticmethod(lambda n: None)
""",
    "csbdeep/utils.py": """
def normalize(image, low, high, axis):
    assert (low, high, axis) == (1, 99.8, (0, 1))
    return image
""",
    "stardist/models.py": """
import json, pathlib
from types import SimpleNamespace
from skimage.measure import label

class StarDist2D:
    def __init__(self, config, *, name, basedir):
        self.config = SimpleNamespace(**json.loads((pathlib.Path(basedir) / name / "config.json").read_text()))

    def predict_instances(self, image, *, axes, prob_thresh, nms_thresh, scale, n_tiles, show_tile_progress):
        assert axes == "YXC" and n_tiles == (1, 1, 1) and scale in (None, (2, 2, 1))
        return label(image[..., -1] > 10 * (prob_thresh or 0.5)), {}
""",
    "instanseg": """
import numpy as np
from skimage.measure import label

class Tensor(np.ndarray):
    cpu = numpy = lambda self: self

class InstanSeg:
    small_image_threshold = 10**6

    def __init__(self, module, *, device, verbosity):
        self.module = module

    def eval_small_image(self, image, *, pixel_size, return_image_tensor, target):
        assert image.dtype == np.float32 and not return_image_tensor and pixel_size in (None, 0.25)
        bright = image[-1] > (5 if target == "nuclei" else 1)
        return label(bright).astype(np.float32)[np.newaxis, np.newaxis].view(Tensor)
""",
}
RELEASES = {"cellpose": "4.2.1", "stardist": "0.9.2", "instanseg-torch": "0.1.2"}
IMAGE = np.zeros((3, 6, 8), dtype=np.uint16)
IMAGE[1, 1:3, 1:3], IMAGE[1, 4:, 5:], IMAGE[2, 0:3, 0:4] = 9, 7, 3
CHANNELS = ["BF", "DNA", "RNA"]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str]], None]]:
    """Install stand-ins, of which the releases may be changed."""
    site = tmp_path / "site"
    before = set(sys.modules)
    _opened.cache_clear()
    for name, source in MODULES.items():
        path = site / (name if name.endswith(".py") else f"{name}/__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(source)

    def install(releases: dict[str, str]) -> None:
        for name, release in releases.items():
            info = site / f"{name.replace('-', '_')}-1.dist-info"
            info.mkdir(exist_ok=True)
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n")

    monkeypatch.syspath_prepend(str(site))
    install(RELEASES)
    yield install
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in {"torch", "cellpose", "tensorflow", "csbdeep", "stardist", "instanseg"}:
            del sys.modules[name]
    _opened.cache_clear()


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Path]:
    """Write a model for each of the packages."""
    folder = tmp_path / "models"
    (folder / "rays").mkdir(parents=True)
    (folder / "weights").write_text(json.dumps({"W2": 0, "encoder": 0}))
    (folder / "rays" / "config.json").write_text(json.dumps({"n_channel_in": 1}))
    (folder / "rays" / "weights_best.h5").write_text("numbers")
    with zipfile.ZipFile(folder / "instanseg.pt", "w") as archive:
        archive.writestr("instanseg/constants.pkl", "")
    return {"cellpose": folder / "weights", "stardist": folder / "rays", "instanseg": folder / "instanseg.pt"}


def config(method: str, model: object, **options: Any) -> Segment:  # noqa: ANN401
    own = {"method": method, "model": str(model), "channels": "DNA", **options}
    return Segment.model_validate({"border": "keep", "objects": {"nucleus": own}})


def segmented(config: Segment) -> Segmentation:
    for entry in config.objects:
        entry.load(device="cpu")
    return segment_image(IMAGE, channels=CHANNELS, config=config)


def count(config: Segment) -> int:
    return int(segmented(config).labels["nucleus"].max())


METHODS = ["cellpose", "stardist", "instanseg"]


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("method", METHODS)
def test_the_network_gets_the_channels_that_are_named(method: str, models: dict[str, Path]) -> None:
    assert_array_equal(segmented(config(method, models[method])).labels["nucleus"] > 0, IMAGE[1] > 5)
    assert count(config(method, models[method], channels=["RNA"])) == 0


@pytest.mark.usefixtures("packages")
def test_options_reach_the_package(models: dict[str, Path]) -> None:
    assert count(config("cellpose", models["cellpose"], diameter=8)) == 1
    assert count(config("stardist", models["stardist"], prob_threshold=0.8, scale=2)) == 1
    assert count(config("instanseg", models["instanseg"], channels=["RNA"], outline="cells", pixel_size=0.25)) == 1
    assert count(config("cellpose", models["cellpose"], channels=["BF", "RNA", "DNA"])) == 2


@pytest.mark.usefixtures("packages")
def test_cells_are_matched_to_nuclei(models: dict[str, Path]) -> None:
    objects: dict[str, dict[str, Any]] = {
        "nucleus": {"method": "threshold", "channel": "DNA", "threshold": 6, "sigma": 0},
        "cell": {"method": "cellpose", "channels": ["RNA"], "model": str(models["cellpose"]), "match": "nucleus"},
    }
    objects["cell"] |= {"diameter": 2}
    labels = segmented(Segment.model_validate({"border": "keep", "objects": objects})).labels
    assert_array_equal(labels["cell"], np.where(IMAGE[2] > 0, 1, 0))


@pytest.mark.usefixtures("packages")
def test_a_model_is_loaded_once_and_again_when_it_changed(models: dict[str, Path]) -> None:
    own = config("cellpose", models["cellpose"])
    assert [count(own) for _ in range(3)] == [2, 2, 2]
    loaded = sys.modules["cellpose.models"].CellposeModel.loaded
    assert loaded == [(str(models["cellpose"]), "cpu", False)]
    models["cellpose"].write_text(json.dumps({"W2": 1, "encoder": 0, "more": 0}))
    assert count(own) == 2
    assert len(loaded) == 2


@pytest.mark.parametrize("method", METHODS)
def test_results_depend_on_package_and_model(
    method: str, models: dict[str, Path], packages: Callable[[dict[str, str]], None]
) -> None:
    own = config(method, models[method])
    first = digest(own)
    assert digest(config(method, models[method])) == first
    (part,) = (name for name in RELEASES if name.startswith(method))
    packages({part: RELEASES[part] + ".1"})
    assert (second := digest(own)) != first
    weights = models["stardist"] / "weights_best.h5" if method == "stardist" else models[method]
    with weights.open("ab") as file:
        file.write(b" ")
    os.utime(weights, ns=(1, 1))
    assert digest(own) not in {first, second}


@pytest.mark.parametrize("method", METHODS)
def test_a_missing_or_old_package_is_an_error_with_the_line_that_installs_it(
    method: str, models: dict[str, Path], packages: Callable[[dict[str, str]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    (part,) = (name for name in RELEASES if name.startswith(method))
    packages({part: "0.0.1"})
    entry = config(method, models[method]).objects[0]
    with pytest.raises(ConfigError, match=rf"got {part} 0.0.1, expected .* pip install -e '\.\[{method}\]'"):
        entry.requirements()
    monkeypatch.setattr(sys, "path", sys.path[1:])
    for step in (entry.requirements, lambda: entry.load(device="cpu")):
        with pytest.raises(ConfigError, match=rf"nucleus\.method: .* not installed; .*'\.\[{method}\]'"):
            step()


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("method", "model", "words"),
    [
        ("cellpose", "cpsam", r"got 'cpsam', but there is no .*/home/.cellpose/models/cpsam; nothing is downloaded"),
        ("stardist", "2D_versatile_fluo", "no .*/home/.keras/models/StarDist2D/2D_versatile_fluo; nothing is downl"),
        ("instanseg", "fluorescence", "no .*/zoo/fluorescence; nothing is downloaded .* put the model there"),
        ("cellpose", "{models}/none", "there is no .*models/none"),
        ("cellpose", "{models}/rays", "is a folder, expected a file of weights"),
        ("stardist", "{models}", r"is no model of StarDist, or not one: it has 0 files of weights"),
        ("instanseg", "{models}/weights", "is no TorchScript file"),
        ("instanseg", "{models}/pickled.pt", "weights that come as a pickle are refused"),
        ("cellpose", "{models}/older", "holds no weights of Cellpose 4"),
        ("cellpose", "{models}/half", "lacks 1 of the network's weights, such as encoder"),
        ("cellpose", "{models}/noise", "noise cannot be loaded as a model of cellpose: JSONDecodeError"),
        ("stardist", "{models}/two", "the model looks at 2 channels, but channels has 1"),
    ],
)
def test_a_model_that_is_not_there_or_is_none_is_named(
    method: str, model: str, words: str, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INSTANSEG_BIOIMAGEIO_PATH", str(tmp_path / "zoo"))
    folder = models["cellpose"].parent
    (folder / "older").write_text('{"output.2.weight": 0}')
    (folder / "half").write_text('{"W2": 0}')
    (folder / "noise").write_text("noise")
    with zipfile.ZipFile(folder / "pickled.pt", "w") as archive:
        archive.writestr("archive/data.pkl", "")
    (folder / "two").mkdir()
    (folder / "two" / "config.json").write_text(json.dumps({"n_channel_in": 2}))
    (folder / "two" / "weights.h5").touch()
    with pytest.raises(ConfigError, match=rf"^segment\.objects\.nucleus\.model: .*{words}"):
        config(method, model.format(models=folder)).objects[0].load(device="cpu")


@pytest.mark.usefixtures("packages")
def test_names_mean_what_the_packages_keep(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("INSTANSEG_BIOIMAGEIO_PATH", str(tmp_path / "zoo"))
    places = {
        "cellpose": tmp_path / "home" / ".cellpose" / "models" / "mine",
        "stardist": tmp_path / "home" / ".keras" / "models" / "StarDist2D" / "mine" / "mine_extracted",
        "instanseg": tmp_path / "zoo" / "mine" / "0.1.0" / "instanseg.pt",
    }
    for method, place in places.items():
        place.parent.mkdir(parents=True)
        models[method].rename(place)
        assert count(config(method, "mine")) == 2


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize("method", METHODS)
def test_a_relative_path_is_of_the_folder_in_which_the_program_was_started(
    method: str, models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = config(method, models[method].relative_to(tmp_path))
    located = relative.located()
    assert digest(located.identity) == digest(config(method, models[method]).identity) == digest(relative.identity)
    monkeypatch.chdir("/")
    assert count(located) == 2
    named = config("cellpose", "a_name")
    assert named.located() == named  # other machines may have it elsewhere


def test_they_have_a_form_for_gpus() -> None:
    assert all(segmenters[method].devices == ("gpu", "cpu") for method in METHODS)


@pytest.mark.usefixtures("packages")
def test_without_a_gpu_it_is_said_what_is_lacking() -> None:
    assert {method: segmenters[method].gpu() for method in METHODS} == {  # type: ignore[misc]
        "cellpose": "torch 2.0 sees no GPU; is it a build for CUDA?",
        "stardist": "tensorflow 2.16 sees no GPU; install tensorflow[and-cuda]",
        "instanseg": "torch 2.0 sees no GPU; is it a build for CUDA?",
    }
