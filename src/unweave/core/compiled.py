"""Functions compiled by Numba; machine code is kept on disk wherever a folder for it can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(**options: Any) -> Callable[[Function], Function]:  # noqa: ANN401 - options of Numba
    """Compile on first use, to run without the GIL; `options` are those of `numba.njit`.

    Numba refuses to compile at all when it can keep nothing: when neither the folder of the source nor the user's
    cache is writable, as in many containers. Then the function is compiled anew in every process.
    """

    def compile_(function: Function) -> Function:
        try:
            return cast(Function, njit(cache=True, nogil=True, **options)(function))
        except RuntimeError:
            return cast(Function, njit(nogil=True, **options)(function))

    return compile_
