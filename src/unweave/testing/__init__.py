"""Public contract suites for anyone who adds a method or a metric."""
