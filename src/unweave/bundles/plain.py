"""What the graphs of a bundle may hold: operators in a row, and numbers. Anything else is refused before it is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from unweave.bundles.wire import NotOnnxError, fields, message
from unweave.core.errors import DataError

_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_PLACE = 13, 14
_STANDARD = ("", "ai.onnx")


def check_plain(content: bytes, path: Path) -> None:
    """Refuse a graph that could do more than compute.

    Without loops, branches and functions its time is bounded by its size; without other files it reads nothing; without
    sparse tensors no few bytes become many when it is loaded. `bundles.memory` bounds what it may allocate.

    Args:
        content: the bytes of the file.
        path: of the file, for messages.

    Raises:
        DataError: it holds such a thing, or is no ONNX graph.
    """
    try:
        found = next(_odd(memoryview(content)), None)
    except NotOnnxError as error:
        raise DataError(f"{path} is no ONNX graph: {error}. Export the bundle again.") from error
    if found is not None:
        raise DataError(
            f"{path} holds {found}, which no bundle needs. It was not made by `unweave export`, or was changed since: "
            "do not use it."
        )


def _odd(model: memoryview) -> Iterator[str]:
    graphs = [message(value) for field, value in fields(model) if field == _MODEL_GRAPH]
    if len(graphs) != 1:
        raise NotOnnxError(f"it holds {len(graphs)} graphs")
    for field, _ in fields(model):
        if field == _MODEL_FUNCTIONS:
            yield "functions"
        if field == _MODEL_TRAINING:
            yield "instructions for training"
    for field, value in fields(graphs[0]):
        if field == _GRAPH_NODE:
            yield from _of_node(message(value))
        elif field == _GRAPH_INITIALIZER:
            yield from _of_tensor(message(value))
        elif field == _GRAPH_SPARSE:
            yield "sparse tensors"


def _of_node(node: memoryview) -> Iterator[str]:
    operator = ""
    for field, value in fields(node):
        if field == _NODE_OPERATOR:
            operator = _text(value)
        elif field == _NODE_DOMAIN and _text(value) not in _STANDARD:
            yield f"an operator of {_text(value)!r}"
    for field, value in fields(node):
        if field != _NODE_ATTRIBUTE:
            continue
        for inner, part in fields(message(value)):
            if inner in _ATTRIBUTE_GRAPHS:
                yield f"a graph inside {operator!r}"
            elif inner in _ATTRIBUTE_SPARSE:
                yield "sparse tensors"
            elif inner in _ATTRIBUTE_TENSORS:
                yield from _of_tensor(message(part))


def _of_tensor(tensor: memoryview) -> Iterator[str]:
    for field, value in fields(tensor):
        if field == _TENSOR_EXTERNAL or (field == _TENSOR_PLACE and value != 0):
            yield "numbers that lie in another file"


def _text(value: int | memoryview) -> str:
    return bytes(message(value)).decode("utf-8", "replace")[:100]
