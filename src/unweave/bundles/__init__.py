"""Models in files of their own: ONNX graphs and precomputed codes as `LatentModel`. Works without torch."""
