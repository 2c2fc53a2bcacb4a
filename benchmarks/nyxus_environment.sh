#!/usr/bin/env bash
# Make an environment in which nyxus runs, beside and apart from ours.
#
#   benchmarks/nyxus_environment.sh [DIR]      DIR: default .envs/nyxus under the project root
#   PYTHON=/path/to/python3.11 benchmarks/nyxus_environment.sh
#
# Safe to run again: a finished environment is left as it is, an unfinished one is completed.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
dir="${1:-$root/.envs/nyxus}"
python="${PYTHON:-python3.11}"

pins=(
    numpy==2.4.6 pandas==3.1.1 python-dateutil==4.0.0 tzdata==2026.6 nyxus==0.11.0
)

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
    echo "nyxus_environment: '$python' is no Python 3.10 or later; set PYTHON to one" >&2
    exit 2
fi

# The marker holds the pins, so that an environment made from other pins is brought up to date.
marker="$dir/nyxus-pins.txt"
wanted="$(printf '%s\n' "${pins[@]}")"
if [[ -x "$dir/bin/python" && -f "$marker" && "$(cat "$marker")" == "$wanted" ]]; then
    echo "ready: $dir"
    exit 0
fi

[[ -x "$dir/bin/python" ]] || "$python" -m venv "$dir"
"$dir/bin/python" -m pip --disable-pip-version-check --quiet install --no-deps "${pins[@]}"
"$dir/bin/python" -W ignore -c 'import nyxus'
printf '%s\n' "$wanted" > "$marker"
echo "ready: $dir"
