"""The operations on a CPU."""

from tasks.segment.plain import *
