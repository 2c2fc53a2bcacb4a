"""Try one of the methods that are packages of others, with a model of random weights in the package's own format.

``python benchmarks/try_networks.py cellpose FOLDER`` in an environment that has the extra of that name. The weights
that people use cannot be had by a script, so no outline is judged here: only that a model which the package writes is
loaded, once, and run by the package's own code, and that a pickle is refused.
"""

import pickle  # only written: what is tried is that it is refused
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np

from tasks.core.errors import ConfigError
from tasks.core.types import AnyArray
from tasks.segment import Segment, segment_image


def cellpose(folder: Path) -> Path:
    """Write the weights of Cellpose-SAM (1.2 GB)."""
    from cellpose.vit import CPSAM  # noqa: PLC0415 - each in its own environment

    path = folder / "cpsam"
    if not path.exists():
        CPSAM().save_model(str(path))
    return path


def stardist(folder: Path) -> Path:
    """Write a model with the network that StarDist makes by default, of one channel."""
    from stardist.models import Config2D, StarDist2D  # noqa: PLC0415

    model = StarDist2D(Config2D(n_rays=32, grid=(2, 2), n_channel_in=1), name="random", basedir=str(folder))
    model.keras_model.save_weights(str(folder / "random" / "weights_best.h5"))
    return folder / "random"


def instanseg(folder: Path) -> Path:
    """Write TorchScript of a small network, as InstanSeg exports it."""
    import torch  # noqa: PLC0415

    # of what only its training uses; the package does not install them
    sys.modules |= {name: ModuleType(name) for name in ("pandas", "seaborn") if find_spec(name) is None}
    from instanseg.utils.loss.instanseg_loss import InstanSeg, InstanSeg_Torchscript  # noqa: PLC0415
    from instanseg.utils.models.InstanSeg_UNet import InstanSeg_UNet  # noqa: PLC0415

    torch.manual_seed(0)
    network = InstanSeg_UNet(in_channels=3, layers=[64, 32, 16], out_channels=[[2], [2], [1]], norm="BATCH")
    network = InstanSeg(n_sigma=2, device="cpu").initialize_pixel_classifier(network)
    module = InstanSeg_Torchscript(network, pixel_size=0.5, n_sigma=2, backbone_dim_in=3)
    torch.jit.script(module).save(str(folder / "instanseg.pt"))
    return folder / "instanseg.pt"


def field() -> AnyArray:
    """(3, 256, 256) uint16: round cells on noise."""
    rows, columns = np.mgrid[:256, :256]
    image = np.random.default_rng(0).normal(100, 5, (3, 256, 256))
    for row, column in ((40, 50), (60, 180), (150, 90), (200, 200)):
        image += 800 * (np.hypot(rows - row, columns - column) < 18)
    return image.clip(0).astype(np.uint16)


MODELS = {"cellpose": cellpose, "stardist": stardist, "instanseg": instanseg}


def attempt(method: str, model: Path, *, channels: list[str]) -> None:
    """Load a model and run it twice; print what came of it."""
    config = Segment.model_validate(
        {"border": "keep", "objects": {"cell": {"method": method, "channels": channels, "model": str(model)}}}
    )
    (entry,) = config.objects
    for step in ("load and run", "run again"):
        begin, clock = time.perf_counter(), time.process_time()
        entry.load(device="cpu")
        labels = segment_image(field(), channels=["a", "b", "c"], config=config).labels["cell"]
        taken = f"{time.perf_counter() - begin:.1f} s, {time.process_time() - clock:.1f} s of a processor"
        print(f"{step}: {labels.max()} objects in {labels.shape} {labels.dtype}; {taken}")
    print(entry.requirements())


def main(method: str, folder: Path) -> None:
    """Try one method in a folder that may be kept for another time."""
    folder.mkdir(parents=True, exist_ok=True)
    channels = ["a"] if method == "stardist" else ["a", "b", "c"]
    attempt(method, MODELS[method](folder), channels=channels)
    pickled = folder / "pickled.pt"
    pickled.write_bytes(pickle.dumps({"W2": print}))
    try:
        attempt(method, pickled, channels=channels)
    except ConfigError as error:
        print(f"a pickle is refused: {error}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
