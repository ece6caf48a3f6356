"""New versions of models: put in place between two requests, and broken ones left out."""

import asyncio
import itertools
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import unweave.serving.models as models_module
from serving_here import contrary, pixels_of, png, serving, wait_for
from small_bundle import reseal
from unweave.bundles.files import CARD
from unweave.core.errors import ConfigError, DataError, MissingExtraError, StorageError
from unweave.serving.metrics import Metrics
from unweave.serving.models import Models
from unweave.serving.places import FolderPlace, RegistryPlace, place_of
from unweave.serving.server import Server
from unweave.serving.settings import Settings
from unweave.serving.work.engine import Engine
from unweave.serving.work.jobs import Job, Source
from unweave.serving.work.process import Worker
from unweave.signatures.bundled import load_editor
from unweave.stores.store import open_store


@pytest.fixture(scope="module")
def versions(small, tmp_path_factory):
    """Two bundles whose edits differ, and what each makes of a row."""
    root = tmp_path_factory.mktemp("versions")
    shutil.copytree(small.folder, root / "one")
    contrary(small.folder, root / "two")
    return root


@pytest.fixture
def bundles(versions, tmp_path):
    """A folder of bundles with a link `current`."""
    for name in ("one", "two"):
        shutil.copytree(versions / name, tmp_path / name)
    (tmp_path / "current").symlink_to("one")
    return tmp_path


def point(bundles, name):
    """Let `current` lead elsewhere, in one step."""
    (bundles / "new").symlink_to(name)
    (bundles / "new").replace(bundles / "current")


def served(here):
    return here.client.get("/v1/models").json()[0]["digest"]


def test_the_champion_changes_under_load_and_no_request_fails(small, bundles, tmp_path_factory):
    own = {}
    for name in ("one", "two"):
        editor = load_editor(bundles / name)
        own[editor.model.digest[:12]] = editor.edit(small.rows[0], x=0.2)
    assert len(own) == 2
    assert np.abs(np.subtract(*[picture.astype(int) for picture in own.values()])).max() > 1
    seen, stop = [], threading.Event()
    with serving(tmp_path_factory.mktemp("s"), {"m": bundles}, poll_s=0.05, cache_bytes=0) as here:
        image = png(small.rows[0])

        def load():
            while not stop.is_set():
                answer = here.edit(image, [{"factor": "x", "by": 0.2}])
                digest = answer.headers.get("x-unweave-model", "@").partition("@")[2]
                right = (
                    answer.status_code == 200 and np.abs(pixels_of(answer.content).astype(int) - own[digest]).max() <= 1
                )
                seen.append((digest, right))

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for name in itertools.islice(itertools.cycle(("two", "one")), 4):
            wanted = load_editor(bundles / name).model.digest
            point(bundles, name)
            wait_for(lambda wanted=wanted: served(here) == wanted)
            count = len(seen)
            wait_for(lambda count=count: len(seen) > count + 6)
        stop.set()
        for thread in threads:
            thread.join(30)
    assert all(right for _, right in seen), "a request failed, or a picture is not of the model that it names"
    assert {digest for digest, _ in seen} == set(own)


def test_a_broken_bundle_leaves_the_last_good_one_and_readiness_says_so(small, bundles, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("s"), {"m": bundles}) as here:
        before = served(here)
        content = bytearray((bundles / "two" / CARD).read_bytes())
        content[50] ^= 1
        (bundles / "two" / CARD).write_bytes(content)
        point(bundles, "two")
        wait_for(lambda: here.client.get("/readyz").json()["status"] == "degraded")
        ready = here.client.get("/readyz")
        assert ready.status_code == 200, "edits go on, so requests should still come"
        assert "card.json is not as it was made" in ready.json()["models"][0]["problem"]
        assert served(here) == before
        assert here.metric("unweave_model_stale", model="m") == 1
        assert here.metric("unweave_reloads_total", model="m", result="broken") == 1
        content[50] ^= 1
        (bundles / "two" / CARD).write_bytes(content)
        (bundles / "two" / "checksums.json").touch()
        wait_for(lambda: here.client.get("/readyz").json()["status"] == "ready")
        assert served(here) != before
        assert here.metric("unweave_model_stale", model="m") == 0


def test_a_bundle_that_vanishes_changes_nothing(small, bundles, pictures, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("s"), {"m": bundles}) as here:
        (bundles / "current").unlink()
        wait_for(lambda: here.client.get("/readyz").json()["status"] == "degraded")
        assert here.edit(pictures[0]).status_code == 200
        point(bundles, "one")
        wait_for(lambda: here.client.get("/readyz").json()["status"] == "ready")


def test_a_bundle_that_is_written_over_is_a_new_version(versions, tmp_path, tmp_path_factory):
    folder = shutil.copytree(versions / "one", tmp_path / "bundle")
    with serving(tmp_path_factory.mktemp("s"), {"m": folder}) as here:
        before = served(here)
        card = (folder / CARD).read_text()
        (folder / CARD).write_text(card.replace('"for tests"', '"again"'))
        reseal(folder)
        wait_for(lambda: served(here) != before)


def children():
    """Processes that this one has started."""
    return {pid for task in Path("/proc/self/task").glob("*/children") for pid in task.read_text().split()}


def test_a_server_that_cannot_load_its_models_leaves_no_process_behind(bundles):
    (bundles / "one" / "decoder.onnx").write_bytes(b"none")
    settings, before = Settings(models={"m": str(bundles)}, store=f"sqlite:///{bundles}/store.db"), children()
    with pytest.raises(DataError, match=r"decoder\.onnx"):
        Server(settings, open_store(settings.store))
    assert children() == before


class Interfered(Worker):
    """Something happens just before a bundle is loaded."""

    def __init__(self):
        super().__init__(threads=1, batch=2)
        self.before = lambda: None

    def load(self, folder):
        self.before()
        return super().load(folder)

    def statuses(self, digests, row):
        """What becomes of an image that is encoded by each version: None where it works. Ends the process."""
        engine = Engine(self, batch=2, queue=9, deadline_s=30.0, metrics=Metrics())

        async def ask():
            await engine.start()
            jobs = [engine.run(Job(digest, Source(row)), time.monotonic()) for digest in digests]
            results = await asyncio.gather(*jobs, return_exceptions=True)
            await engine.stop()
            return [getattr(result, "status", None) for result in results]

        return asyncio.run(ask())


def test_the_version_before_is_kept_for_what_began_with_it_and_then_let_go(small, bundles, monkeypatch):
    for more, expected in ((5.0, [None, None]), (-1e6, [503, None])):  # seconds; long ago, in the second case
        monkeypatch.setattr(models_module, "_MORE_S", more)
        point(bundles, "one")
        worker = Interfered()
        models = Models(Settings(models={"m": str(bundles)}), worker, Metrics())
        models.load()
        digests = [models.get("", "m").digest]
        point(bundles, "two")
        models.look()
        models.close()
        digests.append(models.get("", "m").digest)
        assert digests[0] != digests[1]
        assert worker.statuses(digests, small.rows[0]) == expected


def test_a_bundle_that_changes_while_it_is_loaded_is_not_served(small, bundles):
    worker = Interfered()
    models = Models(Settings(models={"m": str(bundles)}), worker, Metrics())
    models.load()
    digest = models.get("", "m").digest
    shutil.copytree(bundles / "two", bundles / "three")

    def written_over():
        shutil.rmtree(bundles / "three")
        shutil.copytree(bundles / "one", bundles / "three")

    worker.before = written_over
    point(bundles, "three")
    models.look()
    models.close()
    assert models.get("", "m").digest == digest
    assert "changed while it was loaded" in models.standing["m"].problem
    assert worker.statuses([digest], small.rows[0]) == [None]


def test_places_say_what_is_wrong(tmp_path):
    with pytest.raises(ConfigError, match="no link 'current'"):
        place_of(str(tmp_path)).find()
    with pytest.raises(ConfigError, match="expected models:/NAME@ALIAS"):
        place_of("models:/a/b/c")
    assert isinstance(place_of("models:/a@champion"), RegistryPlace)
    assert isinstance(place_of("models"), FolderPlace)


def test_a_registry_without_mlflow_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtraError, match="mlflow"):
        place_of("models:/a@champion").find()


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")
def test_the_champion_of_mlflows_registry(versions, tmp_path):
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    client = MlflowClient(uri, uri)
    client.create_registered_model("m")
    for number, name in enumerate(("one", "two"), 1):
        client.create_model_version("m", str(versions / name))
        client.set_registered_model_alias("m", "champion", str(number))
        found = place_of("models:/m@champion", registry=uri).find()
        assert load_editor(found.folder).model.digest == load_editor(versions / name).model.digest
        assert found.version == f"m/{number}"
    assert place_of("models:/m/1", registry=uri).find().version == "m/1"
    with pytest.raises(StorageError, match="refuses"):
        place_of("models:/m@nobody", registry=uri).find()
