"""Every test of a store runs on SQLite and on PostgreSQL."""

import pytest

from local_postgres import local_postgres
from unweave.stores.records import EditRecord
from unweave.stores.store import open_store


@pytest.fixture(scope="session")
def postgres():
    """A server of the tests' own."""
    with local_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request):
    """The databases that a store may be in."""
    return request.param


@pytest.fixture
def empty_url(kind, request, tmp_path):
    """Where a store may be made, and none is."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/folder/store.db"
    return request.getfixturevalue("postgres").new()


@pytest.fixture(scope="session")
def shared_database(postgres):
    """A database with a store's tables, for the tests that do not ask how they came there."""
    url = postgres.new()
    open_store(url).close()
    return url


@pytest.fixture
def url(kind, request, tmp_path):
    """The URL of an empty store."""
    if kind == "sqlite":
        open_store(f"sqlite:///{tmp_path}/store.db").close()
        return f"sqlite:///{tmp_path}/store.db"
    url, server = (request.getfixturevalue(name) for name in ("shared_database", "postgres"))
    with server.connect(url.rpartition("/")[2]) as connection:
        connection.execute("TRUNCATE unweave_keys, unweave_edits, unweave_feedback, unweave_ratings")
    return url


@pytest.fixture
def store(url):
    """An empty store."""
    with open_store(url) as opened:
        yield opened


@pytest.fixture
def record():
    """Records of edits of one tenant."""

    def make(tenant="acme", *, model="faces", digest="0123456789abcdef", **others):
        return EditRecord(tenant, model, digest, others.pop("edits", [{"factor": "smile", "by": 1.0}]), **others)

    return make
