"""On which device each object is found."""

from collections.abc import Mapping

from tasks.core.errors import ConfigError
from tasks.core.gpus import count_gpus
from tasks.core.registry import Device
from tasks.segment.config import Segment
from tasks.segment.registry import segmenters

NO_GPU = "no GPU answers: there is none, or its driver does not start"


def gpu_obstacles(config: Segment) -> dict[str, str]:
    """Say what keeps this process from finding objects on a GPU, by object; empty where nothing does.

    Objects whose method has no form for a GPU are left out.
    """
    parts = {entry.name: segmenters.part(entry) for entry in config.objects}
    answers = count_gpus() > 0
    return {name: part.gpu() if answers else NO_GPU for name, part in parts.items() if part.gpu is not None}


def choose_devices(config: Segment, *, obstacles: Mapping[str, str]) -> dict[str, Device]:
    """Choose the device of each object: the best one that `config.device` allows and nothing keeps it from.

    Parameters
    ----------
    obstacles
        What keeps objects from a GPU; see `gpu_obstacles`.

    Raises
    ------
    ConfigError
        ``device: gpu``, and there is none for an object, or for none of them a form.
    """
    gpu = {name for name, obstacle in obstacles.items() if not obstacle}
    if config.device == "gpu":
        check_gpu_form(config)
        if lacking := [f"{name}: {obstacle}" for name, obstacle in obstacles.items() if obstacle]:
            raise ConfigError(
                "\n".join(["segment.device: got 'gpu', expected a GPU that can be used; it cannot for", *lacking])
                + "\nset segment.device to auto or cpu, or run where there is one; "
                "`python -m infra.doctor` looks at what there is"
            )
    return {entry.name: "gpu" if config.device != "cpu" and entry.name in gpu else "cpu" for entry in config.objects}


def check_gpu_form(config: Segment) -> None:
    """Refuse ``device: gpu`` where no method has a form for one.

    Raises
    ------
    ConfigError
        Naming the methods.
    """
    if config.device == "gpu" and not any("gpu" in segmenters.part(entry).devices for entry in config.objects):
        methods = sorted({str(entry.model_dump()["method"]) for entry in config.objects})
        having = ", ".join(name for name in segmenters.names if "gpu" in segmenters[name].devices) or "none"
        raise ConfigError(
            f"segment.device: got 'gpu', but no method here has a form for one: {', '.join(methods)}; "
            f"set it to auto or cpu (methods with such a form: {having})"
        )
