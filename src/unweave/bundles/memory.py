"""A limit on what the graphs of bundles may allocate, in one process and all together."""

from __future__ import annotations

import threading

from unweave.core.errors import ConfigError

MOST_MEMORY = 4 << 30
"""Bytes that weights and values of all graphs of bundles may take in one process, unless `limit_memory` says so."""

_LOCK = threading.Lock()
_limit: int | None = None


def limit_memory(most: int | None = None) -> int:
    """Make ONNX Runtime's allocator for the CPU refuse to grow beyond a limit, and return the limit.

    A graph of a few bytes can ask for any amount (a constant of a given shape, a product of a column and a row), and
    without a limit the operating system ends the process. ONNX Runtime knows one limit in a process, set once: at the
    first bundle, or here before.

    Args:
        most: bytes; None takes `MOST_MEMORY`, or the limit that holds already.

    Raises:
        ConfigError: another limit holds already, or it is no positive number.
    """
    global _limit
    with _LOCK:
        if _limit is None:
            wanted = MOST_MEMORY if most is None else most
            if wanted <= 0:
                raise ConfigError(f"memory for graphs: expected bytes above 0, got {wanted}.")
            _register(wanted)
            _limit = wanted
        elif most is not None and most != _limit:
            raise ConfigError(
                f"memory for graphs: {_limit:,} bytes hold in this process since the first bundle was loaded, so "
                f"{most:,} cannot be set. Set it before."
            )
        return _limit


def _register(most: int) -> None:
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    # Growing by what is asked for, not by powers of two, which would end at half of the limit.
    arena = onnxruntime.OrtArenaCfg(
        {
            "max_mem": most,
            "arena_extend_strategy": 1,
            "initial_chunk_size_bytes": -1,
            "max_dead_bytes_per_chunk": -1,
        }
    )
    onnxruntime.create_and_register_allocator(place, arena)
