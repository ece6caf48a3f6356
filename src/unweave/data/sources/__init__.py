"""Where observations come from: one file per kind of source, all of which look the same to the ingest."""
