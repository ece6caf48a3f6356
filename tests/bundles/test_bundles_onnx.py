"""ONNX files: what is refused before anything of them runs, and where they run."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from foreign_graphs import PrincipalPair, images, save
from unweave.bundles.onnx import OnnxNet
from unweave.bundles.onnx_files import model_files
from unweave.core.errors import ConfigError, DataError

PAIR = PrincipalPair(images())


def external(path, place, *, nested=False):
    """A graph whose weight lies in another file, at the top or inside a branch."""
    tensor = numpy_helper.from_array(np.arange(4, dtype=np.float32), "w")
    content = tensor.raw_data
    set_external_data(tensor, place, offset=0, length=len(content))
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 4]) for n in ("x", "y")]
    if nested:
        inner = [helper.make_node("Constant", [], ["c"], value=tensor), helper.make_node("Add", ["x", "c"], ["r"])]
        result = [helper.make_tensor_value_info("r", TensorProto.FLOAT, ["n", 4])]
        branch = helper.make_graph(inner, "branch", [], result)
        nodes = [helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)]
        weights = [numpy_helper.from_array(np.array(True), "yes")]
    else:
        nodes, weights = [helper.make_node("Add", ["x", "w"], ["y"])], [tensor]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path, content


def test_a_graph_in_one_file_refers_to_no_other(tmp_path):
    path = PAIR.encoder(tmp_path / "e.onnx")
    assert model_files(path) == (path,)


def test_weights_beside_the_file_are_found_and_read(tmp_path):
    path, content = external(tmp_path / "e.onnx", "weights/w.bin")
    with pytest.raises(DataError, match="does not exist"):
        model_files(path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(content)
    assert model_files(path) == (path, tmp_path / "weights" / "w.bin")
    assert OnnxNet(path)(np.zeros((2, 4), np.float32))["y"].tolist() == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("place", ["../w.bin", "/etc/hostname", "a/../../w.bin", "a/../w.bin", "..\\w.bin", ""])
def test_weights_outside_the_folder_are_refused(tmp_path, place, nested):
    (tmp_path / "w.bin").write_bytes(b"0" * 16)
    (tmp_path / "in").mkdir()
    path, _ = external(tmp_path / "in" / "e.onnx", place, nested=nested)
    with pytest.raises(DataError, match="outside its folder"):
        OnnxNet(path)


def test_a_link_that_leads_outside_is_refused(tmp_path):
    path, content = external(tmp_path / "in.onnx", "w.bin")
    outside = tmp_path.parent / f"{tmp_path.name}.bin"
    outside.write_bytes(content)
    (tmp_path / "w.bin").symlink_to(outside)
    with pytest.raises(DataError, match="outside its folder"):
        OnnxNet(path)


def test_sizes_are_limited(tmp_path):
    path = PAIR.encoder(tmp_path / "e.onnx")
    with pytest.raises(DataError, match=r"takes [\d,]+ bytes, and at most 100"):
        model_files(path, most_bytes=100)


def test_files_that_are_no_graphs_are_refused(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        OnnxNet(tmp_path / "none.onnx")
    content = PAIR.encoder(tmp_path / "e.onnx").read_bytes()
    broken = [b"", b"PK\x03\x04 a torch file", b"plain text\n" * 50, content[: len(content) // 2], content[:-3]]
    for number, bytes_ in enumerate(broken):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(bytes_)
        with pytest.raises(DataError, match=r"is no ONNX graph|refuses it"):
            OnnxNet(path)


def test_any_cut_or_changed_byte_is_refused_or_read_but_never_breaks(tmp_path):
    content = PAIR.encoder(tmp_path / "e.onnx").read_bytes()
    rng = np.random.default_rng(0)
    path, refused = tmp_path / "x.onnx", 0
    for _ in range(300):
        changed = bytearray(content[: rng.integers(1, len(content))])
        changed[rng.integers(len(changed))] = rng.integers(256)
        path.write_bytes(changed)
        try:
            model_files(path)
        except DataError:
            refused += 1
    assert refused > 200


def test_a_graph_with_two_inputs_is_refused(tmp_path):
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", 4]) for n in ("a", "b", "c")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "g", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "two.onnx")
    with pytest.raises(DataError, match=r"one input, it has 2 \(a, b\)"):
        OnnxNet(tmp_path / "two.onnx")


def test_an_operator_that_does_not_exist_is_refused_in_words(tmp_path):
    save(tmp_path / "odd.onnx", [helper.make_node("Frobnicate", ["x"], ["y"])], ["n", 2], ["y"], {})
    with pytest.raises(DataError, match=r"ONNX Runtime .* refuses it.*Frobnicate"):
        OnnxNet(tmp_path / "odd.onnx")


def test_an_array_that_a_graph_does_not_take_is_refused_with_both_shapes(tmp_path):
    net = OnnxNet(PAIR.encoder(tmp_path / "e.onnx"))
    with pytest.raises(ConfigError, match=r"takes \(any, 1, 8, 8\) and fails on an array of shape \(2, 1, 9, 9\)"):
        net(np.zeros((2, 1, 9, 9), np.float32))


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "tpu"])
def test_devices_that_do_not_exist_are_refused(tmp_path, device):
    with pytest.raises(ConfigError, match="Give auto, cpu, cuda"):
        OnnxNet(PAIR.encoder(tmp_path / "e.onnx"), device=device)


def test_cuda_is_refused_where_the_runtime_has_none_and_auto_takes_what_there_is(tmp_path):
    import onnxruntime

    path = PAIR.encoder(tmp_path / "e.onnx")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(ConfigError, match="has no CUDA"):
            OnnxNet(path, device="cuda")
    assert OnnxNet(path, device="auto").input_shape == (None, 1, 8, 8)
