"""Every method of the union passes the public contract; a new method adds no test file."""

import pytest

from unweave.methods import METHODS
from unweave.testing.methods import CHECKS, check_method


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", METHODS)
def test_contract(kind, check, device):
    check(METHODS[kind](latent=4), device)


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "laplace"])
def test_contract_holds_for_every_likelihood(likelihood, device):
    assert len(check_method(METHODS["beta_vae"](latent=3, likelihood=likelihood), device)) == len(CHECKS)


@pytest.mark.parametrize("sample", ["relaxed", "straight_through"])
@pytest.mark.parametrize("kind", METHODS)
def test_contract_holds_with_categorical_codes(kind, sample, device):
    categorical = {"sizes": (3, 2), "sample": sample}
    assert len(check_method(METHODS[kind](latent=3, categorical=categorical), device)) == len(CHECKS)


def test_importing_methods_loads_no_torch():
    import subprocess
    import sys

    code = "import sys, unweave.methods, unweave.projects.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
