"""The service that `serving_peers.py` runs behind LitServe; a module of its own, since its workers are spawned."""

from __future__ import annotations

import os
from typing import Any

import litserve
from fastapi import Response

from serving_peers import Work


class Api(litserve.LitAPI):
    """Edits in batches."""

    def setup(self, device: str) -> None:
        """Once in the worker."""
        self.work = Work(os.environ["UNWEAVE_BUNDLE"])

    def decode_request(self, request: Any) -> Any:  # noqa: ANN401 - a form; a job
        """LitServe gives the fields of a form."""
        return self.work.read(request["image"].file.read(), str(request["edits"]))

    def predict(self, jobs: Any) -> Any:  # noqa: ANN401 - one job or several
        """Files."""
        return self.work.compute(jobs if isinstance(jobs, list) else [jobs])

    def unbatch(self, output: Any) -> Any:  # noqa: ANN401 - as above
        """Already a list."""
        return output

    def encode_response(self, output: Any) -> Response:  # noqa: ANN401 - as above
        """A picture."""
        return Response(output if isinstance(output, bytes) else output[0], media_type="image/png")
