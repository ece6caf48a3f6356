"""Reading, overriding and writing `unweave.yaml`; every mistake is named with its place and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from unweave.core.errors import ConfigError
from unweave.core.files import storage_errors, write_text
from unweave.projects.config import Project
from unweave.projects.explain import explain

PROJECT_FILE = "unweave.yaml"


class _Loader(yaml.SafeLoader):
    """YAML without code, that refuses a key given twice."""


def _mapping(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key.value!r} is given twice", key.start_mark)
        seen.add(key.value)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def parse_yaml(text: str, where: str) -> Any:  # noqa: ANN401 - YAML holds anything
    """YAML text to plain values; `where` names the text in errors."""
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"{where}{place}: this is not valid YAML: {problem}.") from error


def load_project(folder: Path, overrides: Sequence[str] = ()) -> Project:
    """The project in `folder`, with overrides such as `method.beta=8` (values are YAML).

    Raises:
        ConfigError: the file is absent, not YAML, or a key or value is wrong.
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        raise ConfigError(
            f"{path} does not exist. Make one with `unweave init FOLDER_OF_IMAGES`, or try `unweave demo`."
        )
    try:
        with storage_errors(path, "read"):
            text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is no UTF-8 text: {error}. Save it as UTF-8.") from error
    content = parse_yaml(text, str(path))
    if content is None:
        raise ConfigError(f"{path} is empty. Make a new one with `unweave init --force FOLDER_OF_IMAGES`.")
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected keys and values such as `name: faces`, got {type(content).__name__}.")
    for override in overrides:
        _override(content, override)
    return parse_project(content, str(path))


def parse_project(content: Mapping[str, Any], where: str) -> Project:
    """Validate the content of a project file; `where` names it in errors."""
    try:
        return Project.model_validate(content)
    except ValidationError as error:
        lines = explain(error, Project, content)
        raise ConfigError(
            "\n".join([f"{where} has {_count(len(lines))}:", *(f"  {line}" for line in lines)])
        ) from error


def write_project(project: Mapping[str, Any], path: Path, *, comments: Mapping[str, str]) -> None:
    """Write a project file; `comments` are put above the top-level keys that they name."""
    blocks = []
    for key, value in project.items():
        flow = None if isinstance(value, Mapping | list) else False  # a scalar alone would become `{name: faces}`
        block = yaml.safe_dump({key: value}, sort_keys=False, allow_unicode=True, width=100, default_flow_style=flow)
        comment = "".join(f"# {line}\n" for line in comments.get(key, "").splitlines())
        blocks.append(comment + block)
    write_text(path, "\n".join(blocks))


def _override(content: dict[str, Any], override: str) -> None:
    name, equals, text = override.partition("=")
    if not equals or not name:
        raise ConfigError(f"--set {override}: expected KEY=VALUE, for example --set method.beta=8.")
    *parents, last = name.split(".")
    place = content
    for parent in parents:
        if place.get(parent) is None:
            place[parent] = {}
        place = place[parent]
        if not isinstance(place, dict):
            raise ConfigError(f"--set {override}: {parent!r} holds a value, not keys.")
    place[last] = parse_yaml(text, f"--set {override}")


def _count(problems: int) -> str:
    return "one mistake" if problems == 1 else f"{problems} mistakes"
