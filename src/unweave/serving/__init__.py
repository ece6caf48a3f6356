"""The HTTP server: one process, several models and tenants, ONNX Runtime and no torch."""
