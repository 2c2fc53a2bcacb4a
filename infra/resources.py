"""Dask resources: what a stage asks for, what workers offer."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from tasks.core.errors import ConfigError

Offer = Mapping[str, float]
"""The resources of one worker, or those that a task needs of one."""

Asked = Offer | Literal["auto"]
"""What the configuration says of a stage."""

CPU, GPU = {"CPU": 1.0}, {"GPU": 1.0}


def resolve(asked: Asked, *, devices: Collection[str], offers: Sequence[Offer]) -> Offer:
    """Tell what a stage's tasks need.

    Parameters
    ----------
    asked
        As configured; ``auto`` is a GPU where the method can use one and a worker has one, else a CPU.
    devices
        What the stage's methods can use and may: ``cpu``, ``gpu``, or both; ``gpu`` alone has to be one.
    offers
        The resources of each worker.
    """
    if asked != "auto":
        return asked
    offered = any(offer.get("GPU", 0) >= 1 for offer in offers)
    return GPU if "gpu" in devices and (offered or "cpu" not in devices) else CPU


def settle(
    needed: Mapping[str, Asked],
    *,
    offers: Sequence[Offer],
    devices: Mapping[str, Collection[str]],
    pools: Sequence[str] = (),
) -> dict[str, Offer]:
    """Resolve what all stages need, and refuse what no worker offers: Dask would wait for ever, in silence.

    Parameters
    ----------
    needed
        By stage, as configured.
    offers
        The resources of each worker.
    devices
        What the methods of stages can use and may, where that is not a CPU alone.
    pools
        Names of the pools whose workers offer that, if there are such.

    Raises
    ------
    ConfigError
        Naming the stages, the resource, and what the workers offer, of which pool; or that a GPU is demanded and
        tasks would not get to one.
    """
    settled = {
        stage: resolve(asked, devices=devices.get(stage, ("cpu",)), offers=offers) for stage, asked in needed.items()
    }
    lacking = []
    for stage, resources in settled.items():
        demanded = "cpu" not in devices.get(stage, ("cpu",))
        if demanded and not resources.get("GPU"):
            lacking.append(
                f"{stage}.device: got 'gpu', but run.resources.{stage} is {_written(resources)}; leave that out, or "
                f"ask for {_written(GPU)}"
            )
        elif not any(all(offer.get(name, 0) >= amount for name, amount in resources.items()) for offer in offers):
            key = f"{stage}.device: got 'gpu', but" if demanded else f"run.resources.{stage}:"
            advice = "; set it to auto or cpu, or have the run where there is a GPU" if demanded else ""
            lacking.append(f"{key} no worker of the cluster offers {_written(resources)}{advice}")
    if lacking:
        names = [f" (pool {name})" for name in pools] or [""] * len(offers)
        written = {f"{_written(offer)}{name}" for offer, name in zip(offers, names, strict=True)}
        offered = " or ".join(sorted(written)) or "nothing: there is none"
        raise ConfigError("\n".join([*lacking, f"the workers offer {offered}"]))
    return settled


def _written(resources: Offer) -> str:
    """Write resources as in the configuration."""
    return "{" + ", ".join(f"{name}: {amount:g}" for name, amount in resources.items()) + "}"
