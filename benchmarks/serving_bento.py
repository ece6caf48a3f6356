"""The service that `serving_peers.py` runs behind BentoML; the bundle is named by UNWEAVE_BUNDLE."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import bentoml
from bentoml.validators import ContentType

from serving_peers import Work


@bentoml.service(workers=1, logging={"access": {"enabled": False}})  # as ours runs beside it
class Edits:
    """Edits, one at a time."""

    def __init__(self) -> None:
        self.work = Work(os.environ["UNWEAVE_BUNDLE"])

    @bentoml.api(route="/edit")
    def edit(
        self, image: Path, edits: list[dict[str, Any]], ctx: bentoml.Context
    ) -> Annotated[Path, ContentType("image/png")]:
        """An edited image."""
        made = self.work.compute([self.work.read(image.read_bytes(), json.dumps(edits))])[0]
        out = Path(ctx.temp_dir) / "edited.png"
        out.write_bytes(made)
        return out
