"""One file a step. A step never changes once it was released, and takes nothing from `unweave.stores.tables`."""
