"""The studio: a static page for edits, and the explorer, one file that needs no server."""
