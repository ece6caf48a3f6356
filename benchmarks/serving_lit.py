"""The service that `serving_peers.py` runs behind LitServe; a module of its own, since its workers are spawned.

Annotations are evaluated here: LitServe reads them, and takes a request whole only where it sees the class itself.
"""

import os
from typing import Any

import litserve
from fastapi import Request, Response

from serving_peers import Work


class Api(litserve.LitAPI):
    """Edits in batches."""

    def setup(self, device: str) -> None:
        """Once in the worker."""
        self.work = Work(os.environ["UNWEAVE_BUNDLE"])

    def decode_request(self, request: Request) -> Any:  # noqa: ANN401 - a job
        """LitServe gives the fields of the form; the annotation says that it may read one."""
        form: Any = request
        return self.work.read(form["image"].file.read(), form["edits"])

    def predict(self, jobs: Any) -> Any:  # noqa: ANN401 - one job or several
        """Files."""
        return self.work.compute(jobs if isinstance(jobs, list) else [jobs])

    def unbatch(self, output: Any) -> Any:  # noqa: ANN401 - as above
        """Already a list."""
        return output

    def encode_response(self, output: Any) -> Response:  # noqa: ANN401 - as above
        """A picture."""
        return Response(output if isinstance(output, bytes) else output[0], media_type="image/png")
