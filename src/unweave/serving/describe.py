"""Descriptions of paths for OpenAPI: handlers read requests themselves, so FastAPI is told what they take and give."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from unweave.serving import schemas
from unweave.serving.images.pictures import MEDIA
from unweave.serving.refusals import STATUSES

_REF = "#/components/schemas/{model}"

DESCRIBED: tuple[type[BaseModel], ...] = (
    *(schemas.ImageEditBody, schemas.ImageBody, schemas.DecodeBody, schemas.FeedbackBody),
    *(schemas.NaturalnessBody, schemas.ChoiceBody, schemas.ErrorBody, schemas.EditAnswer, schemas.EncodeAnswer),
    *(schemas.ModelLine, schemas.FactorLine, schemas.Kept, schemas.Health, schemas.Readiness, schemas.FactorChange),
)
"""Bodies and answers that descriptions refer to."""

EDIT_HEADERS: Mapping[str, Any] = {
    "X-Unweave-Edit": {"description": "Identifier of the edit, for feedback.", "schema": {"type": "string"}},
    "X-Unweave-Model": {"description": "NAME@DIGEST, with twelve digits.", "schema": {"type": "string"}},
    "X-Unweave-Notes": {
        "description": "What was not done as asked: a list of texts as JSON, percent-encoded.",
        "schema": {"type": "string"},
    },
    "X-Unweave-Cache": {"description": "hit or miss.", "schema": {"enum": ["hit", "miss"]}},
}
IMAGES: Mapping[str, Any] = {media: {"schema": {"type": "string", "format": "binary"}} for media in MEDIA.values()}

_OPTIONS: Mapping[str, Any] = {
    "model": {"type": "string", "maxLength": 64},
    "format": {"enum": ["png", "jpeg", "webp"], "default": "png"},
    "residual": {"type": "boolean", "default": False},
}
_FILE: Mapping[str, Any] = {"type": "string", "format": "binary"}


def example_image() -> str:
    """A small PNG in base64."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (90, 140, 200)).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def components() -> dict[str, Any]:
    """Schemas of all bodies and answers."""
    _, found = models_json_schema([(model, "validation") for model in DESCRIBED], ref_template=_REF)
    defined: dict[str, Any] = found["$defs"]
    return defined


def ref(model: type[BaseModel]) -> dict[str, Any]:
    """A reference to a schema."""
    return {"$ref": _REF.format(model=model.__name__)}


def json_body(model: type[BaseModel] | Sequence[type[BaseModel]], example: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """A body of JSON."""
    schema = ref(model) if isinstance(model, type) else {"oneOf": [ref(one) for one in model]}
    return {"application/json": {"schema": schema, "example": example}}


def form_body(
    files: Sequence[str], texts: Mapping[str, Any], example: Mapping[str, Any], *, options: bool = True
) -> dict[str, Any]:
    """A body of a form.

    Args:
        files: names of its files.
        texts: schemas of further parts, all needed where they say `x-needed`.
        example: of the parts that are no files.
        options: whether it takes those of an edit; else the model alone.
    """
    needed = [*files, *(name for name, schema in texts.items() if schema.get("x-needed"))]
    plain = {name: {k: v for k, v in schema.items() if k != "x-needed"} for name, schema in texts.items()}
    more = _OPTIONS if options else {"model": _OPTIONS["model"]}
    schema = {
        "type": "object",
        "properties": {**dict.fromkeys(files, _FILE), **plain, **more},
        "required": needed,
        "additionalProperties": False,
    }
    return {"multipart/form-data": {"schema": schema, "example": {**dict.fromkeys(files, "(a file)"), **example}}}


def described(
    content: Mapping[str, Any] | None = None, *, parameters: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """What FastAPI adds to the description of a path: the body, and parameters."""
    found: dict[str, Any] = {"parameters": list(parameters)} if parameters else {}
    if content is not None:
        found["requestBody"] = {"required": True, "content": dict(content)}
    return found


def answers(
    good: int, content: Mapping[str, Any], *refused: int, headers: Mapping[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    """Answers of a path: the good one, and the statuses with which it may be refused."""
    error = {"application/json": {"schema": ref(schemas.ErrorBody)}}
    found: dict[int | str, dict[str, Any]] = {
        good: {"description": "Done", "content": dict(content), **({"headers": dict(headers)} if headers else {})}
    }
    return found | {status: {"description": STATUSES[status], "content": error} for status in refused}


def json_answer(model: type[BaseModel], *, many: bool = False) -> dict[str, Any]:
    """An answer of JSON."""
    return {"application/json": {"schema": {"type": "array", "items": ref(model)} if many else ref(model)}}
