"""`unweave serve`: answer edits over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME=]BUNDLE…",
            help="Bundles' folders, folders with a link `current`, or models:/NAME@champion.",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", help="A file with these and further settings.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8000")
    ] = None,
    store: Annotated[
        str | None, typer.Option(envvar="UNWEAVE_STORE", help="URL of the store of keys, feedback and the edit log.")
    ] = None,
    redis: Annotated[
        str | None, typer.Option(envvar="UNWEAVE_REDIS", help="URL of a Redis that replicas share as a cache.")
    ] = None,
    registry: Annotated[
        str | None, typer.Option(envvar="MLFLOW_TRACKING_URI", help="URI of MLflow, for models:/….")
    ] = None,
    deadline: Annotated[
        float | None, typer.Option(help="Seconds in which a request is answered, or refused.", show_default="1")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Rows computed at once at most.", show_default="8")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads within one operator.", show_default="1")] = None,
    access_log: Annotated[bool | None, typer.Option("--access-log/--no-access-log", help="Log every request.")] = None,
) -> None:
    """Answer edits over HTTP: POST /v1/edit and more, as /openapi.json says, and show the studio under /studio/."""
    from unweave.serving.settings import read_settings

    flags = {
        "models": dict(map(_named, models)) if models else None,
        "host": host,
        "port": port,
        "store": store,
        "redis": redis,
        "registry": registry,
        "deadline_s": deadline,
        "batch": batch,
        "threads": threads,
        "access_log": access_log,
    }
    settings = read_settings(config, flags)
    try:
        from unweave.serving.run import serve as run
        from unweave.studio.page import studio_page
    except ModuleNotFoundError as error:
        from unweave.core.errors import MissingExtraError

        raise MissingExtraError(str(error.name), "serve", "The server") from error
    run(settings, page=studio_page())


def _named(word: str) -> tuple[str, str]:
    """Name and source of a model: `faces=bundles/one`, or a source alone, which is called by its last part."""
    name, equals, source = word.partition("=")
    if equals and name and "/" not in name and ":" not in name:
        return name, source
    if word.startswith("models:/"):
        return word.removeprefix("models:/").replace("@", "/").partition("/")[0], word
    return Path(word).resolve().name, word
