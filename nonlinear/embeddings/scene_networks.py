"""Two small networks that learn without labels: one restores scenes from noise, the other masked words of captions."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nonlinear.embeddings.captions import LENGTH, MASK, PADDING, vocabulary
from nonlinear.embeddings.scenes import PATCHES, PIXELS
from nonlinear.embeddings.threads import one_thread

WIDTH = 64
# Steps, rows per step, largest learning rate.
IMAGE_SCHEDULE, TEXT_SCHEDULE = (3000, 32, 3e-3), (600, 64, 3e-3)
NOISE, MASKED = 0.03, 0.2
Network = TypeVar("Network", bound=nn.Module)


def train_image_tower(images: np.ndarray, seed: int, steps: int, batch: int, rate: float) -> dict[str, np.ndarray]:
    """Train a tower to restore images [n, 24, 24, 3] from noise, through the mean of its patches; return its state.

    Examples
    --------
    >>> from nonlinear.embeddings.scenes import combinations, draw
    >>> images, _ = draw(combinations()[:99], np.random.default_rng(0))
    >>> state = train_image_tower(images, 0, 2, 8, 1e-3)
    >>> state["out.weight"].shape
    (61, 128, 1, 1)
    """
    with one_thread():
        x = _channels_first(images)
        tower, decoder = _new(ImageTower, seed), _new(Decoder, seed)
        tower.whiten(x[:4096])
        pictures, levels = contrast(x)
        generator = torch.Generator().manual_seed(seed)

        def loss() -> Tensor:
            chosen = torch.randint(len(x), (batch,), generator=generator)
            noise = NOISE * torch.randn((batch, *x.shape[1:]), generator=generator)
            picture, level = decoder(tower(x[chosen] + noise).mean(dim=1))
            error = (picture - pictures[chosen]).square()
            # Colour and magnitude count alike; the levels vary less than the others, whose variance is near 1.
            return error[:, :3].mean() + error[:, 3].mean() + 20 * (level - levels[chosen]).square().mean()

        _minimise(loss, [*tower.parameters(), *decoder.parameters()], steps, rate)
        return _state(tower)


def train_text_tower(tokens: np.ndarray, seed: int, steps: int, batch: int, rate: float) -> dict[str, np.ndarray]:
    """Train a tower to guess masked words of captions [n, length] from the others; return its state.

    Examples
    --------
    >>> from nonlinear.embeddings.captions import canonical, tokenise
    >>> state = train_text_tower(tokenise(canonical((0, 0, 0, 0, 0, 0))), 0, 2, 8, 1e-3)
    >>> state["words.weight"].shape
    (80, 64)
    """
    with one_thread():
        x, tower = torch.from_numpy(tokens), _new(TextTower, seed)
        generator = torch.Generator().manual_seed(seed)

        def loss() -> Tensor:
            chosen = x[torch.randint(len(x), (batch,), generator=generator)]
            masked = (torch.rand(chosen.shape, generator=generator) < MASKED) & (chosen != PADDING)
            seen = tower(chosen.masked_fill(masked, MASK))[masked]
            return nn.functional.cross_entropy(tower.guess(seen), chosen[masked])

        _minimise(loss, list(tower.parameters()), steps, rate)
        return _state(tower)


@torch.no_grad()
def embed_patches(state: Mapping[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    """Embeddings [n, 36, 64] of the patches of images [n, 24, 24, 3]; their mean is the embedding of the image.

    Examples
    --------
    >>> from nonlinear.embeddings.scenes import combinations, draw
    >>> images, _ = draw(combinations()[:99], np.random.default_rng(0))
    >>> embed_patches(train_image_tower(images, 0, 2, 8, 1e-3), images).shape
    (99, 36, 64)
    """
    with one_thread():
        tower = _new(ImageTower, state)
        return torch.cat([tower(part) for part in _channels_first(images).split(256)]).numpy()


@torch.no_grad()
def embed_captions(state: Mapping[str, np.ndarray], tokens: np.ndarray) -> np.ndarray:
    """Embeddings [n, 64] of captions [n, length], means over their words.

    Examples
    --------
    >>> from nonlinear.embeddings.captions import canonical, tokenise
    >>> tokens = tokenise(canonical((0, 0, 0, 0, 0, 0)))
    >>> embed_captions(train_text_tower(tokens, 0, 2, 8, 1e-3), tokens).shape
    (9, 64)
    """
    with one_thread():
        tower, found = _new(TextTower, state), []
        for words in torch.from_numpy(tokens).split(256):
            there = (words != PADDING).unsqueeze(-1)
            found.append((tower(words) * there).sum(dim=1) / there.sum(dim=1))
        return torch.cat(found).numpy()


class ImageTower(nn.Module):
    """Pixels → embeddings [n, 36, 64] of the patches: convolutions that see 10 × 10 pixels, then a bias by place.

    The convolutions read `contrast`, so that a faint small object counts as much as a large one. The last three
    channels are the mean colour of the patch.

    Examples
    --------
    >>> x = torch.linspace(0, 1, 2 * 3 * 24 * 24).reshape(2, 3, 24, 24)
    >>> z = ImageTower()(x)
    >>> z.shape, bool((z[..., -3:].mean(1) - x.mean((2, 3))).abs().max() < 1e-5)     # the mean colour of the image
    (torch.Size([2, 36, 64]), True)
    """

    def __init__(self):
        super().__init__()
        first, second = nn.Conv2d(4, 32, 4, 2, 1), nn.Conv2d(32, 64, 4, 2, 1)
        for layer in (first, second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        self.detect = nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
        self.mix = nn.Conv2d(64, 128, 1)
        self.place = nn.Parameter(0.5 * torch.randn(128, PATCHES, PATCHES))
        self.out = nn.Conv2d(128, WIDTH - 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Embeddings of the patches of images [n, 3, 24, 24]."""
        colour = nn.functional.avg_pool2d(x, PIXELS // PATCHES)
        return torch.cat([self.out(self._hidden(x)), colour], 1).flatten(2).mT

    def _hidden(self, x: Tensor) -> Tensor:
        return torch.relu(self.mix(self.detect(contrast(x)[0])) + self.place)

    @torch.no_grad()
    def whiten(self, x: Tensor) -> None:
        """Let the channels of `out` start uncorrelated and of variance 1 over images, without which training stalls."""
        hidden = torch.cat([self._hidden(part).mean(dim=(2, 3)) for part in x.split(256)])
        values, vectors = torch.linalg.eigh(torch.cov(hidden.mT))
        basis = vectors[:, 3 - WIDTH :] / values[3 - WIDTH :].clamp_min(1e-6 * values[-1]).sqrt()
        self.out.load_state_dict({"weight": basis.mT[:, :, None, None], "bias": -hidden.mean(dim=0) @ basis})


class Decoder(nn.Module):
    """Embedding of an image [n, 64] → its contrast and its levels, linear plus one hidden layer.

    Examples
    --------
    >>> picture, levels = Decoder()(torch.eye(2, WIDTH))
    >>> picture.shape, bool((levels[0] == levels[1]).all())     # at the start it says the same of every image
    (torch.Size([2, 4, 24, 24]), True)
    """

    def __init__(self):
        super().__init__()
        size = 4 * PIXELS**2 + 4
        self.linear, self.hidden, self.out = nn.Linear(WIDTH, size), nn.Linear(WIDTH, 256), nn.Linear(256, size)
        for layer in (self.linear, self.out):
            nn.init.zeros_(layer.weight)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Both, shaped as `contrast` returns them."""
        found = self.linear(z) + self.out(torch.relu(self.hidden(z)))
        return found[:, :-4].reshape(-1, 4, PIXELS, PIXELS), found[:, -4:]


class TextTower(nn.Module):
    """Words [n, length] → their embeddings [n, length, 64]: a transformer of two layers.

    Examples
    --------
    >>> tower, words = TextTower(), torch.full((2, LENGTH), PADDING)
    >>> words[:, 0] = MASK
    >>> embeddings = tower(words)
    >>> embeddings.shape[2], tower.guess(embeddings).shape[2] == len(vocabulary()) + 2     # and padding and the mask
    (64, True)
    """

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(len(vocabulary()) + 2, WIDTH)
        self.place = nn.Parameter(0.1 * torch.randn(LENGTH, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 2 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(WIDTH)
        nn.init.normal_(self.words.weight, std=0.3)

    def forward(self, words: Tensor) -> Tensor:
        """Embeddings of the words; those of padding mean nothing."""
        return self.layers(self.words(words) + self.place, src_key_padding_mask=words == PADDING)

    def guess(self, embeddings: Tensor) -> Tensor:
        """Logits of the vocabulary."""
        return self.norm(embeddings) @ self.words.weight.mT


def contrast(x: Tensor) -> tuple[Tensor, Tensor]:
    """Split images [n, 3, 24, 24] into a picture of root mean square 1 with its magnitude, and their levels.

    Returns
    -------
    picture
        [n, 4, 24, 24]: deviation from the mean colour over its root mean square, and the norm of that over the colours.
    levels
        [n, 4]: the mean colour and the root mean square. Both together are the image.

    Examples
    --------
    >>> x = torch.linspace(0, 1, 2 * 3 * 24 * 24).reshape(2, 3, 24, 24)
    >>> picture, levels = contrast(x)
    >>> back = picture[:, :3] * levels[:, 3, None, None, None] + levels[:, :3, None, None]
    >>> bool((back - x).abs().max() < 1e-6)
    True
    """
    mean = x.mean(dim=(2, 3), keepdim=True)
    scale = (x - mean).square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    deviation = (x - mean) / scale
    picture = torch.cat([deviation, deviation.norm(dim=1, keepdim=True)], 1)
    return picture, torch.cat([mean, scale], 1).flatten(1)


def _minimise(loss: Callable[[], Tensor], parameters: list[nn.Parameter], steps: int, rate: float) -> None:
    """Adam; the rate rises for 100 steps and then falls linearly to 0."""
    optimiser = torch.optim.Adam(parameters, betas=(0.9, 0.99), fused=True)
    for step in range(steps):
        optimiser.param_groups[0]["lr"] = rate * min(1, (step + 1) / 100) * (1 - step / steps)
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def _new(kind: type[Network], start: int | Mapping[str, np.ndarray]) -> Network:
    """Network of a seed, or of a state."""
    with torch.random.fork_rng(devices=[]):  # torch's layers fill themselves from its global state
        torch.default_generator.manual_seed(start if isinstance(start, int) else 0)
        network = kind()
    if not isinstance(start, int):
        network.load_state_dict({name: torch.from_numpy(a) for name, a in start.items()})
    return network


def _channels_first(images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


def _state(tower: nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in tower.state_dict().items()}
