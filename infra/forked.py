"""What all worker processes of this machine have in common: imported once, in the process that they are forked from.

That process must stay free of threads, since a fork takes along the locks that they hold but not the threads. So
nothing may be imported here that starts some: polars and pyarrow do, and numpy's linear algebra unless told not to.
"""

import os
import signal

signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as in the workers: it ends with the process that started it

os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")  # read with Dask's import

import distributed  # noqa: E402, F401
import numba  # noqa: E402, F401
import prefect.task_engine  # noqa: E402, F401
import prefect_dask  # noqa: E402, F401
