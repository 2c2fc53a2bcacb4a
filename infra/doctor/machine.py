"""What a machine has: Python, packages, GPUs, room for temporary files; this one, or a node as it reported."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.version import Version

from infra.doctor.check import Check
from infra.doctor.probe import Report

PROJECT = "scip-flows"
OLDEST_PYTHON = Version("3.11")
SCRATCH_BYTES = 2 * 10**9
"""Workers spill what does not fit into memory."""

INSTALL = "pip install -c constraints.txt -e ."

GPU_PACKAGES = {
    "cupy-cuda12x": "cupy",
    "cupy-cuda13x": "cupy",
    "cucim-cu12": "cupy",
    "cucim-cu13": "cupy",
    "onnxruntime-gpu": "onnxruntime",
}
"""Packages that compute on GPUs, and which of `Report.gpu_obstacles` tells whether they can."""


@cache
def requirements() -> tuple[Requirement, ...]:
    """Return what the project needs; empty where it is not installed."""
    try:
        texts = requires(PROJECT) or []
    except PackageNotFoundError:
        return ()
    return tuple(requirement for requirement in map(Requirement, texts) if requirement.marker is None)


def check_python(report: Report) -> Check:
    """Check the version of this machine's Python."""
    ok = Version(report["python"]) >= OLDEST_PYTHON
    return Check(
        name="Python",
        ok=ok,
        seen=f"{report['python']}, {report['executable']}",
        remedy=f"install Python {OLDEST_PYTHON} or later, make an environment with it, and there: {INSTALL}",
    )


def check_packages(report: Report) -> Check:
    """Check that the project is installed with all it needs, in versions that it can use."""
    packages = report["packages"]
    if PROJECT not in packages:
        return Check(name="packages", ok=False, seen=f"{PROJECT} is not installed", remedy=INSTALL)
    unfit = [
        f"{requirement.name} {packages.get(_plain(requirement.name), 'is missing')} (needs {requirement.specifier})"
        for requirement in requirements()
        if not requirement.specifier.contains(packages.get(_plain(requirement.name), "0"), prereleases=True)
    ]
    count = f"{PROJECT} {packages[PROJECT]} and the {len(requirements())} packages that it needs"
    return Check(name="packages", ok=not unfit, seen="; ".join(unfit) or count, remedy=INSTALL)


def check_gpu(report: Report) -> Check:
    """Check that GPUs that the driver knows can be used; without any, the processor does their work."""
    known = "there is no nvidia-smi" not in report["driver"]
    seen = f"{report['gpus']} can be used" if report["gpus"] else "none can be used: processors do all the work"
    return Check(
        name="GPU",
        ok=report["gpus"] > 0 or not known,
        seen=f"{seen}; {report['driver']}",
        remedy="the driver is there, its library libcuda.so.1 is not, or does not start: install it again, and see "
        "whether CUDA_VISIBLE_DEVICES hides them",
    )


def check_gpu_packages(report: Report) -> Check:
    """Check that what computes on GPUs works where it is installed; where it is not, processors do its work."""
    installed = {name: version for name, version in report["packages"].items() if name in GPU_PACKAGES}
    broken = {
        name: obstacle
        for name, obstacle in report["gpu_obstacles"].items()
        if obstacle and any(GPU_PACKAGES[package] == name for package in installed)
    }
    versions = ", ".join(f"{name} {version}" for name, version in installed.items())
    obstacles = [obstacle for obstacle in report["gpu_obstacles"].values() if obstacle]
    return Check(
        name="GPU packages",
        ok=not broken,
        seen="; ".join([versions or "none is installed", *obstacles]),
        remedy="install the extra for the CUDA version that nvidia-smi names, cuda12 or cuda13, and not both: "
        "pip install -c constraints.txt -e '.[cuda13]'",
    )


def check_models(report: Report) -> Check:
    """Check that ONNX Runtime runs a model."""
    return Check(
        name="models",
        ok=not report["onnxruntime"],
        seen=report["onnxruntime"] or "ONNX Runtime runs one",
        remedy=f"install it again: {INSTALL}; where it asks for a newer system library, have a newer system",
    )


def check_computing(report: Report) -> list[Check]:
    """Check what computes there, as far as there is any: a package that is missing, another check tells."""
    checks = [check_models] if {"onnxruntime", "onnxruntime-gpu"} & report["packages"].keys() else []
    checks += [check_gpu_packages] if report["gpus"] else []
    return [check(report) for check in checks]


def check_scratch(report: Report) -> Check:
    """Check the folder for temporary files."""
    folder, least = report["scratch"], f"{SCRATCH_BYTES / 1e9:.0f} GB"
    return Check(
        name="scratch folder",
        ok=not folder["problem"] and folder["free"] >= SCRATCH_BYTES,
        seen=f"{folder['path']}: {folder['problem'] or gigabytes(folder['free'])}",
        remedy=f"set TMPDIR to a folder on a local disk that you can write, with {least} or more free",
    )


HERE: tuple[Callable[[Report], Check], ...] = (check_python, check_packages, check_gpu, check_scratch)
"""What is looked at on this machine."""


def same_python(here: Report, node: Report) -> Check:
    """Check that a node's Python can read what this one pickles: its feature version has to be the same."""
    ours, theirs = Version(here["python"]), Version(node["python"])
    return Check(
        name="Python",
        ok=(ours.major, ours.minor) == (theirs.major, theirs.minor),
        seen=f"{theirs} on {node['host']}, {node['executable']}; {ours} here",
        remedy="have the same Python on both sides: name the node's as `python` of the pool, or load it in `prologue`",
    )


def same_packages(here: Report, node: Report) -> Check:
    """Check that a node has the packages of this machine, in the same versions."""
    names = [PROJECT, *sorted(_plain(requirement.name) for requirement in requirements())]
    differing = [
        f"{name} {_version(node['packages'], name)}, here {_version(here['packages'], name)}"
        for name in names
        if node["packages"].get(name) != here["packages"].get(name)
    ]
    return Check(
        name="packages",
        ok=not differing,
        seen="; ".join(differing) or f"the same {len(names)} versions as here",
        remedy=f"in the environment of both sides: {INSTALL}; or name the same environment as `python` of the pool",
    )


def node_gpus(node: Report, *, asked: int) -> Check:
    """Check that a job sees the GPUs that its pool asks for."""
    return Check(
        name="GPU",
        ok=node["gpus"] >= asked,
        seen=f"{node['gpus']} can be used by a job that asks for {asked}; {node['driver']}",
        remedy="see that `queue` has GPUs and that `gpu_directive` asks for them as your site wants it; give a "
        f"container its GPUs (--nv); where nvidia-smi does not answer, tell your administrator of {node['host']}",
    )


def node_scratch(node: Report) -> Check:
    """Check the folder for temporary files of a job."""
    here = check_scratch(node)
    remedy = "name a folder of the node's local disk as `scratch` of the pool, such as $TMPDIR or /scratch/$USER"
    return Check(name=here.name, ok=here.ok, seen=here.seen, remedy=f"{remedy}; it needs {gigabytes(SCRATCH_BYTES)}")


def gigabytes(count: int) -> str:
    """Write a number of bytes that are free."""
    return f"{count / 1e9:.1f} GB free"


def _version(packages: Mapping[str, str], name: str) -> str:
    return packages.get(name, "is missing")


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")
