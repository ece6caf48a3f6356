"""ONNX graphs that compute in NumPy arrays, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unweave.bundles.memory import limit_memory
from unweave.bundles.onnx_files import model_files
from unweave.bundles.plain import check_plain
from unweave.core.errors import ConfigError, DataError, MissingExtraError

_DTYPES = {"float": np.float32, "double": np.float64, "float16": np.float16, "uint8": np.uint8}
_TENSORRT, _CUDA, _CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"


class OnnxNet:
    """One graph with one input; implements `core.pair.Net`."""

    def __init__(
        self,
        path: Path,
        *,
        content: bytes | None = None,
        device: str = "cpu",
        providers: Sequence[str] | None = None,
        threads: int = 1,
    ) -> None:
        """Read and prepare the graph.

        Args:
            path: the ONNX file.
            content: of a graph of a bundle, which may come from anybody: it is checked to be plain (`check_plain`),
                what it allocates is limited (`limit_memory`), and nothing is read from `path`.
            device: `cpu`, `cuda`, `cuda:1`, or `auto` for a GPU where ONNX Runtime has one; not for `content`.
            providers: for `content`, of ONNX Runtime; the best that are present otherwise.
            threads: within one operator; one is quickest where several processes share the cores.

        Raises:
            MissingExtraError: ONNX Runtime is not installed.
            DataError: see `model_files` and `check_plain`; or ONNX Runtime refuses the graph, or it has several inputs.
            ConfigError: this ONNX Runtime cannot use the device or has no such provider.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnxruntime", "serve", "Running an ONNX model") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        # Threads that wait must not take the cores that a server's other threads need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # what it says of itself would stand in the user's output; errors are raised
        disabled: list[str] | None = None
        source: str | bytes
        present, source = onnxruntime.get_available_providers(), str(path)
        if content is None:
            model_files(path)
            chosen = _providers(present, device)
        else:
            check_plain(content, path)
            chosen, source = _best_providers(present, providers), content
            limit_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
            # It would compute while it loads, with an allocator that knows no limit; exported graphs leave it nothing.
            disabled = ["ConstantFolding"]
        try:
            self._session = onnxruntime.InferenceSession(
                source, options, providers=chosen, disabled_optimizers=disabled
            )
        except Exception as error:  # ONNX Runtime has a class of its own for every status
            raise DataError(f"{path}: ONNX Runtime {onnxruntime.__version__} refuses it: {_said(error)}") from error
        self.path = path
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            names = ", ".join(one.name for one in inputs) or "none"
            raise DataError(f"{path}: expected a graph with one input, it has {len(inputs)} ({names}).")
        self._input = inputs[0].name
        self._dtype = np.dtype(_dtype(inputs[0].type, path))
        self._shape = tuple(d if isinstance(d, int) and d > 0 else None for d in inputs[0].shape)
        self._outputs = tuple(one.name for one in self._session.get_outputs())

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Shape that it takes, rows first; None for axes of any size."""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers that it takes."""
        return self._dtype

    @property
    def providers(self) -> tuple[str, ...]:
        """Of ONNX Runtime, those that it runs on, the first one first."""
        return tuple(self._session.get_providers())

    def __call__(self, x: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Its outputs by name.

        Raises:
            ConfigError: the graph does not take arrays of this shape.
        """
        try:
            found = self._session.run(None, {self._input: np.ascontiguousarray(x)})
        except Exception as error:  # as above
            takes = ", ".join("any" if d is None else str(d) for d in self._shape)
            raise ConfigError(
                f"{self.path} takes ({takes}) and fails on an array of shape {x.shape}: {_said(error)}"
            ) from error
        return dict(zip(self._outputs, found, strict=True))


def _providers(present: list[str], device: str) -> list[Any]:
    kind, _, index = device.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not index.isdigit()):
        raise ConfigError(f"device {device!r} cannot be used with ONNX. Give auto, cpu, cuda or cuda:1.")
    if kind == "cuda" and _CUDA not in present:
        raise ConfigError(
            f"device {device!r}: this ONNX Runtime has no CUDA ({', '.join(present)}). Give cpu, or install "
            "onnxruntime-gpu in place of onnxruntime."
        )
    on_gpu = kind != "cpu" and _CUDA in present
    return [*([(_CUDA, {"device_id": int(index or 0)})] if on_gpu else []), _CPU]


def _best_providers(present: list[str], wanted: Sequence[str] | None) -> list[Any]:
    """Those asked for, or the quickest that are present; the CPU computes what the others cannot."""
    if wanted is None:
        return [name for name in (_TENSORRT, _CUDA, _CPU) if name in present]
    absent = [name for name in wanted if name not in present]
    if absent or not wanted:
        raise ConfigError(
            f"this ONNX Runtime has no provider {', '.join(absent) or '(none was given)'}. It has {', '.join(present)}."
        )
    return list(wanted)


def _dtype(name: str, path: Path) -> type[Any]:
    found = _DTYPES.get(name.removeprefix("tensor(").removesuffix(")"))
    if found is None:
        raise DataError(f"{path} takes {name}; expected numbers: {', '.join(_DTYPES)}.")
    return found


def _said(error: Exception) -> str:
    """The first line of what ONNX Runtime says, without its codes."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return first.rpartition(" : ")[2].strip().rstrip(".")[:300] + "."
