"""Labels and pairs in a step: pure functions of (seed, step), so a stopped training continues bit for bit."""

import numpy as np
import pytest
import torch

from small_training import SHAPE, StopAt, images, weights
from unweave.core.binding import Binding
from unweave.core.factors import Factor, FactorTable
from unweave.core.seeds import generator
from unweave.core.targets import targets_of
from unweave.data.labelled import LabelledRows
from unweave.data.pairs import RowPartners
from unweave.methods import BetaVAEConfig
from unweave.methods.model import build_model
from unweave.methods.supervision import SupervisionConfig
from unweave.nets.augment import AugmentConfig
from unweave.nets.config import NetConfig
from unweave.nets.transform import Transform
from unweave.training.batches import BatchSource
from unweave.training.config import TrainingConfig
from unweave.training.extras import LabelledSource, PartnerSource
from unweave.training.loop import Trainer
from unweave.training.step import make_fabric
from unweave.training.stopping import Stopper

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = images()
# Where the dark square is; every third row has a label, the second factor fewer.
PLACES = np.stack([(DATA < 255).any((2, 3)).argmax(1), (DATA < 255).any((1, 3)).argmax(1)], 1).astype(float)
ROWS = np.arange(0, 200, 3)
KNOWN = np.stack([np.ones(len(ROWS), bool), np.arange(len(ROWS)) % 2 == 0], 1)
FACTORS = tuple(Factor(name=name, kind="continuous", range=(0, 12)) for name in ("row", "column"))
TABLE = FactorTable(FACTORS, np.where(KNOWN, PLACES[ROWS], 0), KNOWN)
TARGETS = targets_of(TABLE)
LABELLED = LabelledRows(
    ROWS,
    np.stack([t.normalise(TABLE.values[:, k]) for k, t in enumerate(TARGETS)], 1),
    KNOWN,
    np.linspace(0.5, 1.5, len(ROWS), dtype=np.float32),
)
PARTNERS = RowPartners(DATA, np.arange(200), np.arange(200) % 10)


def source(device="cpu", seed=0, batch=16, noise=0.0, augment=None):
    transform, where = Transform(SHAPE), torch.device(device)
    return BatchSource(
        DATA,
        np.arange(200),
        transform,
        batch=batch,
        seed=seed,
        device=where,
        labelled=LabelledSource(
            DATA, LABELLED, transform, batch=8, seed=seed, device=where, noise=noise, augment=augment
        ),
        partners=PartnerSource(PARTNERS, transform, seed=seed, device=where),
    )


def test_labelled_rows_come_with_their_own_labels():
    seen = []
    for step in range(9):
        labelled = source().batch(step).labelled
        pixels = (labelled.x[:, 0] * 255).round().to(torch.uint8).numpy()
        rows = [int(np.flatnonzero((DATA[ROWS, :, :, 0] == image).all((1, 2)))[0]) for image in pixels]
        # Rows that show the same picture have the same labels, but may differ in which are known.
        places = labelled.values.numpy() * 12 / np.sqrt(12) + 6
        known = labelled.known.numpy()
        np.testing.assert_allclose(places[known], PLACES[ROWS][rows][known], atol=1e-4)
        seen.append(labelled.weights.numpy())
    # 9 x 8 = 72 rows: each of the 67 labelled rows once, and 5 of them twice.
    assert len(np.unique(np.concatenate(seen)[:67])) == 67


def test_noise_is_new_in_every_step_and_of_its_size():
    clean, noisy, again = source().batch(4).labelled, *(source(noise=0.1).batch(4).labelled for _ in range(2))
    assert torch.equal(noisy.x, again.x)
    assert torch.equal(noisy.values, clean.values)
    # 8 x 256 draws: the standard deviation is known to within 1.6 %; five times that is allowed.
    assert (noisy.x - clean.x).std().item() == pytest.approx(0.1, rel=0.08)
    other = source(noise=0.1).batch(5).labelled.x - source().batch(5).labelled.x
    assert not torch.equal(other, noisy.x - clean.x)


def test_labelled_rows_are_moved_and_relit_anew_in_every_step():
    change = AugmentConfig(shift=0.2)
    clean, moved, again = source().batch(4).labelled, *(source(augment=change).batch(4).labelled for _ in range(2))
    assert torch.equal(moved.x, again.x)
    assert torch.equal(moved.values, clean.values)
    assert not any(torch.equal(a, b) for a, b in zip(moved.x, clean.x, strict=True))
    assert torch.equal(source(augment=change).batch(4).x, source().batch(4).x)  # the rest stays as it is
    dimmed = AugmentConfig(shift=0, zoom=0, contrast=0, gain=0.5)
    light = [source(augment=dimmed).batch(step).labelled.x.amax((1, 2, 3)) for step in (4, 5)]
    assert not torch.equal(*light)


def test_noise_comes_after_light():
    dark = AugmentConfig(shift=0, zoom=0, contrast=0, gain=0.5)
    lit, noisy = (source(augment=dark, noise=n).batch(4).labelled.x for n in (0.0, 0.1))
    added = source(noise=0.1).batch(4).labelled.x - source().batch(4).labelled.x
    torch.testing.assert_close(noisy - lit, added)


def test_partners_are_of_the_rows_of_the_batch():
    batch = source().batch(4)
    rows, partners = (
        [{int(i) for i in np.flatnonzero((DATA[..., 0] == image).all((1, 2)))} for image in x]
        for x in ((t[:, 0] * 255).round().to(torch.uint8).numpy() for t in (batch.x, batch.partner))
    )
    for row, partner in zip(rows, partners, strict=True):
        assert {i % 10 for i in row} & {i % 10 for i in partner}


def test_a_step_is_a_function_of_seed_and_number():
    made, again, other = source(), source(), source(seed=1)
    made.batch(3)  # an order of calls must not matter
    for name in ("x", "partner"):
        first, same, different = (getattr(s.batch(7), name) for s in (made, again, other))
        assert torch.equal(first, same)
        assert not torch.equal(first, different)
    assert torch.equal(made.batch(7).labelled.values, again.batch(7).labelled.values)
    assert not torch.equal(made.batch(7).labelled.values, other.batch(7).labelled.values)
    assert not torch.equal(made.batch(7).labelled.values, made.batch(8).labelled.values)


def test_processes_share_a_step():
    whole, parts = source().batch(5), [source().batch(5, rank=rank, of=2) for rank in range(2)]
    for rank, part in enumerate(parts):
        assert torch.equal(part.x, whole.x[rank::2])
        assert torch.equal(part.labelled.x, whole.labelled.x[rank::2])
        assert torch.equal(part.labelled.known, whole.labelled.known[rank::2])
        assert part.partner.shape == part.x.shape


def test_the_rows_of_a_batch_are_the_same_with_and_without_extras():
    bare = BatchSource(DATA, np.arange(200), Transform(SHAPE), batch=16, seed=0, device=torch.device("cpu"))
    assert torch.equal(bare.batch(3).x, source().batch(3).x)
    assert bare.batch(3).labelled is None
    assert bare.batch(3).partner is None


def test_pairs_are_moved_and_relit_alike_and_by_the_seed_and_step_alone():
    def augmented(seed=0):
        same = RowPartners(DATA, np.arange(200), (PLACES @ [20, 1]).astype(int))  # rows with the same picture
        where = torch.device("cpu")
        return BatchSource(
            DATA,
            np.arange(200),
            Transform(SHAPE),
            batch=16,
            seed=seed,
            device=where,
            partners=PartnerSource(same, Transform(SHAPE), seed=1, device=where),
            augment=AugmentConfig(shift=0.2),
        )

    first, again, later = augmented().batch(3), augmented().batch(3), augmented().batch(4)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.x, first.partner)
    assert not torch.equal(first.x, augmented(seed=1).batch(3).x)
    plain = source().batch(3).x
    assert first.x.shape == plain.shape
    changed = (first.x - plain).abs().flatten(1).amax(1)
    assert (changed > 0.05).float().mean() > 0.8
    amounts = (later.x.mean((1, 2, 3)) / first.x.mean((1, 2, 3))).unique()
    assert len(amounts) > 8  # each image by amounts of its own


def trainer(folder, device="cpu"):
    method = BetaVAEConfig(latent=4, supervision=SupervisionConfig())
    binding = Binding(method.supervision.bind(TARGETS, 4))
    model = build_model(method, NetConfig(kind="conv", width=4), Transform(SHAPE), seed=0, binding=binding)
    fabric = make_fabric(device)
    model.method.to(fabric.device)
    config = TrainingConfig(steps=30, batch=16, checkpoint_every=10, monitor_every=10)
    return Trainer(model.method, source(device, noise=0.05, augment=AugmentConfig()), config, folder, fabric), model


@pytest.mark.parametrize("stop", [1, 10, 17])
def test_stopped_anywhere_it_continues_bit_for_bit(tmp_path, device, stop):
    whole, model = trainer(tmp_path / "whole", device)
    whole.run(Stopper())
    trainer(tmp_path / "parts", device)[0].run(StopAt(stop))
    second, continued = trainer(tmp_path / "parts", device)
    assert second.run(Stopper()).status == "complete"
    assert torch.equal(weights(model.method), weights(continued.method))


def test_labels_change_what_is_learnt(tmp_path):
    run, model = trainer(tmp_path)
    before = weights(model.method)
    batch = source().batch(0)
    losses = model.method.losses(batch)["vae"]
    assert losses.parts["supervision"].item() > 0
    run.run(Stopper())
    assert not torch.equal(before, weights(model.method))
    assert (
        model.method.losses(source().batch(0))["vae"].parts["supervision"].item() < losses.parts["supervision"].item()
    )


def test_random_draws_of_partners_do_not_depend_on_other_steps():
    rows = np.arange(16)
    want = PARTNERS.draw(rows, generator(0, "partners", 7, 0))
    got = PartnerSource(PARTNERS, Transform(SHAPE), seed=0, device=torch.device("cpu")).at(7, rows)
    np.testing.assert_allclose(got[:, 0].numpy() * 255, want[..., 0], atol=1e-4)
