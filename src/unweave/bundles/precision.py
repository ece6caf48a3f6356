"""Graphs of another precision beside those of float32: made, measured, and kept only within stated limits."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from unweave.bundles.files import HALVES, Half, Precision, graph_name
from unweave.bundles.graphs import GraphModel
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.parity import measure_parity
from unweave.bundles.schema import Variant
from unweave.core.errors import MissingExtraError, UnweaveError
from unweave.core.model import LatentModel, Observations

Reduced = Literal["fp16", "int8"]
Judge = Callable[[LatentModel], float | None]
"""Mean leakage of moving the factors with a model, in changes between two random rows; None where nobody can judge."""

LIMITS: Mapping[Reduced, Mapping[str, float]] = {
    "fp16": {"mean": 0.01, "logvar": 0.05, "observations": 1 / 255},
    "int8": {"mean": 0.1, "logvar": 0.5, "observations": 4 / 255},
}
"""Largest differences from the float32 graphs, in the units of `Parity`: codes against a prior of standard deviation 1,
pixels against the step of an image in bytes."""

LEAKAGE_LIMIT = 0.01
"""How much more leakage is allowed than the float32 graphs have."""

_LOGGERS = ("root", "onnxruntime", "onnxruntime.transformers.float16", "onnxruntime.quantization")


def add_variant(
    precision: Reduced,
    folder: Path,
    model: GraphModel,
    observations: Observations,
    *,
    judge: Judge | None = None,
) -> Variant:
    """Make the graphs of a precision beside those in a folder, measure them, and delete them again if they are refused.

    Args:
        precision: `fp16`, which holds weights and values in 16 bits between inputs and outputs in 32; or `int8`,
            weights in 8 bits with the range of values found at every call ("dynamic").
        folder: holds the graphs of float32.
        model: of these.
        observations: real rows.
        judge: measures leakage; without one it is not compared.

    Returns:
        What was tried and why it was kept or refused, for the card.

    Raises:
        MissingExtraError: ONNX is not installed.
    """
    paths: dict[Half, Path] = {half: folder / graph_name(half, precision) for half in HALVES}
    before = sum((folder / graph_name(half)).stat().st_size for half in paths)
    about: dict[str, Any] = {"precision": precision, "float32_bytes": before}
    try:
        for half, path in paths.items():
            _convert(precision, folder / graph_name(half), path)
        nets = {half: OnnxNet(path, content=path.read_bytes()) for half, path in paths.items()}
        reduced = replace(model, encoder=nets["encoder"], decoder=nets["decoder"])
        about["bytes"] = sum(path.stat().st_size for path in paths.values())
        about["parity"] = measure_parity(model, reduced, observations, LIMITS[precision])
        why = _refused(about, model, reduced, judge)
    except MissingExtraError:
        raise
    except UnweaveError as error:
        why = f"refused: {error}"
    except Exception as error:  # converters raise whatever stops them
        why = f"refused: the graphs cannot be converted ({type(error).__name__}: {error})"[:500]
    if why is None:
        said = "" if "leakage" in about else "; leakage was not compared, since nobody could judge it"
        return Variant(kept=True, why=f"kept: within the limits of parity{said}", **about)
    for path in paths.values():
        path.unlink(missing_ok=True)
    return Variant(kept=False, why=why, **{"bytes": 0, **about})


def _refused(about: dict[str, Any], model: GraphModel, reduced: GraphModel, judge: Judge | None) -> str | None:
    """Why the graphs are refused, or None; notes leakage on the way."""
    failed = [one for one in about["parity"] if not one.passed]
    if failed:
        said = "; ".join(f"{p.output} {p.difference:.3g} (at most {p.limit:.3g})" for p in failed)
        return f"refused: too far from the float32 graphs: {said}"
    if about["bytes"] >= about["float32_bytes"]:
        return "refused: the graphs are no smaller than those of float32"
    if judge is None:
        return None
    leakage, usual = judge(reduced), judge(model)
    if leakage is None or usual is None:
        return None
    about |= {"leakage": leakage, "float32_leakage": usual, "leakage_limit": LEAKAGE_LIMIT}
    if not leakage <= usual + LEAKAGE_LIMIT:
        return f"refused: moving factors leaks {leakage:.3f}, with float32 {usual:.3f} (at most {LEAKAGE_LIMIT} more)"
    return None


def _convert(precision: Precision, source: Path, target: Path) -> None:
    """Write the graph with another precision; equal graphs give equal bytes."""
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("onnx", "train", "Converting graphs (--fp16, --int8)") from error
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if precision == "fp16":
                from onnxruntime.transformers.float16 import convert_float_to_float16

                model = convert_float_to_float16(onnx.load(source), keep_io_types=True)
            else:
                from onnxruntime.quantization import QuantType, quantize_dynamic

                # Convolutions with integers are missing or slow in ONNX Runtime on CPUs: they stay as they are.
                quantize_dynamic(source, target, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QUInt8)
                model = onnx.load(target)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    target.write_bytes(model.SerializeToString(deterministic=True))
