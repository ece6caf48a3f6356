"""Somebody else's models, as small ONNX graphs whose codes are known in closed form."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LATENT = 4


def save(path, nodes, takes, gives, weights, *, elements=TensorProto.FLOAT):
    """A graph with the input `x`; `gives` names outputs of any shape."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", elements, takes)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in gives],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return path


def images(rows=240, size=8, channels=1, seed=0):
    """Noisy images of one bright bar whose place and width vary: most of their variance lies in few directions."""
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 30, (rows, size, size, channels))
    for row in range(rows):
        place, width = rng.integers(0, size - 3), rng.integers(2, 4)
        found[row, :, place : place + width, row % channels] = 230
    return found.astype(np.uint8)


def arranged(x, layout):
    """Written again, so that a mistake in the package is not repeated here."""
    if layout == "nchw":
        return np.moveaxis(x, 3, 1)
    if layout == "nhw":
        return x[:, :, :, 0]
    if layout == "flat":
        return np.moveaxis(x, 3, 1).reshape(len(x), -1)
    return x.reshape(len(x), -1) if layout == "flat_hwc" else x


def scaled(pixels, values, mean=0.5, std=0.25):
    """Pixels uint8 in the range that a net takes."""
    x = pixels.astype(np.float64) / 255
    return {"unit": x, "signed": 2 * x - 1, "byte": 255 * x, "standard": (x - mean) / std}[values]


class PrincipalPair:
    """An encoder and a decoder that are the principal components of what they take."""

    def __init__(self, pixels, *, layout="nchw", values="unit", latent=LATENT):
        x = arranged(scaled(pixels, values), layout)
        self.layout, self.values, self.shape = layout, values, x.shape[1:]
        flat = x.reshape(len(x), -1)
        self.mean = flat.mean(0)
        self.directions = np.linalg.svd(flat - self.mean, full_matrices=False)[2][:latent]

    def codes(self, pixels):
        x = arranged(scaled(pixels, self.values), self.layout).reshape(len(pixels), -1)
        return (x - self.mean) @ self.directions.T

    def encoder(self, path, *, batch="rows", elements=TensorProto.FLOAT, name="z", extra=(), weights=None):
        """Gives `name`; `extra` nodes follow, whose outputs are given too."""
        matrix = self.directions.T.astype(np.float32)
        arrays = {
            "w": matrix,
            "b": (-self.mean @ matrix).astype(np.float32),
            "flat": np.array([0, -1]),
            **(weights or {}),
        }
        nodes = [
            helper.make_node("Cast", ["x"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["numbers", "flat"], ["row"]),
            helper.make_node("MatMul", ["row", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], [name]),
            *extra,
        ]
        gives = [name, *(node.output[0] for node in extra if not node.output[0].startswith("_"))]
        return save(path, nodes, [batch, *self.shape], gives, arrays, elements=elements)

    def decoder(self, path, *, batch="rows", output="same", shape=None):
        """Gives what the encoder takes, or images in [0, 1] as `image` or `logits`."""
        matrix, mean = self.directions, self.mean
        if output != "same":
            low, high = {"unit": (0, 1), "signed": (-1, 1), "byte": (0, 255), "standard": (-2, 2)}[self.values]
            matrix, mean = matrix / (high - low), (mean - low) / (high - low)
        arrays = {
            "w": matrix.astype(np.float32),
            "b": mean.astype(np.float32),
            "shape": np.array([-1, *(shape or self.shape)]),
            "low": np.float32(0.01),
            "high": np.float32(0.99),
            "one": np.float32(1),
        }
        nodes = [
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["row"]),
        ]
        last = "row"
        if output == "logits":
            nodes += [
                helper.make_node("Clip", ["row", "low", "high"], ["p"]),
                helper.make_node("Sub", ["one", "p"], ["q"]),
                helper.make_node("Div", ["p", "q"], ["odds"]),
                helper.make_node("Log", ["odds"], ["logits"]),
            ]
            last = "logits"
        nodes.append(helper.make_node("Reshape", [last, "shape"], ["picture"]))
        return save(path, nodes, [batch, len(self.directions)], ["picture"], arrays)
