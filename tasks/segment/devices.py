"""On which device each object is found."""

from collections.abc import Mapping
from socket import gethostname

from tasks.core.errors import ConfigError, NoGpuError, UserError
from tasks.core.gpus import count_gpus
from tasks.core.registry import Device
from tasks.segment.config import Segment
from tasks.segment.registry import ObjectMethod, segmenters

NO_GPU = "there is no GPU, or its driver does not answer"


def gpu_obstacles(config: Segment) -> dict[str, str]:
    """Say what keeps this process from finding objects on a GPU, by object; empty where nothing does.

    Objects whose method has no form for a GPU are left out.
    """
    parts = {entry.name: segmenters.part(entry) for entry in config.objects}
    answers = count_gpus() > 0
    return {name: part.gpu() if answers else NO_GPU for name, part in parts.items() if part.gpu is not None}


def choose_devices(config: Segment, *, obstacles: Mapping[str, str]) -> dict[str, Device]:
    """Choose the device of each object: the best one that its method has a form for and nothing keeps it from.

    Parameters
    ----------
    obstacles
        What keeps objects from a GPU; see `gpu_obstacles`. Those that are left out have none.

    Raises
    ------
    ConfigError
        ``device: gpu``, and an object whose method has a form for one cannot use it.
    """
    devices: dict[str, Device] = {}
    lacking = []
    for entry in config.objects:
        able = config.device != "cpu" and "gpu" in segmenters.part(entry).devices
        obstacle = obstacles.get(entry.name, NO_GPU)
        devices[entry.name] = "gpu" if able and not obstacle else "cpu"
        if able and obstacle:
            lacking.append(f"  {entry.name}: {obstacle}")
    if lacking and config.device == "gpu":
        raise ConfigError(
            "segment.device: got 'gpu', expected a GPU that can be used; what keeps it from that:\n"
            + "\n".join(lacking)
            + "\nset it to auto or cpu, or have the run where there is one; `python -m infra.doctor` tells more"
        )
    return devices


def check_gpus(config: Segment, *, devices: Mapping[str, Device]) -> None:
    """Check that this process can find objects on the devices that were chosen.

    Raises
    ------
    NoGpuError
        It cannot use a GPU for one of them.
    """
    if "gpu" in devices.values():
        for name, obstacle in gpu_obstacles(config).items():
            if obstacle and devices[name] == "gpu":
                raise NoGpuError(f"{gethostname()} cannot find {name} on a GPU, as the run decided: {obstacle}")


def load_method(entry: ObjectMethod, *, device: Device) -> None:
    """Load what a method needs on its device, so that what is missing there is no field's fault.

    Raises
    ------
    NoGpuError
        It cannot be loaded on a GPU that answers: its kernels are not compiled, say.
    UserError, MemoryError
        As the method raises them.
    """
    try:
        entry.load(device=device)
    except (UserError, MemoryError):
        raise
    except Exception as error:
        if device == "cpu":
            raise
        raise NoGpuError(
            f"{gethostname()} cannot load {entry.described} on a GPU, as the run decided: "
            f"{type(error).__name__}: {error}"
        ) from error
