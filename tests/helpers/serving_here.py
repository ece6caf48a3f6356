"""A server in this process, on a real socket."""

import io
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2 as httpx
import numpy as np
from PIL import Image

from small_bundle import reseal
from unweave.bundles.files import SIGNATURES
from unweave.serving.run import http_server, listen
from unweave.serving.server import Server
from unweave.serving.settings import Settings
from unweave.stores.store import open_store


@dataclass
class Here:
    """A running server with a client."""

    url: str
    server: Server
    client: httpx.Client

    def edit(self, image, edits=({"factor": "x", "by": 0.5},), *, key=None, json=False, **options):
        """Answer to an edit."""
        headers = {"accept": "application/json"} if json else {}
        return self.post_form("/v1/edit", {"image": image}, {"edits": edits, **options}, key=key, headers=headers)

    def post_form(self, path, files, values, *, key=None, headers=None):
        """Answer to a form; values that are no texts go as JSON."""
        data = {name: value if isinstance(value, str) else to_json(value) for name, value in values.items()}
        headers = {**(headers or {}), **({"authorization": f"Bearer {key}"} if key else {})}
        parts = {name: ("a.png", content) for name, content in files.items()}
        return self.client.post(path, files=parts, data=data, headers=headers)

    def metric(self, name, **labels):
        """A metric as it stands, 0 where it was never counted."""
        return self.server.metrics.registry.get_sample_value(name, labels) or 0.0


def to_json(value):
    return json.dumps(value)


@contextmanager
def serving(folder, models, **settings):
    """A server for models by name, with a store of its own in a folder."""
    settings = {"store": f"sqlite:///{folder}/store.db", "port": 0, "poll_s": 0.1, "deadline_s": 20.0, **settings}
    chosen = Settings(models={name: str(source) for name, source in models.items()}, **settings)
    listener = listen(chosen)
    server = Server(chosen, open_store(chosen.store))
    http = http_server(server)
    thread = threading.Thread(target=http.run, args=([listener],), daemon=True)
    thread.start()
    wait_for(lambda: http.started or not thread.is_alive())
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=60) as client:
            yield Here(url, server, client)
    finally:
        http.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


def wait_for(condition, seconds=30.0):
    """Until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.01)


def png(pixels):
    """File of an image (H, W, C)."""
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "PNG")
    return file.getvalue()


def pixels_of(content):
    """Image (H, W, C) of a file."""
    found = np.asarray(Image.open(io.BytesIO(content)))
    return found[..., None] if found.ndim == 2 else found


def contrary(bundle, folder):
    """A copy of a bundle whose edits go the other way, so that its pictures tell which one made them."""
    shutil.copytree(bundle, folder)
    content = json.loads((folder / SIGNATURES).read_text())
    for signature in content["signatures"]:
        signature["directions"] = (-np.asarray(signature["directions"])).tolist()
    (folder / SIGNATURES).write_text(json.dumps(content))
    reseal(folder)
    return folder


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serve_process(folder, *arguments):
    """`unweave serve` as a process; gives it and its address when it listens."""
    code = "from unweave.cli.main import main; main()"
    log = folder / "serve.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", code, "serve", *map(str, arguments), "--port", "0"], stderr=file, cwd=folder
        )
    try:
        wait_for(lambda: '"listening"' in log.read_text() or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text()
        line = next(json.loads(line) for line in log.read_text().splitlines() if '"listening"' in line)
        yield process, f"http://127.0.0.1:{line['port']}", log
    finally:
        process.kill()
        process.wait()
