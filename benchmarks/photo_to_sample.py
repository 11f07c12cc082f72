"""From a photo to a 96-px training sample on a white ground: ours, the straightforward way and cv2.imread.

python benchmarks/photo_to_sample.py [--photos DIR] [--size 96] [--rounds 3]

Ours is the whole of `curate build --crop colour --backgrounds white` and the drawing of heatmaps on reading;
the straightforward way decodes all, finds the mask at full size with scikit-image, blends in numpy, draws
each heatmap by itself and stores all compressed. Each on the photos as they are ("light") and on noisy ones
of quality 90 ("heavy"); without --photos on drawn hands of 1600 x 1200. CPU time on one core; the medians of
interleaved rounds. PSNR: the final crop against one cut out of the full decode by INTER_AREA.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import color, filters, measure, morphology

from curate.basics import files, geometry, heatmaps, images
from curate.build import build
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, labelled_points, to_batch
from curate.data.stage import Stage, relative_to_out
from curate.hands import drawn_hands
from curate.options.build import BuildOptions

SIGMA, BATCH = 5.0, 64


def main() -> None:
    """Time the three on light and on heavy photos and print their ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--photos", type=Path, metavar="DIR")
    options.add_argument("--size", type=int, choices=[96, 128], default=96)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--count", type=int, default=192, help="photos that one build of ours works through")
    given = options.parse_args()
    cv2.setNumThreads(1)
    print(
        f"{'':6} {'KB':>4} {'straightforward':>15} {'imread':>8} {'ours':>8} "
        f"{'times':>6} {'of imread':>9} {'PSNR median':>11} {'least':>6}"
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sources = photographs(given.photos, folder)
        for kind in ("light", "heavy"):
            paths = [stored(path, folder / kind / f"{path.stem}.jpg", kind) for path in sources]
            data = dataset(paths, folder / f"data-{kind}", given.count)
            slow, read, ours = timed(paths, data, folder, given.size, given.rounds)
            ratios = [peak_ratio(s, data, given.size) for s in fitted(data, folder, given.size, len(paths))]
            kilobytes = statistics.mean(path.stat().st_size for path in paths) / 1000
            print(
                f"{kind:6} {kilobytes:4.0f} {1e3 * slow:12.1f} ms {1e3 * read:5.2f} ms {1e3 * ours:5.2f} ms "
                f"{slow / ours:6.1f} {ours / read:9.2f} "
                f"{statistics.median(ratios):8.1f} dB {min(ratios):6.1f}"
            )


def photographs(given: Path | None, folder: Path) -> list[Path]:
    """The photos to work on; drawn ones where none are given."""
    if given is not None:
        return sorted(given.rglob("*.jpg"))
    paths = []
    for number in range(8):
        rng = np.random.default_rng([7, number])
        picture, _ = drawn_hands.draw_hand(
            rng, drawn_hands.Person.sample(rng), "left", width=1600, height=1200
        )
        paths.append(folder / "drawn" / f"{number}.jpg")
        images.write(paths[-1], picture, quality=75)
    return paths


def stored(path: Path, target: Path, kind: str) -> Path:
    """The photo as it is, or with noise at quality 90."""
    if kind == "light":
        files.write(target, path.read_bytes())
        return target
    picture = images.read(path)
    noise = np.random.default_rng(3).normal(0, 4, picture.shape)
    images.write(target, np.clip(picture + noise, 0, 255).astype(np.uint8), quality=90)
    return target


def dataset(paths: list[Path], folder: Path, count: int) -> Path:
    """A dataset of `count` samples of these photos, each with labels somewhere on it."""
    points = np.random.default_rng(0).uniform((500, 300), (1100, 900), (21, 2)).astype(np.float32)
    samples = []
    pictures = folder.with_name(f"photos-{folder.name}")
    pictures.mkdir(parents=True)
    for number in range(max(count, len(paths))):
        path = paths[number % len(paths)]
        photo = pictures / f"{number}.jpg"
        shutil.copyfile(path, photo)
        samples.append(
            Sample(
                f"s/{number:05d}",
                "s",
                relative_to_out(photo, folder),
                subject_id=str(number % 7),
                keypoints=points,
                visibility=np.ones(21, np.uint8),  # hidden, so that no mask is checked against them
            )
        )
    Stage("make", folder, {}, refers_to=(pictures,)).run([samples], part_of)
    return folder


def part_of(samples: list[Sample]) -> Part:
    """The samples as they are."""
    return Part(to_batch(samples))


def timed(paths: list[Path], data: Path, folder: Path, size: int, rounds: int) -> tuple[float, float, float]:
    """Seconds a photo: the straightforward way, cv2.imread alone, ours."""
    slow: list[float] = []
    read: list[float] = []
    ours: list[float] = []
    points = next(iter(Dataset(data))).keypoints
    maps = np.empty((BATCH, 21, size, size), np.float32)  # drawn into again and again, as training does
    for number in range(rounds + 1):
        for path in paths[number % 2 :: 2]:
            start = time.process_time()
            straightforward(path, points, folder / "sample.npz", size)
            slow.append(time.process_time() - start)
            start = time.process_time()
            cv2.imread(str(path))
            read.append(time.process_time() - start)
        start = time.process_time()
        summary = build(
            [data],
            folder / f"set-{data.name}-{number}",
            BuildOptions(size=size, crop="colour", backgrounds="white"),
            quiet=True,
        )
        made = Dataset(summary.out)
        for batch in made.batches(maps.shape[0]):
            seen = labelled_points(batch)
            heatmaps.draw(*seen, size, SIGMA, out=maps[: batch.num_rows])
        ours.append((time.process_time() - start) / len(Dataset(data)))
        assert summary.quarantined == 0, made.quarantine()[:3]
    # The first round is for modules to be loaded and memory to be had.
    return statistics.median(slow), statistics.median(read), statistics.median(ours[1:])


def straightforward(path: Path, points: NDArray[np.float32], target: Path, size: int) -> None:
    """The paper's four steps as one writes them first: gradient, fill, islands and borders, soft alpha."""
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    edges = filters.sobel(color.rgb2gray(image))
    closed = morphology.closing(edges > filters.threshold_otsu(edges), morphology.disk(3))
    filled = morphology.opening(ndimage.binary_fill_holes(closed), morphology.disk(3))
    pieces = measure.label(filled)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    mask = pieces == sizes.argmax()
    alpha = filters.gaussian(mask.astype(np.float64), 1.0)[..., None]
    blended = (image * alpha + 255 * (1 - alpha)).astype(np.uint8)
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
    x, y, side, _ = (round(float(value)) for value in geometry.square_around(box, 0.1))
    crop = cv2.cvtColor(images.cut_square(blended, (x, y), side, size), cv2.COLOR_RGB2GRAY)
    ys, xs = np.mgrid[:size, :size] + 0.5
    moved = (points - (x, y)) * size / side
    maps = [
        np.exp(-((xs - u) ** 2 + (ys - v) ** 2) / (2 * SIGMA**2)) / (2 * np.pi * SIGMA**2) for u, v in moved
    ]
    np.savez_compressed(target, image=crop, heatmaps=np.array(maps, np.float32))


def fitted(data: Path, folder: Path, size: int, count: int) -> list[tuple[Sample, images.Pixels]]:
    """The first samples of a set whose ground was left, and their images."""
    out = folder / f"plain-{data.name}"
    build([data], out, BuildOptions(size=size, crop="colour", colour=True), quiet=True)
    made = Dataset(out)
    return [(sample, made.read_image(sample)) for sample, _ in zip(made, range(count), strict=False)]


def peak_ratio(found: tuple[Sample, images.Pixels], data: Path, size: int) -> float:
    """PSNR in dB of a crop against the same one cut out of the full decode."""
    sample, pixels = found
    path = data / next(s.image for s in Dataset(data) if s.sample_id == sample.sample_id)
    corner, side = sample.transform[:, 2], sample.transform[0, 0] * size
    box = (round(corner[0]), round(corner[1]), round(side), round(side))
    exact = images.cut(images.read(path), box, (size, size))
    error = float(((exact.astype(float) - pixels) ** 2).mean())
    return 99.0 if error == 0 else 10 * float(np.log10(255**2 / error))


if __name__ == "__main__":
    main()
