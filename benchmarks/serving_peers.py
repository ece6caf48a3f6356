"""The same edit behind LitServe and BentoML, for `serving_load.py`. Run by a Python that has one of them.

python benchmarks/serving_peers.py litserve BUNDLE PORT BATCH
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))


class Work:
    """From files and edits to files, as the server does it."""

    def __init__(self, bundle: str) -> None:
        from unweave.serving.settings import Limits
        from unweave.serving.work.loaded import load_model

        self.loaded, self.limits = load_model(Path(bundle)), Limits()

    def read(self, image: bytes, edits: str) -> Any:  # noqa: ANN401 - a job
        """A job of a request."""
        from unweave.serving.images.pictures import check_image, read_picture
        from unweave.serving.work.jobs import Job, Source
        from unweave.signatures.edit import Edit, Move

        pixels = read_picture(image, check_image(image, self.limits, ""), self.loaded.takes, "")
        changes = {one["factor"]: Move(float(one["by"])) for one in json.loads(edits)}
        return Job(self.loaded.model.digest, Source(pixels), edit=Edit(changes))

    def compute(self, jobs: list[Any]) -> list[bytes]:
        """Files of the edited images."""
        from unweave.serving.images.pictures import write_picture
        from unweave.serving.work.compute import compute

        return [write_picture(result.pixels, "png") for result in compute(self.loaded, jobs)]


def litserve(bundle: str, port: int, batch: int) -> None:
    """LitServe with batches, which wait for at most a millisecond."""
    os.environ["UNWEAVE_BUNDLE"] = bundle
    import litserve as lit

    from serving_lit import Api

    api = Api(max_batch_size=batch, batch_timeout=0.001)
    server = lit.LitServer(api, accelerator="cpu", workers_per_device=1)
    # Without a log of accesses, as ours runs beside it.
    server.run(host="127.0.0.1", port=port, generate_client_file=False, log_level="warning")


def bentoml(bundle: str, port: int) -> None:
    """BentoML, one request at a time: with batches it answered errors at 32 clients."""
    service = Path(__file__).with_name("serving_bento.py")
    environment = {**os.environ, "UNWEAVE_BUNDLE": bundle, "BENTOML_DO_NOT_TRACK": "True"}
    command = [
        sys.executable,
        "-m",
        "bentoml",
        "serve",
        f"{service.stem}:Edits",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    raise SystemExit(subprocess.call(command, env=environment, cwd=service.parent))


if __name__ == "__main__":
    if sys.argv[1] == "litserve":
        litserve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    else:
        bentoml(sys.argv[2], int(sys.argv[3]))
