"""Objects of real fields do not depend on the processor: with and without its vector instructions they are the same."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tasks.core.types import AnyArray, LabelArray
from tasks.segment import segment_image
from tests.core.test_hardware import PLAIN, PROJECT
from tests.segment.test_ground_truth import HUMAN, NF1, folder, only, overlaps

pytestmark = pytest.mark.slow
NF1_FIELDS, NF1_CHANNELS = 3, ("DAPI", "RFP")


def fields(data_root: Path) -> list[tuple[AnyArray, tuple[str, ...]]]:
    """Images with the names of their channels."""
    human, nf1 = folder(data_root, "hcs_examplehuman"), folder(data_root, "hcs_nf1") / "images"
    images: list[tuple[AnyArray, tuple[str, ...]]] = [
        (np.stack([only(human, f"*d{channel}.tif") for channel in range(3)]), ("DNA", "PH3", "body"))
    ]
    for dapi in sorted(nf1.glob("*DAPI*"))[:NF1_FIELDS]:
        well = dapi.name.partition("_1_")[0]
        images.append((np.stack([only(nf1, f"{well}_*{channel}*") for channel in NF1_CHANNELS]), NF1_CHANNELS))
    return images


def segmented(data_root: Path) -> dict[str, LabelArray]:
    """Label images by number of the field and name of the object."""
    labels = {}
    for number, (image, channels) in enumerate(fields(data_root)):
        config = HUMAN if "body" in channels else NF1
        for name, own in segment_image(image, channels=channels, config=config).labels.items():
            labels[f"{number} {name}"] = own
    return labels


def test_objects_are_equal_without_vector_instructions(data_root: Path, tmp_path: Path) -> None:
    code = (
        "import sys; import numpy as np; from pathlib import Path; "
        "from tests.segment.test_processors import segmented; "
        "np.savez(sys.argv[2], **segmented(Path(sys.argv[1])))"
    )
    environment = os.environ | PLAIN | {"OPENBLAS_CORETYPE": "Prescott"}
    plain = subprocess.Popen(
        [sys.executable, "-c", code, str(data_root), str(tmp_path / "plain.npz")], cwd=PROJECT, env=environment
    )
    here = segmented(data_root)
    assert plain.wait() == 0
    there = np.load(tmp_path / "plain.npz")
    assert sorted(there.files) == sorted(here)
    objects = alike = 0
    for name, labels in here.items():
        shared = overlaps(labels, there[name])
        objects += max(shared.shape)
        alike += int((shared.max(axis=1, initial=0) >= 0.9).sum())
    assert objects > 500
    assert alike >= 0.999 * objects
