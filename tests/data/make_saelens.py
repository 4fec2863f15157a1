"""Train two SAEs by SAELens's own code, and store what SAELens makes of 64 rows; README.md has the command."""

import sys
from pathlib import Path

import numpy as np
import torch
from sae_lens import (  # pyright: ignore[reportMissingImports]
    SAE,
    BatchTopKTrainingSAE,
    BatchTopKTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import LoggingConfig, SAETrainerConfig  # pyright: ignore[reportMissingImports]
from sae_lens.training.sae_trainer import SAETrainer  # pyright: ignore[reportMissingImports]
from sklearn.datasets import load_digits

ATOMS, K, BATCH, STEPS, NORM_BATCHES = 128, 8, 256, 4000, 100
ROWS = np.arange(64) * 28


def halves():
    """Name → rows [1797, 32] of the digits, in their own units: pixels from 0 to 16."""
    images = load_digits(return_X_y=True)[0].reshape(-1, 8, 8)
    sides = {"left": images[:, :, :4], "right": images[:, :, 4:]}
    return {name: torch.tensor(half.reshape(len(images), -1), dtype=torch.float32) for name, half in sides.items()}


def batches(rows, seed):
    """Endless batches of rows drawn with replacement."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        yield rows[torch.randint(len(rows), (BATCH,), generator=generator)]


def untrained(name):
    """One SAE of each kind of inference: a threshold, and the k largest."""
    shared = {"d_in": 32, "d_sae": ATOMS, "k": K, "normalize_activations": "expected_average_only_in"}
    if name == "left":
        # SAELens 6.54 folds the input's scale into the norms but not into the threshold: with norms, L0 is 55, not 8.
        return BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**shared, rescale_acts_by_decoder_norm=False))
    return TopKTrainingSAE(TopKTrainingSAEConfig(**shared))


def trained(name, rows, seed):
    torch.manual_seed(seed)
    config = SAETrainerConfig(
        total_training_samples=BATCH * STEPS,
        train_batch_size_samples=BATCH,
        lr=1e-3,
        lr_end=1e-4,
        lr_decay_steps=STEPS // 4,
        n_batches_for_norm_estimate=NORM_BATCHES,
        logger=LoggingConfig(log_to_wandb=False),
    )
    return SAETrainer(config, untrained(name), batches(rows, seed)).fit()


def main(out):
    torch.set_num_threads(1)
    reference = {"rows": ROWS}
    for seed, (name, rows) in enumerate(halves().items()):
        trained(name, rows, seed).save_inference_model(out / name)
        # Double precision leaves no rounding of SAELens in the reference; as stored it must do the same.
        single, double = (SAE.load_from_disk(out / name, dtype=d) for d in ("float32", "float64"))
        with torch.no_grad():
            codes = double.encode(rows[ROWS].double())
            torch.testing.assert_close(single.encode(rows[ROWS]).double(), codes, rtol=1e-5, atol=1e-5)
            reference[f"{name}.codes"] = codes.numpy().astype(np.float32)
            reference[f"{name}.reconstruction"] = double.decode(codes).numpy().astype(np.float32)
            Z = double.encode(rows.double())
            error = (double.decode(Z) - rows).square().sum() / (rows - rows.mean(0)).square().sum()
        fires = Z > 0
        print(f"{name}: R² {1 - error:.4f}, L0 {fires.sum() / len(Z):.3f}, dead atoms {int((~fires.any(0)).sum())}")
    np.savez_compressed(out / "reference.npz", allow_pickle=False, **reference)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
