"""Compile the decoders of readers before they are needed, or load what was compiled before."""

from collections.abc import Callable

import numpy as np


def jobs(reader: str) -> dict[str, Callable[[], None]]:
    """List what makes a reader ready; ``auto`` may leave files to any."""
    return {"ingest-grey": _decode_grey} if reader in {"auto", "cif"} else {}


def _decode_grey() -> None:
    """Decode a stamp of one pixel."""
    from tasks.ingest.readers.amnis_coding import decode_grey

    decode_grey(np.array([0b0001], dtype=np.uint8), shape=(1, 1, 1))
