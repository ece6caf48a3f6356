"""The wire format of protocol buffers, in which ONNX files are written.

https://protobuf.dev/programming-guides/encoding. Nothing more is needed to look into a graph before anything reads it,
so a server needs ONNX Runtime alone. Field numbers elsewhere are those of onnx.proto3.
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Fields = Iterator[tuple[int, int | memoryview]]


class NotOnnxError(Exception):
    """The bytes are no message of the kind expected."""


def message(value: int | memoryview) -> memoryview:
    """The bytes of a field that must be a string or a message."""
    if isinstance(value, int):
        raise NotOnnxError("a field has the wrong type")
    return value


def fields(content: memoryview) -> Fields:
    """Number and value of every field: an integer, or the bytes of a string or of a message."""
    place = 0
    while place < len(content):
        key, place = _varint(content, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, place = _varint(content, place)
            yield field, value
            continue
        if kind == _BYTES:
            size, place = _varint(content, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise NotOnnxError("its bytes are no protocol buffer")
        if field == 0 or place + size > len(content):
            raise NotOnnxError("its bytes are cut off or no protocol buffer")
        yield field, content[place : place + size]
        place += size


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(content):
            break
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise NotOnnxError("its bytes are cut off or no protocol buffer")
