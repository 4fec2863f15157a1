"""Two small networks that look at digits, a perceptron and a convolutional one, and their training.

The last layer is linear and reads both the class and the image without noise from the layer before it, the embedding.
A network that only told the classes apart would be free to drop everything else, such as the attribute to forget; one
that has to draw the image keeps it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from nonlinear.embeddings.threads import one_thread
from nonlinear.random_rows import stream_of

FRAME, CLASSES = 10, 10
WIDTHS = {"mlp": 48, "cnn": 64}
STEPS, BATCH, RATE = 600, 128, 3e-3
# Weight of the squared error summed over an image, beside the cross-entropy.
DRAWING = 0.1
# Without it the cross-entropy goes on to grow with the logits, until the classes are all that an embedding varies by.
SMOOTHING = 0.1


class Batch(NamedTuple):
    """Images with noise and without [n, 10, 10], float32, and their classes [n], int64.

    Examples
    --------
    >>> batch = Batch(*np.zeros((2, 3, FRAME, FRAME), np.float32), np.array([1, 1, 7]))
    >>> batch.shown.shape, np.bincount(batch.labels)[1]
    ((3, 10, 10), np.int64(2))
    """

    shown: np.ndarray
    clean: np.ndarray
    labels: np.ndarray


def weights(name: str, lesson: Callable[[int], Batch], seed: int, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Train a network on one thread, and return its parameters by name.

    Parameters
    ----------
    name
        "mlp" or "cnn".
    lesson
        Number of a block → images to train on, in batches of 128.
    seed
        Of the start; the two networks start from streams of their own.
    steps
        Of Adam, its rate falling to 0 along a cosine.

    Examples
    --------
    >>> blank = Batch(*np.zeros((2, 128, 10, 10), np.float32), np.zeros(128, np.int64))
    >>> weights("mlp", lambda number: blank, seed=0, steps=1)["readout.weight"].shape  # 10 classes, 100 pixels
    (110, 48)
    """
    with one_thread():
        network = _started(name, seed)
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
        for shown, clean, labels in _batches(lesson, steps):
            out = network(shown)
            drawn = mse_loss(out[:, CLASSES:], clean.flatten(1), reduction="sum") / len(out)
            loss = cross_entropy(out[:, :CLASSES], labels, label_smoothing=SMOOTHING) + DRAWING * drawn
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        return {part: p.detach().numpy() for part, p in network.named_parameters()}


@torch.no_grad()
def embed(name: str, known: Mapping[str, np.ndarray], shown: np.ndarray) -> np.ndarray:
    """Embeddings [n, d] of images [n, 10, 10] by a network of these weights.

    Examples
    --------
    >>> blank = Batch(*np.zeros((2, 128, 10, 10), np.float32), np.zeros(128, np.int64))
    >>> embed("cnn", weights("cnn", lambda number: blank, seed=0, steps=1), blank.shown).shape
    (128, 64)
    """
    with one_thread():
        network = _network(name)
        network.load_state_dict({part: torch.from_numpy(w) for part, w in known.items()}, assign=True)
        return network.get_submodule("encoder")(torch.from_numpy(shown)).numpy()


def _network(name: str) -> nn.Sequential:
    """Layers without values: those that torch would fill in come from its global random state."""
    d = WIDTHS[name]
    with torch.device("meta"):
        if name == "mlp":
            layers = [nn.Flatten(), nn.Linear(FRAME**2, 256), nn.GELU(), nn.Linear(256, 128), nn.GELU()]
            layers += [nn.Linear(128, d)]
        else:
            layers = [nn.Unflatten(1, (1, FRAME)), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()]
            layers += [nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten()]
            layers += [nn.Linear(32 * (FRAME // 2) ** 2, d)]
        readout = nn.Linear(d, CLASSES + FRAME**2)
        return nn.Sequential(OrderedDict(encoder=nn.Sequential(*layers), readout=readout))


def _started(name: str, seed: int) -> nn.Sequential:
    drawn = int(stream_of(seed, *name.encode()).integers(2**63))
    generator, network = torch.Generator().manual_seed(drawn), _network(name).to_empty(device="cpu")
    for p in network.parameters():
        if p.ndim == 1:
            nn.init.zeros_(p)
        else:
            nn.init.kaiming_normal_(p, generator=generator)
    return network


def _batches(lesson: Callable[[int], Batch], steps: int) -> Iterator[list[Tensor]]:
    done, number = 0, 0
    while done < steps:
        block = [torch.from_numpy(a).split(BATCH) for a in lesson(number)]
        for batch in list(zip(*block, strict=True))[: steps - done]:
            yield list(batch)
            done += 1
        number += 1
