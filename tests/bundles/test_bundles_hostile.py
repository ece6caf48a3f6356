"""Bundles that were damaged, mixed up, or made to harm: refused in words, with nothing run and little memory used."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import set_external_data

from small_bundle import reseal
from unweave.bundles.arrays import read_arrays
from unweave.bundles.files import CARD, CHECKSUMS, REFERENCE, SIGNATURES, read_files
from unweave.bundles.run import load_bundle
from unweave.core.errors import ConfigError, DataError


@pytest.fixture
def copy(small, tmp_path):
    """A bundle that a test may change."""
    return shutil.copytree(small.folder, tmp_path / "bundle")


def refused(folder, message):
    with pytest.raises(DataError, match=message):
        load_bundle(folder)


def test_a_copy_is_as_good_as_the_bundle(small, copy):
    assert load_bundle(copy).digest == small.exported.digest


@pytest.mark.parametrize("name", ["encoder.onnx", "decoder.onnx", CARD, SIGNATURES, REFERENCE])
def test_files_that_are_missing_or_changed(copy, name):
    path = copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(copy, f"{name} is not as it was made")
    path.unlink()
    refused(copy, f"{name} is missing")
    if name != SIGNATURES:
        reseal_without_checks(copy)
        refused(copy, f"has no {name}")


def reseal_without_checks(folder):
    files = [path for path in folder.iterdir() if path.name != CHECKSUMS]
    sums = {path.name: hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest() for path in files}
    (folder / CHECKSUMS).write_text(json.dumps({"format": 1, "blake2b": sums}))


def test_files_that_do_not_belong(copy):
    (copy / "run.py").write_text("print('hello')")
    refused(copy, r"'run\.py' is there and has no checksum")
    reseal_without_checks(copy)
    refused(copy, r"names 'run\.py', which is no file of a bundle")


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname", CHECKSUMS, "sub/card.json"])
def test_checksums_cannot_name_files_elsewhere(copy, name):
    sums = json.loads((copy / CHECKSUMS).read_text())
    sums["blake2b"][name] = "0" * 64
    (copy / CHECKSUMS).write_text(json.dumps(sums))
    refused(copy, "is no file of a bundle")


def test_links_pipes_and_folders_are_never_opened(copy, tmp_path):
    path = copy / CARD
    outside = tmp_path / "card.json"
    path.rename(outside)
    path.symlink_to(outside)  # the very same content
    refused(copy, "is a link")
    path.unlink()
    os.mkfifo(path)
    refused(copy, "is no regular file")
    path.unlink()
    path.mkdir()
    refused(copy, "is no regular file")


def test_a_folder_that_is_no_bundle(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError, match="is no bundle"):
            load_bundle(folder)
    (tmp_path / CHECKSUMS).write_text("[" * 100_000)
    refused(tmp_path, r"checksums\.json is damaged")


def test_no_more_is_read_than_allowed(copy):
    with (copy / CARD).open("ab") as file:
        file.write(b" " * (9 << 20))
    reseal_without_checks(copy)
    refused(copy, r"takes [\d,]+ bytes, and at most 8,388,608 are read")


def changed_card(folder, **changes):
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **changes}))
    reseal(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "is of format 2, and this version reads format 1"),
        ({"run_this": "rm -rf /"}, "damaged"),
        ({"shape": [1 << 30, 1 << 30, 3]}, "damaged"),
        ({"shape": [1 << 20, 1 << 20, 3]}, "damaged"),
        ({"shape": []}, "damaged"),
        ({"latent": 1 << 40}, "damaged"),
        ({"latent": 3}, r"damaged|do not do what its card says|gives"),
        ({"shape": [8, 8, 1]}, "do not do what its card says"),
        ({"groups": [[0, 99]]}, "damaged"),
        ({"binding": {"bound": [{"target": 1}], "correlated": []}}, "damaged"),
        ({"model_hash": "../../etc"}, "damaged"),
        ({"reference_rows": float("nan")}, "damaged"),
        ({"variants": [{"precision": "int8", "kept": "yes"}]}, "damaged"),
    ],
)
def test_cards_that_lie(copy, changes, message):
    changed_card(copy, **changes)
    refused(copy, message)


def test_json_that_is_nested_without_end(copy):
    for name in (CARD, SIGNATURES):
        whole = (copy / name).read_bytes()
        (copy / name).write_text('{"a":' * 200_000)
        reseal(copy)
        refused(copy, "damaged")
        (copy / name).write_bytes(whole)


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def npz(path, **arrays):
    np.savez(path, **arrays)


def test_a_pickle_among_the_reference_arrays_is_never_opened(copy, tmp_path):
    with np.load(copy / REFERENCE) as found:
        arrays = dict(found)
    marker = tmp_path / "owned"
    for name in ("codes", "surprise"):
        npz(copy / REFERENCE, **{**arrays, name: np.array([Evil(marker)], dtype=object)})
        reseal(copy)
        refused(copy, "plain numbers and text alone")
    assert not marker.exists()
    np.load(copy / REFERENCE, allow_pickle=True)["surprise"]  # it would have worked
    assert marker.exists()


def header(shape, dtype="<f4", version=b"\x01\x00"):
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY" + version + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("codes.npy", header("(1099511627776, 1000)") + b"0" * 64, "too short for that"),
        ("codes.npy", header("(-4,)") + b"0" * 64, "too short for that|length"),
        ("codes.npy", header("(4,)") + b"0" * 64, "has not the length"),
        ("codes.npy", header("(2,)", "|O"), "plain numbers"),
        ("codes.npy", header("(1,)", "|V8") + b"0" * 8, "plain numbers"),
        ("codes.npy", header("((((" * 20), "cannot be used"),
        ("codes.npy", header("(1,)", version=b"\x09\x00") + b"0000", "version|cannot be used"),
        ("codes.npy", b"", "cannot be used"),
        ("../../codes.npy", header("(1,)") + b"0000", "is damaged"),
        ("run.py", b"print()", "which is no array"),
        ("codes.npy", header(f"({65 << 18},)") + bytes(65 << 20), "take more than"),
    ],
)
def test_arrays_that_promise_more_than_they_hold(copy, name, content, message):
    with zipfile.ZipFile(copy / REFERENCE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    reseal(copy)
    refused(copy, message)


def test_an_array_whose_size_is_a_lie(copy):
    """The directory of the archive says a few bytes; what is compressed is a thousand times as much."""
    path = copy / REFERENCE
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("codes.npy", header("(1024,)") + bytes(1 << 20))
    content = bytearray(path.read_bytes())
    size = (128 + (1 << 20)).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(bytes(content).replace(size, (128 + 4096).to_bytes(4, "little")))
    reseal(copy)
    refused(copy, "cannot be used")


def test_arrays_that_are_damaged_anywhere_are_refused_or_read(small):
    content = (small.folder / REFERENCE).read_bytes()
    rng, refusals = np.random.default_rng(0), 0
    for _ in range(300):
        bad = bytearray(content)
        for place in rng.integers(0, len(bad), 3):
            bad[place] = rng.integers(256)
        try:
            read_arrays(bytes(bad), small.folder / REFERENCE, most_bytes=1 << 20)
        except DataError:
            refusals += 1
    assert refusals > 200


def graph(nodes, weights=(), *, takes="observations", sparse=(), functions=(), opsets=()):
    shapes = [helper.make_tensor_value_info(takes, TensorProto.UINT8, ["n", 32, 32, 1])]
    gives = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("mean", "logvar")]
    made = helper.make_graph(list(nodes), "g", shapes, gives, list(weights), sparse_initializer=list(sparse))
    versions = [helper.make_opsetid("", 18), *opsets]
    return helper.make_model(made, opset_imports=versions, ir_version=9, functions=list(functions))


def codes_from(value, *before, **more):
    """A graph whose outputs are (n, 7) codes, all equal to the sum of an image and of `value`, a scalar."""
    nodes = [
        *before,
        helper.make_node("Cast", ["observations"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["x", "axes"], ["s"], keepdims=0),
        helper.make_node("Add", ["s", value], ["t"]),
        helper.make_node("Reshape", ["t", "column"], ["c"]),
        helper.make_node("Add", ["c", "zeros"], ["mean"]),
        helper.make_node("Identity", ["mean"], ["logvar"]),
    ]
    weights = {"axes": np.array([1, 2, 3]), "column": np.array([-1, 1]), "zeros": np.zeros((1, 7), np.float32)}
    arrays = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    return graph(nodes, [*arrays, *more.pop("weights", ())], **more)


def scalar(name="v", value=0.0):
    return numpy_helper.from_array(np.float32(value), name)


def elsewhere(place, *, said=TensorProto.EXTERNAL):
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), "v4")
    set_external_data(tensor, place, offset=0, length=16)
    tensor.ClearField("raw_data")
    tensor.data_location = said
    total = helper.make_node("ReduceSum", ["v4"], ["v"], keepdims=0)
    return codes_from("v", total, weights=[tensor])


def looping():
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Identity", ["a"], ["b"])],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("a", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("b", TensorProto.FLOAT, []),
        ],
    )
    loop = helper.make_node("Loop", ["", "yes", "start"], ["v"], body=body)
    return codes_from("v", loop, weights=[numpy_helper.from_array(np.array(True), "yes"), scalar("start")])


def sparse():
    values = numpy_helper.from_array(np.ones(1, np.float32), "v4")
    places = numpy_helper.from_array(np.zeros(1, np.int64), "places")
    tensor = helper.make_sparse_tensor(values, places, [1 << 40])
    total = helper.make_node("ReduceSum", ["v4"], ["v"], keepdims=0)
    return codes_from("v", total, sparse=[tensor])


def with_function():
    body = [helper.make_node("Identity", ["a"], ["b"])]
    function = helper.make_function("", "Mine", ["a"], ["b"], body, [helper.make_opsetid("", 18)])
    return codes_from("v", weights=[scalar()], functions=[function])


def foreign_operator():
    odd = helper.make_node("Gelu", ["w"], ["v"], domain="com.microsoft")
    return codes_from("v", odd, weights=[scalar("w")], opsets=[helper.make_opsetid("com.microsoft", 1)])


def promising():
    tensor = scalar("v4")
    tensor.dims[:] = [1 << 40]
    total = helper.make_node("ReduceSum", ["v4"], ["v"], keepdims=0)
    return codes_from("v", total, weights=[tensor])


GRAPHS = {
    "another file beside": (lambda: elsewhere("card.json"), "numbers that lie in another file"),
    "a file outside": (lambda: elsewhere("../../secret"), "numbers that lie in another file"),
    "an absolute path": (lambda: elsewhere("/etc/hostname"), "numbers that lie in another file"),
    "a file that is named and not used": (
        lambda: elsewhere("card.json", said=TensorProto.DEFAULT),
        "numbers that lie in another file",
    ),
    "a loop without end": (looping, "a graph inside 'Loop'"),
    "a sparse tensor": (sparse, "sparse tensors"),
    "a function": (with_function, "functions"),
    "a foreign operator": (foreign_operator, "an operator of 'com.microsoft'"),
    "a tensor that promises": (promising, "refuses it"),
    "an infinite code": (lambda: codes_from("v", weights=[scalar("v", np.inf)]), "NaN or infinity"),
    "another input": (lambda: codes_from("v", weights=[scalar()], takes="x"), "refuses it|no output"),
}


def put(folder, model):
    (folder / "encoder.onnx").write_bytes(model.SerializeToString())
    reseal(folder)


def test_the_graph_that_the_hostile_ones_vary_is_fine_itself(copy):
    put(copy, codes_from("v", weights=[scalar("v", 2.0)]))
    assert (load_bundle(copy).encode(np.ones((2, 32, 32, 1), np.uint8)).mean == 32 * 32 + 2).all()


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_that_do_more_than_compute(copy, name):
    make, message = GRAPHS[name]
    put(copy, make())
    refused(copy, message)


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a graph at all" * 100])
def test_graphs_that_are_none(copy, content):
    (copy / "decoder.onnx").write_bytes(content)
    reseal(copy)
    refused(copy, "is no ONNX graph")


def test_graphs_that_are_damaged_anywhere_are_refused_or_run(copy):
    content = (copy / "encoder.onnx").read_bytes()
    rng, refusals = np.random.default_rng(0), 0
    for _ in range(60):
        bad = bytearray(content)
        for place in rng.integers(0, 600, 2):  # operators and shapes; further back lie weights
            bad[place] = rng.integers(256)
        (copy / "encoder.onnx").write_bytes(bad)
        reseal(copy)
        try:
            load_bundle(copy)
        except DataError:
            refusals += 1
    assert refusals > 20


BOMBS = """
    import json, resource, sys
    from pathlib import Path
    from unweave.bundles.memory import limit_memory
    from unweave.bundles.run import load_bundle
    from unweave.core.errors import DataError

    limit_memory(256 << 20)
    load_bundle(Path(sys.argv[1]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = []
    for folder in sys.argv[2:]:
        try:
            load_bundle(Path(folder))
            said.append("loaded")
        except DataError as error:
            said.append(str(error))
    print(json.dumps([said, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10]))
"""


def constant_bomb():
    """Eight bytes that ask for 4 GiB."""
    made = helper.make_node("ConstantOfShape", ["size"], ["many"])
    total = helper.make_node("ReduceSum", ["many"], ["v"], keepdims=0)
    return codes_from("v", made, total, weights=[numpy_helper.from_array(np.array([1 << 30]), "size")])


def doubling_bomb():
    """Thirty-one operators that double a number: 4 GiB at the end."""
    nodes, last = [], "w0"
    for step in range(30):
        nodes.append(helper.make_node("Concat", [last, last], [f"w{step + 1}"], axis=0))
        last = f"w{step + 1}"
    nodes.append(helper.make_node("ReduceSum", [last], ["v"], keepdims=0))
    return codes_from("v", *nodes, weights=[numpy_helper.from_array(np.ones(1, np.float32), "w0")])


def test_graphs_that_ask_for_all_memory_get_no_more_than_the_limit(small, tmp_path):
    folders = []
    for number, make in enumerate((constant_bomb, doubling_bomb)):
        folders.append(shutil.copytree(small.folder, tmp_path / str(number)))
        put(folders[-1], make())
    command = [sys.executable, "-c", textwrap.dedent(BOMBS), small.folder, *folders]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    said, grown = json.loads(found.stdout)
    assert all("do not do what its card says" in text for text in said), said
    assert grown < 600  # MiB; each bomb asks for 4,096


def test_reading_twice_gives_the_same(small):
    assert read_files(small.folder)[1] == small.exported.digest
    onnx.checker.check_model(onnx.load(small.folder / "encoder.onnx"))
