"""A process that opens a store at the moment when it is told to: URL."""

import sys

from unweave.stores.store import open_store

if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    with open_store(sys.argv[1]) as store:
        store.keys.add("acme")
