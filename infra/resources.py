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
        What the stage's method can use: ``cpu``, ``gpu``.
    offers
        The resources of each worker.
    """
    if asked != "auto":
        return asked
    return GPU if "gpu" in devices and any(offer.get("GPU", 0) >= 1 for offer in offers) else CPU


def settle(
    needed: Mapping[str, Asked], *, offers: Sequence[Offer], devices: Mapping[str, Collection[str]]
) -> dict[str, Offer]:
    """Resolve what all stages need, and refuse what no worker offers: Dask would wait for ever, in silence.

    Parameters
    ----------
    needed
        By stage, as configured.
    offers
        The resources of each worker.
    devices
        What the methods of stages can use, where that is not a CPU alone.

    Raises
    ------
    ConfigError
        Naming the stages, the resource, and what the workers offer.
    """
    settled = {
        stage: resolve(asked, devices=devices.get(stage, ("cpu",)), offers=offers) for stage, asked in needed.items()
    }
    lacking = [
        f"run.resources.{stage}: no worker of the cluster offers {_written(resources)}"
        for stage, resources in settled.items()
        if not any(all(offer.get(name, 0) >= amount for name, amount in resources.items()) for offer in offers)
    ]
    if lacking:
        offered = " or ".join(sorted({_written(offer) for offer in offers})) or "nothing: there is none"
        raise ConfigError("\n".join([*lacking, f"the workers offer {offered}"]))
    return settled


def _written(resources: Offer) -> str:
    """Write resources as in the configuration."""
    return "{" + ", ".join(f"{name}: {amount:g}" for name, amount in resources.items()) + "}"
