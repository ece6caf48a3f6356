"""The project file and what is done with it: the one place where all layers meet."""
