"""From what pydantic finds wrong in a project file to words with the place and what would be right."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

_LONGEST = 80


def explain(error: ValidationError, model: type[BaseModel], content: object) -> list[str]:
    """One line for each mistake in `content`, which `model` refused."""
    lines = [_line(problem, model, content) for problem in error.errors()]
    return list(dict.fromkeys(lines))


def _line(problem: Any, model: type[BaseModel], content: object) -> str:  # noqa: ANN401 - pydantic's dict is internal
    kind = problem["type"]
    place = _place(problem["loc"], content, missing=kind == "missing")
    key = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"{key}: this key is unknown. {_nearest(str(place[-1]), _keys(model, place[:-1], content), 'Keys here')}"
    if kind == "missing":
        return f"{key}: this key is required and absent."
    if kind == "union_tag_not_found":
        return f"{key}.kind: this key is required and absent."
    if kind == "union_tag_invalid":
        tag, known = problem["ctx"]["tag"], problem["ctx"]["expected_tags"].replace("'", "").split(", ")
        return f"{key}.kind: {tag!r} is unknown. {_nearest(tag, known, 'Known are')}"
    got = problem["input"]
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{key or 'the project'}: expected keys and values, got {_shown(got)}."
    message = problem["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(got, Mapping | BaseModel) else f" Got {_shown(got)}."
    return f"{key or 'the project'}: {message[0].lower() + message[1:]}.{shown}"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " …"


def _nearest(word: str, known: Sequence[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"{otherwise}: {', '.join(sorted(known))}."


def _place(loc: Sequence[str | int], content: Any, *, missing: bool) -> list[str | int]:  # noqa: ANN401
    """The keys of the file among pydantic's steps, which also name the chosen member of a union."""
    place: list[str | int] = []
    value = content
    for index, part in enumerate(loc):
        if _holds(value, part):
            value = value[part]
        elif not (missing and index == len(loc) - 1):
            continue
        place.append(part)
    return place


def _holds(value: object, part: str | int) -> bool:
    if isinstance(value, list | tuple):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, Mapping) and part in value


def _keys(model: type[BaseModel], place: Sequence[str | int], content: Any) -> list[str]:  # noqa: ANN401
    """Names of the keys that may stand at a place of the file."""
    here: Any = model
    for part in place:
        content = content[part]
        inside = (here.model_fields[part].annotation,) if _is_model(here) else get_args(here)
        options = [option for annotation in inside for option in _options(annotation)]
        models = [option for option in options if _is_model(option)]
        asked = content.get("kind") if isinstance(content, Mapping) else None
        named = [m for m in models if "kind" in m.model_fields and m.model_fields["kind"].default == asked]
        here = (named or models or options)[0]
    return list(here.model_fields)


def _options(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations are untyped
    """The members of a union, also of one inside another or with notes, or the annotation itself."""
    if get_origin(annotation) is Annotated:
        return _options(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return tuple(option for member in get_args(annotation) for option in _options(member))
    return (annotation,)


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
