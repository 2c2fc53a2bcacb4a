"""Segment fields with the checkout that PYTHONPATH names, as each line of the input asks.

A line is JSON: `image` (file .npy of (C, H, W)), `channels`, `config` (a section segment), `labels` (file .npy to
write, those of the first object). The answer is the processor's time in seconds that `segment_image` took.
"""

import json
import sys
import time

import numpy as np

from tasks.segment import Segment, segment_image


def main() -> None:
    """Answer until the input ends."""
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        image, config = np.load(order["image"]), Segment.model_validate(order["config"])
        start = time.process_time()
        segmentation = segment_image(image, channels=order["channels"], config=config)
        seconds = time.process_time() - start
        np.save(order["labels"], next(iter(segmentation.labels.values())))
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
