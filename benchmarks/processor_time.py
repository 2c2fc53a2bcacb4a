"""Run a command, and print the seconds of the processor that it and all its descendants took; its status is its own.

    python benchmarks/processor_time.py COMMAND …

This process is the subreaper of what it starts: the system hands it those whose parents have ended (Linux), so that all
are waited for, and counted. What the command prints goes to standard error.
"""

import ctypes
import os
import resource
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command, and print."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot be made a subreaper")
    status = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode
    try:
        while True:  # those that outlived it
            os.waitpid(-1, 0)
    except ChildProcessError:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(usage.ru_utime + usage.ru_stime)
    return status


if __name__ == "__main__":
    sys.exit(main())
