"""A browser for the tests of the pages."""

import pytest

from browser import chromium


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium."""
    with chromium() as running:
        yield running
