"""Time the features of objects of a field against those of the same objects as stamps, on one core.

    python benchmarks/fields.py [--objects 125 250 500 1000] [--rounds R] [--dtype uint16 float64]

A field has 2048×2048 pixels of 12 channels; its objects are discs with uneven outlines of about 850 pixels. They are
cut out as the feature stage cuts them, and measured in the object's region. The stamps are 60×60 windows of the same
field about the same objects, measured in the same regions; they are joined into a batch as the feature stage joins what
a reader returns. What counts is the processor's time: of each step the least of all rounds, of ratios the median, for
both sides of a ratio follow each other in every round. `ratio` compares all that the stage does between reading and
writing; `to measured` is the field's whole cost against the measuring of stamps that have been joined already.
"""

import time

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.programs import DTYPES, parsed, stay_on_one_core
from tasks.core.crop import CLIPPED, WITH_MARGIN, Crop, crop_cells
from tasks.core.types import AnyArray, Batch, FloatArray, LabelArray, Ragged, Region
from tasks.features import Features, measure, warm_up
from tasks.features.family import Profile

SIDE, STAMP, CHANNELS = 2048, 60, 12
NAMES = [f"c{number}" for number in range(CHANNELS)]
FAMILIES = ["shape", "intensity", "texture"]
PROFILES: tuple[tuple[Profile, Crop], ...] = (("standard", WITH_MARGIN), ("scip", CLIPPED))


def draw(*, objects: int, dtype: npt.DTypeLike) -> tuple[AnyArray, LabelArray]:
    """Draw pixels (12, 2048, 2048) of 12-bit counts, for floats not whole, and labels, one object to a square."""
    rng = np.random.default_rng(20221024)
    across = int(np.ceil(np.sqrt(objects)))
    pitch = SIDE // across
    labels = np.zeros((SIDE, SIDE), dtype=np.int32)
    rows, columns = np.mgrid[:STAMP, :STAMP] - STAMP / 2
    for number in range(objects):
        top, left = number // across * pitch, number % across * pitch
        grain = ndimage.gaussian_filter(rng.normal(size=(STAMP, STAMP)), 2)
        distance = np.hypot(rows, columns) / rng.uniform(15.1, 17.6) + 0.04 * grain / grain.std()
        labels[top : top + STAMP, left : left + STAMP][distance < 1] = number + 1
    light = ndimage.gaussian_filter((labels > 0).astype(np.float32), 2)
    image = np.empty((CHANNELS, SIDE, SIDE), dtype=dtype)
    for plane in image:
        counts = 60 + rng.uniform(100, 1500) * light + rng.normal(scale=20, size=light.shape)
        plane[:] = np.clip(np.rint(counts), 0, 4095) * (1 if plane.dtype.kind in "iu" else 0.3137)
    return image, labels


def stamps_of(image: AnyArray, labels: LabelArray, objects: int) -> tuple[list[AnyArray], Region]:
    """Cut 60×60 windows about the objects, each an array of its own as a reader returns them."""
    across = int(np.ceil(np.sqrt(objects)))
    pitch = SIDE // across
    corners = [(number // across * pitch, number % across * pitch) for number in range(objects)]
    windows = [np.s_[top : top + STAMP, left : left + STAMP] for top, left in corners]
    masks = [labels[window][np.newaxis] == number + 1 for number, window in enumerate(windows)]
    return [image[:, rows, columns].copy() for rows, columns in windows], Region(
        name="cell", shared=True, masks=Ragged.of(masks), background=np.zeros((objects, CHANNELS))
    )


def take_turns(
    image: AnyArray, labels: LabelArray, *, objects: int, profile: Profile, crop: Crop, rounds: int
) -> FloatArray:
    """Time cutting out, measuring, joining stamps and measuring them, (rounds, 4) in µs per cell and channel."""
    stamps, region = stamps_of(image, labels, objects)
    config = Features.model_validate({"profile": profile, "families": FAMILIES})
    turns = []
    for _ in range(rounds):
        clock = [time.process_time()]
        batch, regions = crop_cells(
            image, labels={"cell": labels}, numbers=range(1, objects + 1), channels=NAMES, crop=crop
        )
        clock.append(time.process_time())
        measure(batch, regions, config=config)
        clock.append(time.process_time())
        stamp_batch = Batch.of(stamps, channels=NAMES)
        clock.append(time.process_time())
        measure(stamp_batch, [region], config=config)
        clock.append(time.process_time())
        turns.append(np.diff(clock))
        # the next round asks for this memory anew
        del batch, regions, stamp_batch
    return 1e6 * np.array(turns) / (objects * CHANNELS)


def main() -> None:
    """Time all and print the table."""
    options = parsed(
        "Time the features of objects of a field.",
        objects=([125, 250, 500, 1000], "in a field"),
        rounds=(9, "of which the least and the median count"),
        dtype=DTYPES,
    )
    stay_on_one_core()
    for profile, _ in PROFILES:
        warm_up(profile, families=FAMILIES)
    print("µs per cell and channel\n")
    print("| type | objects | profile | cut out | measured | stamps joined | measured | ratio | to measured |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|")
    for dtype in options.dtype:
        for objects in options.objects:
            image, labels = draw(objects=objects, dtype=np.dtype(dtype))
            for profile, crop in PROFILES:
                turns = take_turns(image, labels, objects=objects, profile=profile, crop=crop, rounds=options.rounds)
                field, stamped, measured = turns[:, :2].sum(axis=1), turns[:, 2:].sum(axis=1), turns[:, 3]
                steps = " | ".join(f"{step:.1f}" for step in turns.min(axis=0))
                ratios = " | ".join(f"{np.median(field / other):.2f}" for other in (stamped, measured))
                print(f"| {dtype} | {objects} | {profile} | {steps} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
