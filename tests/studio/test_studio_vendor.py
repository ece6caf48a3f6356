"""What of others is in the package is what its README says."""

import gzip
import hashlib
import re

from unweave.studio.files import static_folder

VENDOR = static_folder() / "vendor"


def test_files_of_onnx_runtime_web_are_those_of_the_package():
    rows = re.findall(r"^\| `(\S+)` \| `\S+` \| `([0-9a-f]{64})` \| ([\d,]+)", (VENDOR / "README.md").read_text(), re.M)
    assert [name for name, _, _ in rows] == ["ort.mjs", "ort.wasm.gz"]
    for name, digest, size in rows:
        content = (VENDOR / name).read_bytes()
        content = gzip.decompress(content) if name.endswith(".gz") else content
        assert hashlib.sha256(content).hexdigest() == digest
        assert len(content) == int(size.replace(",", ""))


def test_licences_come_along():
    assert "Microsoft Corporation" in (VENDOR / "LICENSE").read_text()
    assert len((VENDOR / "ThirdPartyNotices.txt").read_text()) > 100_000


def test_pages_name_no_other_machine():
    for path in static_folder().rglob("*"):
        if path.is_file() and VENDOR not in path.parents:
            found = re.findall(r"https?://[^\s\"')]+", path.read_text())
            assert [address for address in found if "www.w3.org" not in address] == [], path
