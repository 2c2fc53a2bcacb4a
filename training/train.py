"""Train the built-in nucleus model: one seeded run that continues where it was stopped.

    python -m training.train --data ../shared/data/seg_dsb2018_train --output .training

See training/README.md.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from training.fields import Field, crop, is_validation, read_field
from training.network import NucleusNet

STEPS = 7_000
SLOW = 10_000
"""Steps after which the slow fall of the rate alone would end at 0."""

BATCH = 16
RATE = 3e-3
WARM_UP = 300
AVERAGE = 0.999
"""Share of the old weights in the average of weights that is exported."""

SAVE_EVERY = 100


class Batches(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Batch k of a run, a function of the seed and k alone."""

    def __init__(self, fields: list[Field], *, seed: int, first: int) -> None:
        self.fields, self.seed, self.first = fields, seed, first
        # dense fields are few and hold most nuclei
        share = np.sqrt([max(len(field.centers), 8) for field in fields])
        self.share = share / share.sum()

    def __len__(self) -> int:
        return STEPS - self.first

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, self.first + index])
        drawn = rng.choice(len(self.fields), size=BATCH, p=self.share)
        pixels, target, weight = zip(*(crop(self.fields[k], rng) for k in drawn), strict=True)
        return torch.stack(pixels), torch.stack(target), torch.stack(weight)


def loss_of(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy and Dice of the inside, absolute error of the distance, cross-entropy of the boundary."""
    inside, distance, boundary = logits.unbind(1)
    is_inside, true_distance, is_boundary = target.unbind(1)
    weight = weight[:, 0]
    entropy = functional.binary_cross_entropy_with_logits(inside, is_inside, weight)
    share = torch.sigmoid(inside)
    dice = 1 - (2 * (share * is_inside).sum() + 1) / ((share + is_inside).sum() + 1)
    error = (weight * (1 + 2 * is_inside) * (torch.sigmoid(distance) - true_distance).abs()).mean()
    rim = functional.binary_cross_entropy_with_logits(boundary, is_boundary, 1 + 4 * is_boundary)
    return entropy + 0.5 * dice + 2 * error + rim


def rate_at(step: int) -> float:
    """Share of the greatest rate: a short rise, a slow fall, and over the second half a straight one down to 0."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    slow = 0.5 * (1 + float(np.cos(np.pi * (step - WARM_UP) / (SLOW - WARM_UP))))
    return slow * min(1.0, 2 * (STEPS - step) / STEPS)


def train(*, data: Path, output: Path, seed: int, threads: int) -> None:
    """Train, or go on training, until `STEPS` are done; writes ``checkpoint.pt`` into the folder `output`."""
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    names = sorted(path.stem for path in (data / "images").glob("*.tif"))
    fields = [read_field(data, name) for name in names if not is_validation(name)]
    network = NucleusNet().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(AVERAGE), use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    parts: dict[str, Any] = {"network": network, "average": average, "optimizer": optimizer}
    checkpoint = output / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        first = int(saved["step"])
        for name, part in parts.items():
            part.load_state_dict(saved[name])
    print(f"{len(fields)} fields, {sum(len(field.centers) for field in fields)} nuclei; from step {first}", flush=True)
    batches = DataLoader(Batches(fields, seed=seed, first=first), batch_size=None, num_workers=1, prefetch_factor=4)
    total, since, begin = 0.0, first, time.monotonic()
    for step, batch in enumerate(batches, start=first):
        for group in optimizer.param_groups:
            group["lr"] = RATE * rate_at(step)
        total += _step(network, optimizer, *batch)
        average.update_parameters(network)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == STEPS:
            save = {"step": step + 1, **{name: part.state_dict() for name, part in parts.items()}}
            torch.save(save, checkpoint.with_suffix(".new"))
            checkpoint.with_suffix(".new").replace(checkpoint)
            print(
                f"step {step + 1}: loss {total / (step + 1 - since):.4f}, {time.monotonic() - begin:.0f} s", flush=True
            )
            total, since = 0.0, step + 1


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, pixels: Tensor, target: Tensor, weight: Tensor
) -> float:
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(pixels.contiguous(memory_format=torch.channels_last))
    loss = loss_of(logits.float(), target, weight)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
    return float(loss.detach())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    train(**vars(arguments))
