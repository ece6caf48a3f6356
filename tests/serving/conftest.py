"""A server for tests that change nothing of it."""

import pytest

from serving_here import png, serving
from unweave.signatures.bundled import load_editor


@pytest.fixture(scope="session")
def editor(small):
    """What the server has to agree with."""
    return load_editor(small.folder)


@pytest.fixture(scope="session")
def pictures(small):
    """Some images as files."""
    return [png(row) for row in small.rows[:8]]


@pytest.fixture(scope="module")
def here(small, tmp_path_factory):
    """A server of the small bundle."""
    with serving(tmp_path_factory.mktemp("served"), {"sprites": small.folder}) as running:
        yield running
