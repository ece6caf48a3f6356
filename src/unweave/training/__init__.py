"""One loop for all methods, with monitoring, checkpoints and resume. Only `config` loads without torch."""
