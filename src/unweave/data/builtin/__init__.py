"""Sets of images whose factors are known, made by the project's own code."""
