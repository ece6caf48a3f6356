"""`unweave keys`: who may use a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from unweave.cli.console import Json, StoreUrl, err, out, print_json
from unweave.stores import DEFAULT_STORE

if TYPE_CHECKING:
    from unweave.stores.records import KeyInfo

app = typer.Typer(help="API keys of a server: make, list, revoke.", no_args_is_help=True)


@app.command("add")
def add(
    tenant: Annotated[str, typer.Argument(help="Whose key it is: a tenant sees its own models and feedback only.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What it allows; may be given several times. edit otherwise.")
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """Make a key. Its secret is shown once: the store keeps a hash only."""
    from unweave.stores.store import open_store

    scopes = tuple(scope or ("edit",))
    with open_store(store) as opened:
        key_id, secret = opened.keys.add(tenant, note=note, scopes=scopes)
    if json:
        about = {"key_id": key_id, "tenant": tenant, "note": note, "scopes": list(scopes)}
        print_json({**about, "secret": secret})
        return
    err.print(f"Key {key_id} of {tenant}. It is shown this once:", markup=False)
    out.print(secret, soft_wrap=True, markup=False)


@app.command("list")
def list_keys(store: StoreUrl = DEFAULT_STORE, json: Json = False) -> None:
    """List the keys, also those that were revoked. Secrets are not among what is known of them."""
    from unweave.stores.store import open_store

    with open_store(store, create=False) as opened:
        found = opened.keys.list()
    if json:
        print_json({"keys": [key.to_json() for key in found]})
    elif found:
        _say(found)
    else:
        out.print("No keys yet: `unweave keys add TENANT` makes one.")


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its identifier, as in `unweave keys list`.")],
    store: StoreUrl = DEFAULT_STORE,
    json: Json = False,
) -> None:
    """End a key's validity, for good."""
    from unweave.stores.store import open_store

    with open_store(store, create=False) as opened:
        opened.keys.revoke(key_id)
    if json:
        print_json({"revoked": key_id})
    else:
        out.print(f"Key {key_id} is revoked.", markup=False)


def _say(found: list[KeyInfo]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("key", "tenant", "scopes", "made", "revoked", "note", box=None, header_style="bold", pad_edge=False)
    for key in found:
        made, ended = (f"{time:%Y-%m-%d %H:%M}" if time else "" for time in (key.created, key.revoked))
        table.add_row(key.key_id, escape(key.tenant), escape(", ".join(key.scopes)), made, ended, escape(key.note))
    out.print(table)
