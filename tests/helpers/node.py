"""Runs the page's modules outside a browser, in the Node that comes with Playwright."""

import json
import subprocess
from pathlib import Path

import playwright

from unweave.studio.files import static_folder

NODE = Path(playwright.__file__).parent / "driver" / "node"


def run_module(script, given, folder):
    """What an ECMAScript module prints as JSON; `static:` in it is the page's folder, and `given` the input."""
    (folder / "given.json").write_text(json.dumps(given))
    head = (
        'import { readFileSync } from "node:fs";\n'
        f"const given = JSON.parse(readFileSync({json.dumps(str(folder / 'given.json'))}));\n"
    )
    path = folder / "script.mjs"
    path.write_text(head + script.replace("static:", static_folder().as_uri() + "/"))
    done = subprocess.run([NODE, path], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
