"""The command that embeds images or captions by a pretrained tower; heavy imports wait until it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from proofs_check.errors import FULL, InputError, one_line


def embed(
    model: Annotated[
        str, typer.Option("--model", metavar="NAME_OR_PATH", help="Folder of a model, or its name on the hub.")
    ],
    data: Annotated[
        Path, typer.Option("--data", metavar="FOLDER|FILE", help="Folder of images, or captions: .txt, .csv, .jsonl.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Rows: .safetensors or .npy.")],
    pool: Annotated[
        str | None,
        typer.Option(
            help="projected, cls, mean or pooler. Default: projected for two towers; else images cls, captions mean."
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column of the captions in a .csv or .jsonl file.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the class of each image (.npy): the subfolder that it lies in."),
    ] = None,
    batch: Annotated[int, typer.Option(help="Items per forward pass.")] = 32,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    dtype: Annotated[str, typer.Option(help="In which the model computes; rows are float32.")] = "float32",
    threads: Annotated[int | None, typer.Option(help="Threads of torch. Default: its own choice.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit of a model on the hub.")] = None,
) -> None:
    r"""Embed a folder of images or a file of captions by a Hugging Face vision or text tower.

    Row i shows item i: images in the order of their paths below the folder (hidden files are left out), captions in
    that of the file. A run that is killed goes on by the same command, to the same bytes. OUT appears when it is
    complete, and OUT.json beside it says what it is.

    A model that is a folder here never touches the network; any other name is fetched from the Hugging Face hub once.
    Weights are read from safetensors only, and code that comes with a model is never run. Needs the extra:
    pip install 'concept-alignment\[embed]'.

    **Pooling**: *projected* is a two-tower model's own embedding, in the space that images and captions share (CLIP's
    get_image_features and get_text_features); *cls* the first token of the last hidden state; *mean* its mean over the
    patches, or over the tokens that are no padding; *pooler* the tower's pooled output.

    **Examples**

    - concept-alignment embed --model facebook/dinov2-small --data photos --out dino.safetensors --labels labels.npy
    - concept-alignment embed --model openai/clip-vit-base-patch32 --data photos --out clip.safetensors
    - concept-alignment embed --model ./my-bert --data captions.csv --column text --out text.npy
    """
    from proofs_check.progress import progress

    with one_line(), _room():
        from nonlinear.embed.items import open_items
        from nonlinear.embed.run import check_out
        from nonlinear.embed.run import embed as run
        from nonlinear.embed.tower import Tower

        check_out(out)
        items = open_items(data, column)
        classes = None if labels is None else _classes(items, labels)
        tower = Tower(model, items.kind, pool, device, dtype, revision)
        with progress() as on_progress:
            found = run(tower, items, out, batch, threads, on_progress)
        if labels is not None and classes is not None:
            _write(labels, classes[0])
    print(f"{out}: {found['rows']} {items.kind} × {found['columns']} by {model} ({found['pool']}, {dtype})")
    print(f"first: {found['first']}")
    print(f"last:  {found['last']}")
    if found["cut"]:
        print(f"{found['cut']} captions are longer than the model takes, and were cut")
    if classes is not None:
        print(f"{labels}: {len(classes[1])} classes, {', '.join(classes[1][:8])}{', …' * (len(classes[1]) > 8)}")
    print(f"next: embed the same items by another model, then concept-alignment train cosae {out} OTHER --out run")


def _classes(items: Any, labels: Path) -> tuple[Any, list[str]]:
    if items.kind != "images":
        raise InputError("--labels are the subfolders that images lie in, and captions have none; leave it out")
    if labels.suffix.lower() != ".npy" or labels.is_dir():
        raise InputError(f"{labels} is no .npy file; name such a file with --labels")
    return items.labels()


def _write(path: Path, array: Any) -> None:
    import io

    import numpy as np

    from nonlinear.files import replace

    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, file.getvalue())


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise InputError("the disk is full; make room, and the same command goes on") from error
        raise
