"""Torch modules as ONNX graphs in one file, for any number of rows."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from unweave.core.errors import ConfigError, MissingExtraError


def write_graph(module: nn.Module, example: Tensor, path: Path, *, takes: str, gives: Sequence[str]) -> None:
    """Write a module with one input as a graph; equal modules give equal bytes on any machine.

    Args:
        module: in evaluation mode; it returns a tensor or a tuple of tensors.
        example: what it takes, (rows, …), at least two rows; the graph takes any number.
        path: the file.
        takes, gives: names of the input and of the outputs.

    Raises:
        MissingExtraError: the exporter is not installed.
        ConfigError: torch cannot trace the module.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - the exporter needs it
    except ImportError as error:
        raise MissingExtraError(error.name or "onnx", "train", "Writing a torch module as an ONNX file") from error
    loud = logging.getLogger("torch.onnx")
    level = loud.level
    try:
        loud.setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # of the exporter, about itself
            torch.onnx.export(
                module,
                (example,),
                str(path),
                dynamo=True,
                external_data=False,
                verbose=False,
                input_names=[takes],
                output_names=list(gives),
                dynamic_shapes=({0: torch.export.Dim("rows")},),
            )
    except Exception as error:  # the exporter passes on whatever stops it
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{type(module).__name__} cannot be written as an ONNX graph: {first}") from error
    finally:
        loud.setLevel(level)
    # The exporter notes beside every node from which line of which file it came: paths of this machine.
    model = onnx.load(path)
    del model.metadata_props[:], model.graph.metadata_props[:]
    graph: Any = model.graph
    for part in (*graph.node, *graph.value_info, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.ClearField("doc_string")
    path.write_bytes(model.SerializeToString(deterministic=True))
