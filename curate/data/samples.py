"""Some of a dataset's samples as a sequence, for scripts and notebooks: by index, filtered, shown, for torch.

Nothing is copied: it holds which rows of the dataset they are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from curate.basics import images, pages
from curate.basics import keypoints as kp
from curate.basics.errors import InputError, UnreadableImage
from curate.basics.wording import counted
from curate.data import references
from curate.data.condition import Condition, require_known, row_of
from curate.data.sample import Sample, labelled_points

if TYPE_CHECKING:
    from curate.data.dataset import Dataset

_SHOWN = 12  # pictures in a notebook
_SIDE = 320  # px of a picture, shown at half of that
_NAME = 40  # letters of a sample's name

Item = dict[str, Any]


class Samples(Sequence[Sample]):
    """Some rows of a dataset, in its order.

    Attributes
    ----------
    dataset: the dataset. rows: (n,) the numbers of the rows.
    """

    def __init__(self, dataset: Dataset, rows: NDArray[np.intp]) -> None:
        self.dataset, self.rows = dataset, rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self.dataset, self.rows[index])
        try:
            row = int(self.rows[operator.index(index)])
        except TypeError:
            found = f"a whole number or a slice, not {type(index).__name__}"
            raise TypeError(f"samples are taken by {found}; several rows: Dataset.take") from None
        (sample,) = self.dataset.take([row])
        return sample

    def __iter__(self) -> Iterator[Sample]:
        return self.dataset.take(self.rows)

    def __repr__(self) -> str:
        return f"Samples({counted(len(self), 'sample')} of {self.dataset!r})"

    def filter(self, condition: str | Callable[[Sample], bool]) -> Samples:
        """The samples that meet a condition: text as for `curate select --where`, or a function.

        Raises InputError: text that is not a condition, or that names what is neither a column nor in any
        sample's attrs.
        """
        if isinstance(condition, str):
            return self._that_meet(_condition(condition))
        kept = [row for row, sample in zip(self.rows, self, strict=True) if condition(sample)]
        return Samples(self.dataset, np.array(kept, np.intp))

    def _that_meet(self, condition: Condition) -> Samples:
        kept, seen = [], set[str]()
        for row, sample in zip(self.rows, self, strict=True):
            seen.update(sample.attrs)
            if condition.holds(row_of(sample, condition.columns)):
                kept.append(row)
        if len(self) and not condition.attributes <= seen:  # samples that are not among these may have it
            seen.update(*(sample.attrs for sample in self.dataset))
            require_known(self.dataset.root, condition.attributes, seen)
        return Samples(self.dataset, np.array(kept, np.intp))

    def to_torch(self, transform: Callable[[Item], Any] | None = None) -> Examples:
        """The samples in a form that `torch.utils.data.DataLoader` accepts, see `Examples`; torch is not
        imported.

        Parameters
        ----------
        transform: applied to each item, for example to crop images to one size so that they can be stacked.
        """
        return Examples(self, transform)

    def _repr_html_(self) -> str:
        """The HTML that a notebook shows: the first samples with their keypoints."""
        name = self.dataset.name
        more = f", the first {_SHOWN}" if len(self) > _SHOWN else ""
        figures = Markup("").join(_figure(self.dataset, sample) for sample in self[:_SHOWN])
        html = Markup(
            '<div><p style="margin:4px 0"><b>{}</b>: {}{}</p>'
            '<div style="display:flex;flex-wrap:wrap;gap:10px">{}</div></div>'
        )
        return str(html.format(name, counted(len(self), "sample"), more, figures))


class Examples:
    """Samples as a map-style dataset of numpy arrays, which a DataLoader stacks into tensors.

    An item has "image", (3 or 1, H, W) float32 in [0, 1]; "keypoints", (21, 2) float32, pixels of the image
    with the origin at its outer corner, NaN where unlabelled; "visibility", (21,) int64; and "sample_id".
    Images of one size, such as those of a training set, can be stacked; others need a transform, or batches
    of one.

    Accessing a sample whose image cannot be read raises UnreadableImage.
    """

    def __init__(self, samples: Samples, transform: Callable[[Item], Any] | None = None) -> None:
        self._root = samples.dataset.root.absolute()  # they are read later, and by other processes
        table = samples.dataset.table(["sample_id", "image", "keypoints", "visibility"]).take(samples.rows)
        self._ids, self._images = table.column("sample_id").to_pylist(), table.column("image").to_pylist()
        self._points, self._seen = labelled_points(table)
        self._transform = transform

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int) -> Any:
        image = references.read_image(self._root, self._images[index])
        planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
        item = {
            "image": np.ascontiguousarray(planes, np.float32) / 255,
            "keypoints": self._points[index].copy(),
            "visibility": self._seen[index].astype(np.int64),
            "sample_id": self._ids[index],
        }
        return item if self._transform is None else self._transform(item)


def _condition(text: str) -> Condition:
    try:
        return Condition(text)
    except ValueError as error:
        raise InputError("filter", f"{text[:80]!r}: {error}", allowed="as --where of curate select") from None


def _figure(dataset: Dataset, sample: Sample) -> Markup:
    """A picture with its keypoints drawn over it, and the sample's name. Names are escaped."""
    half = _SIDE // 2
    try:
        image = dataset.read_image(sample)
    except UnreadableImage:
        picture = Markup('<div style="height:{0}px;background:#8884">cannot be read</div>').format(half)
    else:
        height, width = image.shape[:2]
        small = images.reduced(image, _SIDE)
        drawing = Markup("").join(_bones(sample, _SIDE / max(width, height)))
        picture = Markup(
            '<svg viewBox="0 0 {w} {h}" width="{half}" style="display:block;border-radius:6px">'
            '<image href="{data}" width="{w}" height="{h}"/>{drawing}</svg>'
        ).format(w=small.shape[1], h=small.shape[0], half=half, data=pages.data_url(small), drawing=drawing)
    return Markup(
        '<figure style="margin:0;width:{}px">{}<figcaption title="{}" style="font-size:11px;opacity:.7;'
        'overflow:hidden;text-overflow:ellipsis;white-space:nowrap">{}</figcaption></figure>'
    ).format(half, picture, sample.sample_id, _short(sample.sample_id))


def _bones(sample: Sample, scale: float) -> Iterator[Markup]:
    places = np.where((sample.visibility > 0)[:, None], sample.keypoints, np.nan) * scale
    there = np.asarray(np.isfinite(places).all(axis=1))
    for a, b in kp.BONES:
        if there[a] and there[b]:
            yield Markup(
                '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" stroke="{}" stroke-width="4"/>'
            ).format(*places[a], *places[b], kp.hex_colour(b))
    for k in map(int, np.flatnonzero(there)):
        fill = "none" if sample.visibility[k] == kp.HIDDEN else kp.hex_colour(k)
        yield Markup('<circle cx="{:.1f}" cy="{:.1f}" r="5" fill="{}" stroke="{}" stroke-width="2"/>').format(
            *places[k], fill, kp.hex_colour(k)
        )


def _short(name: str) -> str:
    return name if len(name) <= _NAME else "…" + name[1 - _NAME :]
