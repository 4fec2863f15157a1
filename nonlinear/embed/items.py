"""What is embedded: the images of a folder, or the captions of a file; row i shows item i."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, eq=False)
class Images:
    """Image files below a folder, in the order of their names.

    Attributes
    ----------
    root
        The folder.
    names
        Paths below it, with forward slashes, in the order of their code points.

    Examples
    --------
    >>> images = Images(Path("photos"), ["cat/1.jpg", "cat/2.jpg", "dog/1.jpg"])
    >>> images.labels()
    (array([0, 0, 1]), ['cat', 'dog'])
    """

    root: Path
    names: Sequence[str]
    kind = "images"

    def __len__(self) -> int:
        return len(self.names)

    def take(self, start: int, stop: int) -> list[Any]:
        """Return the images start, …, stop − 1, upright and in RGB, as Pillow has them.

        Raises
        ------
        ValueError
            An image cannot be read, or would lose its range of values in 8 bits.
        """
        from PIL import Image, ImageOps, UnidentifiedImageError

        found = []
        for name in self.names[start:stop]:
            path = self.root / name
            try:
                with Image.open(path) as image:
                    upright = ImageOps.exif_transpose(image)
            except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
                raise ValueError(
                    f"{path} is no readable image; replace it under the same name, and the same command goes on"
                ) from error
            if upright.mode[0] in "IF":
                raise ValueError(f"{path} has more than 8 bits per channel (mode {upright.mode}); save it with 8")
            # Pillow asks for the detour where a palette has a transparent colour.
            found.append((upright.convert("RGBA") if "transparency" in upright.info else upright).convert("RGB"))
        return found

    def identity(self, row: int) -> bytes:
        """Name and size of the file of a row."""
        name = self.names[row]
        return f"{name}\0{(self.root / name).stat().st_size}\n".encode("utf-8", "surrogateescape")

    def labels(self) -> tuple[np.ndarray, list[str]]:
        """Class of each image [n], int64, and the names of the classes: the subfolders in which the images lie.

        Raises
        ------
        ValueError
            Images lie directly in the folder, or in one subfolder only.
        """
        if bare := [name for name in self.names if "/" not in name]:
            raise ValueError(
                f"{self.root / bare[0]} lies in no subfolder, so it has no class; sort the images into one per class"
            )
        firsts = [name.split("/")[0] for name in self.names]
        classes = sorted(set(firsts))
        if len(classes) < 2:
            raise ValueError(f"all images of {self.root} lie in {classes[0]}: labels need a subfolder per class")
        number = {name: i for i, name in enumerate(classes)}
        return np.array([number[name] for name in firsts], dtype=np.int64), classes


@dataclass(frozen=True, eq=False)
class Captions:
    """Texts of a file, in its order.

    Examples
    --------
    >>> Captions(Path("a.txt"), ["a red cat", "a dog"]).take(1, 2)
    ['a dog']
    """

    path: Path
    texts: Sequence[str]
    kind = "captions"

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def names(self) -> Sequence[str]:
        """The captions themselves."""
        return self.texts

    def take(self, start: int, stop: int) -> list[str]:
        """Return the captions start, …, stop − 1."""
        return list(self.texts[start:stop])

    def identity(self, row: int) -> bytes:
        """The caption of a row, quoted."""
        return json.dumps(self.texts[row]).encode() + b"\n"


def open_items(data: Path, column: str | None = None) -> Images | Captions:
    r"""Find the images of a folder, or read the captions of a .txt (one per line), .csv or .jsonl file.

    Parameters
    ----------
    column
        Of a .csv or .jsonl file.

    Raises
    ------
    ValueError
        Nothing there, another kind of file, an unknown column, an empty caption.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as base:
    ...     _ = (Path(base) / "a.csv").write_text("id,caption\n7,a red cat\n8,a dog\n")
    ...     open_items(Path(base) / "a.csv", "caption").take(0, 2)
    ['a red cat', 'a dog']
    """
    if data.is_dir():
        if column is not None:
            raise ValueError(f"{data} is a folder of images and has no column {column!r}; leave it out")
        names = sorted(_images(data))
        if not names:
            raise ValueError(f"{data} has no image; the suffixes are {', '.join(sorted(SUFFIXES))}")
        return Images(data, names)
    if not data.is_file():
        raise ValueError(f"{data} does not exist; name a folder of images, or a .txt, .csv or .jsonl file of captions")
    suffix = data.suffix.lower()
    if suffix not in READERS:
        raise ValueError(f"{data} is neither a folder of images nor a file of captions (.txt, .csv or .jsonl)")
    if (column is None) != (suffix == ".txt"):
        advice = "leave --column out" if column is not None else "name the captions' one with --column"
        raise ValueError(f"{data} has {'no columns' if column is not None else 'columns'}; {advice}")
    try:
        texts = list(READERS[suffix](data, column))
    except UnicodeDecodeError as error:
        raise ValueError(f"{data} is not in UTF-8 ({error.reason} at byte {error.start}); convert it") from error
    if not texts:
        raise ValueError(f"{data} has no caption; write one per {'line' if suffix == '.txt' else 'row'}")
    for number, text in enumerate(texts, 1):
        if not text.strip():
            raise ValueError(f"{data}: caption {number} of {len(texts)} is empty; every row needs a text")
    return Captions(data, texts)


def _images(root: Path) -> Iterator[str]:
    """Names of the images below a folder, through links, without hidden ones."""
    for folder, inner, files in os.walk(root, followlinks=True):
        inner[:] = [name for name in inner if not name.startswith(".")]
        here = os.path.realpath(folder)
        for name in inner:
            target = os.path.realpath(os.path.join(folder, name))
            if os.path.commonpath([here, target]) == target:
                raise ValueError(f"{os.path.join(folder, name)} links to a folder that it lies in; remove the link")
        for name in files:
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith("."):
                yield Path(folder, name).relative_to(root).as_posix()


def _lines(path: Path, _: str | None) -> Iterator[str]:
    # Not str.splitlines, which also ends a line at characters that captions may hold.
    text = path.read_text(encoding="utf-8-sig")
    return iter(text.removesuffix("\n").split("\n") if text else ())


def _csv(path: Path, column: str | None) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            for row in reader:
                yield _field(path, reader.line_num, row, column)
            if column not in (known := reader.fieldnames or ()):
                raise ValueError(f"{path} has no column {column!r}; it has {', '.join(known) or 'none'}")
        except csv.Error as error:
            raise ValueError(f"{path}, line {reader.reader.line_num}: {error}; mend the line") from error


def _jsonl(path: Path, column: str | None) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{path}, line {number} is no JSON; write one object per line") from error
            if not isinstance(row, dict):
                raise ValueError(f"{path}, line {number} is no JSON object; write one object per line")
            yield _field(path, number, row, column)


def _field(path: Path, number: int, row: dict, column: str | None) -> str:
    if column not in row:
        raise ValueError(f"{path}, line {number} has no column {column!r}; it has {', '.join(map(str, row)) or 'none'}")
    if not isinstance(row[column], str):
        raise ValueError(f"{path}, line {number}: column {column!r} holds no text; give every row one")
    return row[column]


READERS = {".txt": _lines, ".csv": _csv, ".jsonl": _jsonl}
