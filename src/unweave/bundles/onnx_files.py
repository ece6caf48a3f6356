"""What an ONNX file refers to, read from its bytes: a graph may keep its weights in other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from unweave.bundles.wire import NotOnnxError, fields, message
from unweave.core.errors import DataError
from unweave.core.files import storage_errors

MOST_BYTES = 2 << 30
"""Size up to which models are read, weights included. ONNX itself ends there without other files."""

_EXTERNAL = 1
_DEEPEST = 40

_MODEL_GRAPH, _MODEL_FUNCTIONS, _FUNCTION_NODE = 7, 25, 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_SPARSE_TENSORS = (1, 2)
_NODE_ATTRIBUTE = 5
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_PLACE = 13, 14


def model_files(path: Path, *, most_bytes: int = MOST_BYTES) -> tuple[Path, ...]:
    """The file itself and those beside it that hold its weights, as they lie on disk.

    Raises:
        DataError: the file is absent or no ONNX graph, a file that it refers to is absent or lies outside its folder,
            or all together are larger than `most_bytes`.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Pass the path of an ONNX file.")
    _check_size((path,), most_bytes)
    with storage_errors(path, "read"):
        content = path.read_bytes()
    try:
        places = sorted(set(_places(memoryview(content))))
    except NotOnnxError as error:
        raise DataError(
            f"{path} is no ONNX graph: {error}. Export one with torch.onnx.export(…, dynamo=True), tf2onnx or skl2onnx."
        ) from error
    files = (path, *(_beside(path, place) for place in places))
    _check_size(files, most_bytes)
    return files


def _beside(path: Path, place: str) -> Path:
    """A file that the graph refers to, which must lie in its folder."""
    relative = PurePosixPath(place)
    found = path.parent / relative
    outside = relative.is_absolute() or ".." in relative.parts or "\\" in place or not place
    if outside or not found.resolve().is_relative_to(path.parent.resolve()):
        raise DataError(
            f"{path} wants its weights from {place!r}, which is outside its folder; such a file is never read. Export "
            "the model again into one file (torch.onnx.export(…, external_data=False))."
        )
    if not found.is_file():
        raise DataError(
            f"{path} keeps weights in {place!r}, and {found} does not exist. Put it there, or export the model again "
            "into one file (torch.onnx.export(…, external_data=False))."
        )
    return found


def _check_size(files: tuple[Path, ...], most: int) -> None:
    size = sum(file.stat().st_size for file in files)
    if size > most:
        raise DataError(f"{files[0]}: the model takes {size:,} bytes, and at most {most:,} are read.")


def _places(model: memoryview) -> Iterator[str]:
    graphs = 0
    for field, value in fields(model):
        if field == _MODEL_GRAPH:
            graphs += 1
            yield from _of_graph(message(value), 0)
        elif field == _MODEL_FUNCTIONS:
            for inner, node in fields(message(value)):
                if inner == _FUNCTION_NODE:
                    yield from _of_node(message(node), 0)
    if not graphs:
        raise NotOnnxError("it holds no graph")


def _of_graph(graph: memoryview, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise NotOnnxError("its graphs are nested too deeply")
    for field, value in fields(graph):
        if field == _GRAPH_NODE:
            yield from _of_node(message(value), depth)
        elif field == _GRAPH_INITIALIZER:
            yield from _of_tensor(message(value))
        elif field == _GRAPH_SPARSE:
            yield from _of_sparse(message(value))


def _of_node(node: memoryview, depth: int) -> Iterator[str]:
    for field, attribute in fields(node):
        if field != _NODE_ATTRIBUTE:
            continue
        for inner, value in fields(message(attribute)):
            if inner in _ATTRIBUTE_TENSORS:
                yield from _of_tensor(message(value))
            elif inner in _ATTRIBUTE_GRAPHS:
                yield from _of_graph(message(value), depth + 1)
            elif inner in _ATTRIBUTE_SPARSE:
                yield from _of_sparse(message(value))


def _of_sparse(sparse: memoryview) -> Iterator[str]:
    for field, value in fields(sparse):
        if field in _SPARSE_TENSORS:
            yield from _of_tensor(message(value))


def _of_tensor(tensor: memoryview) -> Iterator[str]:
    external, places = False, []
    for field, value in fields(tensor):
        if field == _TENSOR_PLACE:
            external = value == _EXTERNAL
        elif field == _TENSOR_EXTERNAL:
            pair = {inner: bytes(message(text)).decode("utf-8", "replace") for inner, text in fields(message(value))}
            if pair.get(1) == "location":
                places.append(pair.get(2, ""))
    if external:
        yield from places or [""]
