"""From a slider to a new picture in headless Chromium: decoded in the browser, and by the server.

    python benchmarks/studio_latency.py BUNDLE [--moves 200] [--write FILE.json]

Every move sets a dial to another value, as dragging does, and waits for the picture. Stated are the milliseconds until
its pixels are on the canvas, and until the frame after that, which a person sees; beside them what the page does
without a decoder: the edit of the code with its dials, and an empty frame. On a machine that is busy with other work
these are long; the processor time per move, of the page's main thread and of its process, is less so.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, CDPSession, sync_playwright

from unweave.bundles.run import load_bundle
from unweave.serving.run import http_server, listen
from unweave.serving.server import Server
from unweave.serving.settings import Settings
from unweave.stores.store import open_store
from unweave.studio.explorer import write_explorer
from unweave.studio.page import studio_page

PROCESSOR = {
    "script": "ScriptDuration",
    "layout": "LayoutDuration",
    "main thread": "ThreadTime",
    "process": "ProcessTime",
}

MEASURE = """async (moves) => {
  const dials = [...document.querySelectorAll(".track input")];
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const painted = () => new Promise((resolve) => document.addEventListener("painted", resolve, { once: true }));
  const found = { canvas: [], frame: [], edit: [], empty: [] };
  for (let k = 0; k < moves; k++) {
    const dial = dials[k % dials.length];
    const [low, high] = [Number(dial.min), Number(dial.max)];
    dial.value = low + (high - low) * ((k * 0.618034) % 1);
    await new Promise((resolve) => setTimeout(resolve, (k * 7) % 16)); // anywhere within a frame
    const start = performance.now();
    const done = painted();
    dial.dispatchEvent(new Event("input"));
    found.edit.push(performance.now() - start);
    await done;
    found.canvas.push(performance.now() - start);
    await frame();
    found.frame.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, (k * 5) % 16));
    const empty = performance.now();
    await frame();
    found.empty.push(performance.now() - empty);
  }
  return found;
}"""


def measure(browser: Browser, url: str, moves: int) -> dict[str, dict[str, float]]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(200_000)
    page.goto(url)
    page.wait_for_selector("body[data-ready]")
    page.evaluate(MEASURE, 20)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = metrics(session)
    found = page.evaluate(MEASURE, moves)
    after = metrics(session)
    page.close()
    waits = {}
    for name, values in found.items():
        p50, p95 = np.percentile(values, [50, 95]).round(2)
        waits[name] = {"p50": p50, "p95": p95}
    spent = {name: round(1000 * (after[key] - before[key]) / moves, 2) for name, key in PROCESSOR.items()}
    return {**waits, "processor": spent}


def metrics(session: CDPSession) -> dict[str, float]:
    """Seconds so far, by name."""
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--moves", type=int, default=200)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args()
    shape = load_bundle(asked.bundle).shape
    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        settings = Settings(
            models={"model": str(asked.bundle)}, port=0, store=f"sqlite:///{name}/store.db", deadline_s=20
        )
        listener = listen(settings)
        http = http_server(Server(settings, open_store(settings.store)), page=studio_page())
        thread = threading.Thread(target=http.run, args=([listener],), daemon=True)
        thread.start()
        explorer = Path(name) / "explorer.html"
        size = write_explorer(explorer, asked.bundle, np.zeros((1, *shape), np.uint8))
        studio = f"http://127.0.0.1:{listener.getsockname()[1]}/studio/"
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        rounds = {
            "studio, in the browser": f"{studio}?decode=browser",
            "studio, on the server": f"{studio}?decode=server",
        }
        rounds["explorer"] = explorer.as_uri()
        found = {name: measure(browser, url, asked.moves) for name, url in rounds.items()}
        browser.close()
        http.should_exit = True
        thread.join(30)
    content = {"shape": shape, "moves": asked.moves, "load": os.getloadavg()[0], "explorer_bytes": size, "ms": found}
    if asked.write:
        asked.write.write_text(json.dumps(content, indent=1))
    print(json.dumps(content, indent=1))


if __name__ == "__main__":
    main()
