"""The page's modules as one import map, so that a single file can hold them."""

from __future__ import annotations

import base64
import json
import posixpath
import re
from pathlib import Path

from unweave.studio.files import static_folder

_IMPORT = re.compile(r'^((?:import|export)\b[^"\n;]*?)"(\.{1,2}/[^"]+)"', re.MULTILINE)


def import_map(entry: str) -> str:
    """JSON of an import map with a module and all that it imports, under `unweave/NAME`, as `data:` addresses.

    A module in a `data:` address cannot import by a relative address, so these become the names of the map.

    Args:
        entry: path of the first module in the page's folder, such as `explorer.js`.
    """
    folder = static_folder()
    found: dict[str, str] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        text = (folder / name).read_text(encoding="utf-8")
        needs = [_beside(name, address) for _, address in _IMPORT.findall(text)]
        found[name] = _IMPORT.sub(lambda m, name=name: f'{m[1]}"unweave/{_beside(name, m[2])}"', text)  # type: ignore[misc]
        waiting += needs
    return json.dumps({"imports": {f"unweave/{name}": _data(found[name]) for name in sorted(found)}})


def fill(template: Path, parts: dict[str, str]) -> str:
    """A template with `{{ name }}` replaced once; what is put in is not looked at again."""
    pieces = re.split(r"\{\{ (\w+) \}\}", template.read_text(encoding="utf-8"))
    return "".join(parts[piece] if k % 2 else piece for k, piece in enumerate(pieces))


def _beside(name: str, address: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), address))


def _data(text: str) -> str:
    return "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()
