"""What a job runs in place of a worker: a flow run, of which it leaves the exit status in a file."""

import argparse
import os
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Carry out the flow run of PREFECT__FLOW_RUN_ID; arguments that are for a worker are left alone."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("scheduler")
    parser.add_argument("--status", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    own, _ = parser.parse_known_args()
    os.chdir(own.folder)
    del sys.argv[1:]  # the engine would take the first one for the flow run
    status: object = 1
    try:
        runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code
        raise
    finally:
        temporary = own.status.with_suffix(".part")
        temporary.write_text(str(status or 0), encoding="utf-8")
        temporary.replace(own.status)


if __name__ == "__main__":
    main()
