"""What a server remembers in SQL: keys, what was edited, what people said of it, ratings of studies."""

DEFAULT_STORE = "sqlite:///store.db"
"""URL of the store that commands use in the working folder."""
