"""Jobs, the process that does them, and the way to it."""
