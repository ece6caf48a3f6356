"""Fixtures that every test may use."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


def pytest_addoption(parser):
    parser.addoption("--device", default="cpu", help="run the tests that compute with torch on this device")


@pytest.fixture
def device(request):
    """The torch device to test on; asking for one that is absent fails, so that no test passes on nothing."""
    return request.config.getoption("--device")


@pytest.fixture
def shared():
    """The folder of reference data beside the project."""
    if not SHARED.exists():
        pytest.skip("../shared is absent")
    return SHARED


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A small project with its bundle, for all tests that only read it."""
    from small_bundle import small_bundle

    return small_bundle(tmp_path_factory.mktemp("small"))


@pytest.fixture
def at_hand(small, monkeypatch):
    """Exports of `small` take the graphs that it has."""
    from small_bundle import graphs_at_hand

    graphs_at_hand(small, monkeypatch)
