"""Keep the C library from giving activation buffers back to the system after every step."""

from __future__ import annotations

import ctypes
import functools
import sys

# Parameters of mallopt(3) in glibc's malloc.h, and values that keep freed blocks of up to a gibibyte in the process.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_SETTINGS = {_TRIM_THRESHOLD: 2**31 - 1, _MMAP_THRESHOLD: 2**30, _TOP_PAD: 2**28}


@functools.cache
def keep_freed_memory() -> bool:
    """Tune glibc's allocator for training on a CPU, once per process; True when it took effect.

    By default large blocks are unmapped when freed and page-faulted in again at the next step, which costs about a
    third of the time of a small convolutional net. On other C libraries nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return all(mallopt(parameter, value) == 1 for parameter, value in _SETTINGS.items())
