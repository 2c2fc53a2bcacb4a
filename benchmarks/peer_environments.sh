#!/usr/bin/env bash
# Make the environments in which cp_measure 0.3.0 and nyxus 0.11.0 run, beside and apart from ours.
#
#   benchmarks/peer_environments.sh [DIR]      DIR: default .envs under the project root; makes DIR/cp and DIR/nyxus
#   PYTHON=/path/to/python3.11 benchmarks/peer_environments.sh
#
# Safe to run again: a finished environment is left as it is, an unfinished one is completed.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dir="${1:-$root/.envs}"
python="${PYTHON:-python3.11}"

cp_pins=(
    cp_measure==0.3.0 centrosome==1.3.4 deprecation==2.1.0 ImageIO==2.38.1 lazy-loader==0.6 mahotas==1.4.19
    networkx==3.6.1 numpy==2.4.6 packaging==26.3 pillow==11.3.0 scikit-image==0.26.0 scipy==1.17.1
    tifffile==2026.3.3
)
nyxus_pins=(nyxus==0.11.0 numpy==2.4.6 pandas==3.1.1 python-dateutil==4.0.0 tzdata==2026.6)

if ! version="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"; then
    echo "peer_environments: cannot run '$python'; set PYTHON to a Python 3.11" >&2
    exit 2
fi
if [[ "$version" != "3.11" ]]; then
    echo "peer_environments: '$python' is Python $version; the pins need 3.11: set PYTHON to one" >&2
    exit 2
fi

# make NAME MODULE PIN...: an environment of exactly these packages, in which MODULE can be imported.
make() {
    local place="$dir/$1" module="$2"
    shift 2
    # The marker holds the pins, so that an environment made from other pins is brought up to date.
    local wanted marker="$place/pins.txt"
    wanted="$(printf '%s\n' "$@")"
    if [[ -x "$place/bin/python" && -f "$marker" && "$(cat "$marker")" == "$wanted" ]]; then
        echo "ready: $place"
        return
    fi
    [[ -x "$place/bin/python" ]] || "$python" -m venv "$place"
    "$place/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps "$@"
    "$place/bin/python" -m pip check
    "$place/bin/python" -W ignore -c "import $module"
    printf '%s\n' "$wanted" > "$marker"
    echo "ready: $place"
}

make cp cp_measure "${cp_pins[@]}"
make nyxus nyxus "${nyxus_pins[@]}"
