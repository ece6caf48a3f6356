"""The description is complete and true: schemathesis makes requests of it, and nothing breaks."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from unweave.serving.refusals import STATUSES

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PATHS = {
    "/v1/edit": "post",
    "/v1/swap": "post",
    "/v1/encode": "post",
    "/v1/decode": "post",
    "/v1/models": "get",
    "/v1/models/{name}/card": "get",
    "/v1/models/{name}/signatures": "get",
    "/v1/models/{name}/decoder.onnx": "get",
    "/v1/factors": "get",
    "/v1/feedback": "post",
    "/v1/ratings": "post",
    "/healthz": "get",
    "/readyz": "get",
    "/metrics": "get",
}


@pytest.fixture(scope="module")
def described(here):
    return here.client.get("/openapi.json").json()


def test_every_path_is_described_with_what_it_takes_and_gives(described):
    assert {path: next(iter(methods)) for path, methods in described["paths"].items()} == PATHS
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], path
            assert operation["description"], path
            assert any(status.startswith("2") for status in operation["responses"]), path
            for status in operation["responses"]:
                assert status == "304" or int(status) in STATUSES or status in ("200", "201"), (path, status)
            if method == "post":
                for content in operation["requestBody"]["content"].values():
                    assert content["example"], path
    assert set(described["components"]["securitySchemes"]) == {"bearer", "header"}


def test_examples_are_answered(here, described, pictures):
    edit = here.edit(pictures[0]).headers["x-unweave-edit"]
    for path, methods in described["paths"].items():
        for kind, content in methods.get("post", {}).get("requestBody", {}).get("content", {}).items():
            example = json.loads(json.dumps(content["example"]).replace("A" * 22, edit))
            if path == "/v1/decode":
                example["codes"] = [0.0] * 7
            if kind == "application/json":
                answer = here.client.post(path, json=example)
            else:
                files = {name: pictures[0] for name, value in example.items() if value == "(a file)"}
                values = {name: value for name, value in example.items() if name not in files}
                answer = here.post_form(path, files, values)
            assert answer.status_code in (200, 201), (path, kind, answer.text)


def test_requests_made_of_the_description_break_nothing(here):
    """Right ones and wrong ones, in every content type; bounded."""
    schema = schemathesis.openapi.from_url(f"{here.url}/openapi.json")
    asked = set()
    bounded = settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    for result in schema.get_all_operations():
        operation = result.ok()
        mode = schemathesis.GenerationMode

        def ask(case):
            asked.add((case.operation.path, case.media_type))
            case.call_and_validate(base_url=here.url, checks=CHECKS)

        for generation in (mode.POSITIVE, mode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=generation)
            try:
                bounded(given(case=strategy)(ask))()
            except Exception as error:
                if type(error).__name__ not in ("Unsatisfiable", "SkipTest"):
                    raise
    assert {path for path, _ in asked} == set(PATHS)
    assert here.metric("unweave_requests_total", route="/v1/edit", status="500") == 0
