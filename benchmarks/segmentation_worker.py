"""Segment fields with the checkout that PYTHONPATH names, as each line of the input asks.

A line is JSON: `image` (file .npy of (C, H, W)), `channels`, `config` (a section segment), `labels` (file .npy to
write, those of the first object). The answer is JSON, too: what `segment_image` took in `seconds` of the processor and
of the `wall` clock; or, where the checkout cannot do it or there is no such device, the `error`.
"""

import json
import sys
import time

import numpy as np
from pydantic import ValidationError

from tasks.core.errors import ConfigError
from tasks.segment import Segment, segment_image


def main() -> None:
    """Answer until the input ends."""
    print("{}", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        image = np.load(order["image"])
        try:
            config = Segment.model_validate(order["config"])
            start, begun = time.process_time(), time.perf_counter()
            segmentation = segment_image(image, channels=order["channels"], config=config)
            answer: dict[str, float | str] = {
                "seconds": time.process_time() - start,
                "wall": time.perf_counter() - begun,
            }
            np.save(order["labels"], next(iter(segmentation.labels.values())))
        except (ConfigError, ValidationError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
