"""Backgrounds: what is put where, that labels stay, what fails goes to quarantine, and repeatability."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from curate.background import background
from curate.basics import geometry, images
from curate.basics.engine import Local
from curate.basics.errors import ConfigChanged, InputError, UnreadableImage
from curate.build import build
from curate.data.dataset import Dataset
from curate.data.part import Part
from curate.data.sample import Sample, to_batch
from curate.data.stage import Stage, relative_to_out
from curate.hands import masks
from curate.hands.compositing import Backdrops, composite
from curate.hands.masks import Colours, Matte
from curate.options.background import BackgroundOptions
from curate.options.build import BuildOptions

SKIN, GROUND = (198, 134, 100), (250, 250, 248)


def store(folder: Path, samples: list[Sample]) -> Path:
    Stage("make", folder, {}).run([samples], make_part)
    return folder


def make_part(samples: list[Sample]) -> Part:
    return Part(to_batch(samples))


def disc(radius: int = 40, width: int = 200, height: int = 160) -> np.ndarray:
    y, x = np.mgrid[:height, :width] + 0.5
    return (x - 120) ** 2 + (y - 90) ** 2 < radius**2


def picture() -> np.ndarray:
    return np.where(disc()[..., None], SKIN, GROUND).astype(np.uint8)


def sample(name: str, **fields) -> Sample:
    turn = np.linspace(0, 2 * np.pi, 21)
    points = np.stack([120 + 30 * np.cos(turn), 90 + 30 * np.sin(turn)], axis=1)
    return Sample(
        f"s/{name}",
        "s",
        f"{name}.png",
        keypoints=points.astype(np.float32),
        visibility=np.full(21, 2, np.uint8),
        **fields,
    )


def test_composite_by_hand() -> None:
    """Hand 200, ground 240: a pixel of 220 is half of each. Before black half the hand is left: 100."""
    image = np.array([[[200] * 3, [220] * 3, [240] * 3]], np.uint8)
    colours = Colours(np.full((1, 1, 3), 200, np.float32), np.full((1, 1, 3), 240, np.float32))
    matte = Matte(np.array([[255, 128, 0]], np.uint8), colours)
    made = composite(image, matte, np.zeros_like(image))
    np.testing.assert_array_equal(made[0, :, 0], [200, 100, 0])
    # Before the old ground the old picture is back.
    again = composite(image, matte, np.full_like(image, 240))
    np.testing.assert_allclose(again, image, atol=1)
    grey = composite(image[..., 0], matte, np.zeros((1, 3), np.uint8))
    np.testing.assert_array_equal(grey, [[200, 100, 0]])


def test_no_rim_of_the_old_ground_is_left(drawn_dataset: Path) -> None:
    dataset = Dataset(drawn_dataset)
    image = dataset.read_image(next(iter(dataset)))
    matte = masks.find(image)
    assert matte is not None
    black = composite(image, matte, np.zeros_like(image)).astype(int)
    rim = (matte.alpha > 0) & (matte.alpha < 255)
    plain = image * (matte.alpha[..., None] / 255)
    # The ground is brighter than the skin: what is left of it would brighten the rim.
    assert black[rim].mean() < plain[rim].mean() - 5


@pytest.mark.parametrize("what", ["white", "noise", "gradient", "colour:#1030F0"])
def test_backdrops_fill_the_image_and_follow_the_seed(what: str) -> None:
    backdrops = Backdrops.of(what)
    one, same, other = (backdrops.draw(np.random.default_rng(seed), 70, 50) for seed in (1, 1, 2))
    assert one.shape == (50, 70, 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() == (what in ("noise", "gradient"))
    if what.startswith("colour"):
        assert (one == (0x10, 0x30, 0xF0)).all()


@pytest.mark.parametrize("size", [(64, 48), (30, 90), (700, 500)])
def test_backdrops_from_files_cover_whatever_size(tmp_path: Path, size: tuple[int, int]) -> None:
    red = np.zeros((60, 80, 3), np.uint8)
    red[..., 0] = 200
    images.write(tmp_path / "in" / "a.png", red)
    (tmp_path / "in" / "0.jpg").write_bytes(b"no image")
    part = Backdrops.of(tmp_path).draw(np.random.default_rng(0), *size)
    assert part.shape == (size[1], size[0], 3)
    assert (part == (200, 0, 0)).all()
    (tmp_path / "in" / "a.png").unlink()
    images.write(tmp_path / "in" / "strip.png", np.zeros((9000, 2, 3), np.uint8))  # millions of pixels long
    with pytest.raises(UnreadableImage, match="none of its images can be read"):
        Backdrops.of(tmp_path).draw(np.random.default_rng(0), *size)


def test_backdrops_that_cannot_be_read_are_told(drawn_dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    images.write(folder / "a.jpg", noise)
    whole = (folder / "a.jpg").read_bytes()
    (folder / "below").mkdir()
    (folder / "below" / "b.JPG").write_bytes(whole[:-9000] + whole[-2:])  # its header is sound
    (folder / "c.heic").write_bytes(b"no image")
    (folder / "d.png").symlink_to("gone.png")
    (folder / "read.me").write_text("text")
    options = BackgroundOptions(backgrounds=str(folder))
    summary = background(drawn_dataset, tmp_path / "out", options, quiet=True)
    assert summary.samples == len(Dataset(drawn_dataset))
    told = {entry["input"]: entry["reason"] for entry in Dataset(tmp_path / "out").quarantine()}
    assert told.keys() == {"backdrop below/b.JPG", "backdrop c.heic", "backdrop d.png"}
    assert "damaged" in told["backdrop below/b.JPG"]
    assert summary.notes["file that is no picture, passed over: .me"] == 1
    form = BuildOptions(size=32, backgrounds=("own", str(folder)))
    build([drawn_dataset], tmp_path / "set", form, quiet=True)
    again = {entry["input"] for entry in Dataset(tmp_path / "set").quarantine()}
    assert again == told.keys()


def test_labels_stay_and_masks_are_kept(drawn_dataset: Path, tmp_path: Path) -> None:
    summary = background(
        drawn_dataset, tmp_path / "b", BackgroundOptions(backgrounds="colour:#0000ff"), quiet=True
    )
    assert (summary.samples, summary.quarantined, summary.dropped) == (24, 0, {})
    made = Dataset(tmp_path / "b")
    for before, after in zip(Dataset(drawn_dataset), made, strict=True):
        assert after.sample_id == after.parent_id == before.sample_id
        np.testing.assert_array_equal(after.keypoints, before.keypoints)
        np.testing.assert_array_equal(after.transform, geometry.IDENTITY)
        alpha = images.read(tmp_path / "b" / after.mask, grey=True)
        pixels = made.read_image(after)
        assert images.pixel_sha256(pixels) == after.sha256
        assert after.image.endswith(".jpg")
        ground = pixels[alpha == 0].astype(int)
        assert (np.abs(ground - (0, 0, 255)).max(axis=1) < 30).mean() > 0.99
        hand = np.abs(pixels.astype(int) - Dataset(drawn_dataset).read_image(before))[alpha == 255]
        assert hand.mean() < 5


def test_the_result_is_the_same_whatever_the_workers_order_or_neighbours(
    drawn_dataset: Path, tmp_path: Path
) -> None:
    some = [
        replace(s, image=relative_to_out(drawn_dataset / s.image, tmp_path / "d"))
        for s in Dataset(drawn_dataset)
    ][:10]
    store(tmp_path / "d", some)
    store(tmp_path / "e", some[:4:-1])
    options, other = (BackgroundOptions(backgrounds="noise", seed=seed) for seed in (5, 6))
    first = background(tmp_path / "d", tmp_path / "1", options, quiet=True)
    background(tmp_path / "d", tmp_path / "2", options, engine=Local(3), quiet=True)
    background(tmp_path / "e", tmp_path / "3", options, quiet=True)
    background(tmp_path / "d", tmp_path / "4", other, quiet=True)
    files = {p.relative_to(tmp_path / "1") for p in (tmp_path / "1").rglob("*") if p.is_file()}
    assert len(files) == 2 * 10 + 4
    for name in files:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name
    sums = {n: {s.sample_id: s.sha256 for s in Dataset(tmp_path / n)} for n in "134"}
    assert sums["3"] == {name: sums["1"][name] for name in sums["3"]}
    assert not set(sums["1"].values()) & set(sums["4"].values())
    assert background(tmp_path / "d", tmp_path / "1", options, quiet=True).reused
    assert not first.reused
    with pytest.raises(ConfigChanged, match="seed was 5, now 6"):
        background(tmp_path / "d", tmp_path / "1", other, quiet=True)


def test_what_is_no_hand_goes_to_quarantine_with_its_picture(tmp_path: Path) -> None:
    data = store(
        tmp_path / "d",
        [
            sample("good"),
            sample("plain"),
            sample("gone"),
            sample("masked", mask="mask.png", side="right"),
            sample("broken", mask="small.png"),
        ],
    )
    off = sample("off")
    off.keypoints[:6] = (120, 90) + 1.8 * (off.keypoints[:6] - (120, 90))
    store(tmp_path / "off", [replace(off, image="../d/good.png")])
    for name in ("good", "masked", "broken"):
        images.write(data / f"{name}.png", picture())
    images.write(data / "plain.png", np.full((160, 200, 3), 240, np.uint8))
    images.write(data / "mask.png", disc().astype(np.uint8) * 20)
    images.write(data / "small.png", np.ones((5, 5), np.uint8))
    summary = background(data, tmp_path / "b", quiet=True)
    made = Dataset(tmp_path / "b")
    assert [s.sample_id for s in made] == ["s/good", "s/masked"]
    assert summary.notes == {"masks_of_the_source": 1}
    assert {entry["input"]: entry["reason"] for entry in made.quarantine()} == {
        "s/plain": "no hand on a plain background is seen",
        "s/gone": "no such image file",
        "s/broken": "a mask of 5 x 5; allowed: 200 x 160, as its image",
    }
    (shown,) = (tmp_path / "b" / "quarantine").iterdir()
    assert shown.name.startswith("s_plain-")
    for kept in made:
        alpha = images.read(tmp_path / "b" / kept.mask, grey=True)
        assert ((alpha >= 128) ^ disc()).mean() < 0.005
    assert background(tmp_path / "off", tmp_path / "o", quiet=True).quarantined == 1
    (entry,) = Dataset(tmp_path / "o").quarantine()
    assert "visible keypoints lie over 2 % of the hand's size off the mask" in entry["reason"]


def test_hands_that_share_a_photo_need_masks(tmp_path: Path) -> None:
    two = [sample("a"), replace(sample("a"), sample_id="s/b", mask="m.png")]
    data = store(tmp_path / "d", two)
    images.write(data / "a.png", picture())
    images.write(data / "m.png", disc().astype(np.uint8) * 255)
    summary = background(data, tmp_path / "b", quiet=True)
    assert summary.dropped == {"shares its photo with another hand and has no mask": 1}
    assert [s.sample_id for s in Dataset(tmp_path / "b")] == ["s/b"]


def test_a_second_replacement_uses_the_first_ones_alpha(drawn_dataset: Path, tmp_path: Path) -> None:
    background(drawn_dataset, tmp_path / "1", BackgroundOptions(backgrounds="noise"), quiet=True)
    background(tmp_path / "1", tmp_path / "2", BackgroundOptions(backgrounds="white"), quiet=True)
    for one, two in zip(Dataset(tmp_path / "1"), Dataset(tmp_path / "2"), strict=True):
        first = images.read(tmp_path / "1" / one.mask, grey=True)
        np.testing.assert_array_equal(images.read(tmp_path / "2" / two.mask, grey=True), first)
        assert two.parent_id == one.parent_id


@pytest.mark.parametrize("what", ["pink", "colour:red", "colour:#12345", "empty"])
def test_unknown_backgrounds_are_refused(
    drawn_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"^--backgrounds: .*allowed: white, noise, gradient, colour:#"):
        background(drawn_dataset, tmp_path / "b", BackgroundOptions(backgrounds=what))
    assert not (tmp_path / "b").exists()
