"""What an ONNX file refers to, read from its bytes: a graph may keep its weights in other files.

Nothing but the protocol buffer's wire format is needed for that (https://protobuf.dev/programming-guides/encoding), so
that a server needs ONNX Runtime alone. Field numbers are those of onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from unweave.core.errors import DataError
from unweave.core.files import storage_errors

MOST_BYTES = 2 << 30
"""Size up to which models are read, weights included. ONNX itself ends there without other files."""

_EXTERNAL = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DEEPEST = 40

_MODEL_GRAPH, _MODEL_FUNCTIONS, _FUNCTION_NODE = 7, 25, 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_SPARSE_TENSORS = (1, 2)
_NODE_ATTRIBUTE = 5
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_EXTERNAL, _TENSOR_PLACE = 13, 14

Fields = Iterator[tuple[int, int | memoryview]]


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
    except _NotOnnxError as error:
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


class _NotOnnxError(Exception):
    """The bytes are no message of the kind expected."""


def _places(model: memoryview) -> Iterator[str]:
    graphs = 0
    for field, value in _fields(model):
        if field == _MODEL_GRAPH:
            graphs += 1
            yield from _of_graph(_message(value), 0)
        elif field == _MODEL_FUNCTIONS:
            for inner, node in _fields(_message(value)):
                if inner == _FUNCTION_NODE:
                    yield from _of_node(_message(node), 0)
    if not graphs:
        raise _NotOnnxError("it holds no graph")


def _of_graph(graph: memoryview, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise _NotOnnxError("its graphs are nested too deeply")
    for field, value in _fields(graph):
        if field == _GRAPH_NODE:
            yield from _of_node(_message(value), depth)
        elif field == _GRAPH_INITIALIZER:
            yield from _of_tensor(_message(value))
        elif field == _GRAPH_SPARSE:
            yield from _of_sparse(_message(value))


def _of_node(node: memoryview, depth: int) -> Iterator[str]:
    for field, attribute in _fields(node):
        if field != _NODE_ATTRIBUTE:
            continue
        for inner, value in _fields(_message(attribute)):
            if inner in _ATTRIBUTE_TENSORS:
                yield from _of_tensor(_message(value))
            elif inner in _ATTRIBUTE_GRAPHS:
                yield from _of_graph(_message(value), depth + 1)
            elif inner in _ATTRIBUTE_SPARSE:
                yield from _of_sparse(_message(value))


def _of_sparse(sparse: memoryview) -> Iterator[str]:
    for field, value in _fields(sparse):
        if field in _SPARSE_TENSORS:
            yield from _of_tensor(_message(value))


def _of_tensor(tensor: memoryview) -> Iterator[str]:
    external, places = False, []
    for field, value in _fields(tensor):
        if field == _TENSOR_PLACE:
            external = value == _EXTERNAL
        elif field == _TENSOR_EXTERNAL:
            pair = {inner: bytes(_message(text)).decode("utf-8", "replace") for inner, text in _fields(_message(value))}
            if pair.get(1) == "location":
                places.append(pair.get(2, ""))
    if external:
        yield from places or [""]


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise _NotOnnxError("a field has the wrong type")
    return value


def _fields(message: memoryview) -> Fields:
    """Number and value of every field: an integer, or the bytes of a string or of a message."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield field, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise _NotOnnxError("its bytes are no protocol buffer")
        if field == 0 or place + size > len(message):
            raise _NotOnnxError("its bytes are cut off or no protocol buffer")
        yield field, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise _NotOnnxError("its bytes are cut off or no protocol buffer")
