#!/usr/bin/env bash
# Make an environment in which the published program SCIP 0.1.12 runs, beside and apart from ours.
#
#   benchmarks/scip_environment.sh [DIR]      DIR: default .envs/scip under the project root
#   PYTHON=/path/to/python3.11 benchmarks/scip_environment.sh
#
# Safe to run again: a finished environment is left as it is, an unfinished one is completed.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dir="${1:-$root/.envs/scip}"
python="${PYTHON:-python3.11}"

# What SCIP needs to be built: its metadata step fails on setuptools 70 and later.
build_pins=(
    setuptools==65.5.0 packaging==26.3 wheel==0.48.0
)
# What it needs to run. Its own list of requirements has no upper bounds and resolves to versions that it
# cannot work with, so everything is named here and pip resolves nothing.
pins=(
    asciitree==1.0.0 click==8.5.1 cloudpickle==3.1.2 dask==2022.12.1 Deprecated==1.3.1 distributed==2022.12.1
    fasteners==0.20 fsspec==2026.9.0 ImageIO==2.38.1 Jinja2==3.1.6 lazy-loader==0.6 llvmlite==0.50.0
    locket==1.0.0 MarkupSafe==3.0.4 msgpack==1.2.4 networkx==3.6.1 numba==0.68.1 numcodecs==0.15.2
    numpy==1.26.4 pandas==1.5.3 partd==1.4.2 pillow==13.0.0 psutil==7.2.2 pyarrow==17.0.0
    python-dateutil==4.0.0 pytz==2026.6 PyYAML==6.0.3 scikit-image==0.22.0 scipy==1.17.1
    sortedcontainers==2.4.0 tblib==3.2.2 tifffile==2026.3.3 toolz==1.2.0 tornado==6.6.1 tzdata==2026.6
    urllib3==2.8.0 wrapt==2.5.2 zarr==2.18.7 zict==3.0.0
)
program="scip==0.1.12"

if ! version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; then
    echo "scip_environment: cannot run '$python'; set PYTHON to a Python 3.11" >&2
    exit 2
fi
if [[ "$version" != "3.11" ]]; then
    echo "scip_environment: '$python' is Python $version; SCIP's pins need 3.11: set PYTHON to one" >&2
    exit 2
fi

# The marker holds the pins, so that an environment made from other pins is brought up to date.
marker="$dir/scip-pins.txt"
wanted="$(printf '%s\n' "${build_pins[@]}" "${pins[@]}" "$program")"
if [[ -x "$dir/bin/python" && -f "$marker" && "$(cat "$marker")" == "$wanted" ]]; then
    echo "ready: $dir"
    exit 0
fi

[[ -x "$dir/bin/python" ]] || "$python" -m venv "$dir"
pip=("$dir/bin/python" -m pip --disable-pip-version-check --quiet install)
"${pip[@]}" --no-deps "${build_pins[@]}"
"${pip[@]}" --no-deps "${pins[@]}"
"${pip[@]}" --no-deps --no-build-isolation "$program"
"$dir/bin/python" -W ignore -c 'import scip.main'
printf '%s\n' "$wanted" > "$marker"
echo "ready: $dir"
