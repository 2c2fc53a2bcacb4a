#!/usr/bin/env bash
# Make an environment in which cp_measure runs, beside and apart from ours.
#
#   benchmarks/cp_environment.sh [DIR]      DIR: default .envs/cp under the project root
#   PYTHON=/path/to/python3.11 benchmarks/cp_environment.sh
#
# Safe to run again: a finished environment is left as it is, an unfinished one is completed.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dir="${1:-$root/.envs/cp}"
python="${PYTHON:-python3.11}"

pins=(
    centrosome==1.3.4 deprecation==2.1.0 ImageIO==2.38.1 lazy-loader==0.6 mahotas==1.4.19 networkx==3.6.1
    numpy==2.4.6 packaging==26.3 pillow==11.3.0 scikit-image==0.26.0 scipy==1.17.1 tifffile==2026.3.3
    cp_measure==0.3.0
)

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "cp_environment: '$python' is no Python 3.10 or later; set PYTHON to one" >&2
    exit 2
fi

# The marker holds the pins, so that an environment made from other pins is brought up to date.
marker="$dir/cp-pins.txt"
wanted="$(printf '%s\n' "${pins[@]}")"
if [[ -x "$dir/bin/python" && -f "$marker" && "$(cat "$marker")" == "$wanted" ]]; then
    echo "ready: $dir"
    exit 0
fi

[[ -x "$dir/bin/python" ]] || "$python" -m venv "$dir"
"$dir/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps "${pins[@]}"
"$dir/bin/python" -W ignore -c 'import cp_measure.bulk'
printf '%s\n' "$wanted" > "$marker"
echo "ready: $dir"
