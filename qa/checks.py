"""The table of checks. A check is a row: what it is called, how grave, what it measures, what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from qa import labels, maps, pose, sets
from qa.finding import Finding, Hit, Outcome, Scope, Severity
from qa.view import View


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes
    ----------
    id: its name in findings. title: what holds when nothing is found.
    severity: of its findings, unless a hit says otherwise. scope: what a finding concerns.
    run: the measurement: pure, over whole columns; gives hits, worst first.
    sentence: what a person reads, filled in with a hit's words. remedy: what to do about it.
    limits: its parameters and their defaults.
    """

    id: str
    title: str
    severity: Severity
    scope: Scope
    run: Callable[[View, Mapping[str, float]], Outcome]
    sentence: str
    remedy: str
    limits: Mapping[str, float] = field(default_factory=dict)

    def findings(self, view: View, outcome: Outcome) -> list[Finding]:
        """The outcome's hits as findings, in words."""
        return [self._finding(view, hit) for hit in outcome.hits]

    def _finding(self, view: View, hit: Hit) -> Finding:
        row = hit.row
        return Finding(
            check=self.id,
            severity=hit.severity or self.severity,
            scope=self.scope,
            dataset=None if row is None else view.folder(row),
            sample_id=None if row is None else view.sample_id[row],
            split=hit.split if row is None else view.split[row],
            score=round(hit.score, 6),
            threshold=hit.threshold,
            message=self.sentence.format_map({**hit.words, "score": hit.score}),
            remedy=self.remedy,
            row=row,
        )


CHECKS: tuple[Check, ...] = (
    Check(
        "no-samples",
        "The set holds samples",
        "error",
        "dataset",
        sets.no_samples,
        "The set holds no sample.",
        "Read the counts of what was dropped in dataset.json, and quarantine.jsonl.",
    ),
    Check(
        "unreadable-image",
        "Every image opens",
        "error",
        "sample",
        labels.unreadable_image,
        "The image {image} cannot be read: {reason}.",
        "Fetch the file again, or leave the sample out.",
    ),
    Check(
        "image-size",
        "Images have the size their labels were made for",
        "error",
        "sample",
        labels.image_size,
        "The labels are for an image of {told}, yet it is {real}.",
        "Convert again from the images that were labelled; a file that was turned or resized since "
        "puts every point in the wrong place.",
        {"pixels": 0.5},
    ),
    Check(
        "placeholder-points",
        "No labelled point is a placeholder at (0, 0)",
        "error",
        "sample",
        labels.placeholder_points,
        "Labelled at (0, 0), where some tools put what is not labelled: {points}.",
        "Mark these points as not labelled (visibility 0) in the source.",
        {"pixels": 0.01},
    ),
    Check(
        "coincident-points",
        "Points of a hand lie apart",
        "error",
        "sample",
        labels.coincident_points,
        "{pairs} of points lie on each other: the hand has collapsed, or points were copied.",
        "Label the hand again, or leave the sample out.",
        {"pixels": 0.5, "pairs": 3},
    ),
    Check(
        "few-points",
        "Hands are fully labelled",
        "warning",
        "sample",
        labels.few_points,
        "{count} of {expected} keypoints are labelled; missing: {missing}.",
        "Label the rest, or train with a loss that leaves unlabelled points out.",
        {"least": 12},
    ),
    Check(
        "out-of-frame",
        "Labelled points lie inside their image",
        "error",
        "sample",
        labels.out_of_frame,
        "Outside the {size} image, {far}: {points}.",
        "Mark points that cannot be seen as hidden (visibility 1); points far outside are wrong. "
        "In crops: a larger margin keeps them in.",
        {"far": 0.10},
    ),
    Check(
        "handedness",
        "Side and aspect agree with the points",
        "error",
        "sample",
        labels.handedness,
        "Called a {side} hand seen from its {aspect} side, yet the points turn like a {found} hand's.",
        "Look at the picture: the side or aspect is wrong, the image was mirrored without its side, or the "
        "thumb was taken for the little finger.",
        {"turn": 0.1},
    ),
    Check(
        "finger-order",
        "Fingers are numbered from palm to tip",
        "error",
        "sample",
        labels.finger_order,
        "{backward} of {measured} fingers run from the tip to the palm.",
        "Reverse the four points of each finger in the source, or its order map.",
        {"share": 0.6},
    ),
    Check(
        "finger-order-set",
        "The source's keypoint order is mapped right",
        "error",
        "dataset",
        sets.finger_order_set,
        "In {bad} of {count} hands the fingers run from the tip to the palm: the order map is wrong.",
        "Correct the keypoint order of the source's converter or mapping, and convert again.",
        {"share": 0.05, "fingers": 0.6},
    ),
    Check(
        "mcp-fan",
        "Fingers stand side by side in their order",
        "warning",
        "sample",
        pose.mcp_fan,
        "The {one} and {other} fingers' MCPs stand the wrong way round, by {score:.0f} degrees.",
        "Look whether two fingers were swapped.",
        {"degrees": 2.0, "turn": 0.1},
    ),
    Check(
        "fold-back",
        "No finger folds back on itself",
        "warning",
        "sample",
        pose.fold_back,
        "The angle inside {joint} is {score:.0f} degrees.",
        "Look whether neighbouring joints were swapped; bent fingers seen from their tips may look so.",
        {"degrees": 35.0},
    ),
    Check(
        "bone-length",
        "Bones are as long as in the source's other hands",
        "warning",
        "sample",
        pose.bone_length,
        "The bone from {bone} is too {kind}: {score:.1f} robust standard deviations from its source's.",
        "Look at its two points; in sets of bent hands bones are foreshortened by right.",
        {"z": 6.0, "samples": 50},
    ),
    Check(
        "pose-outlier",
        "Each point lies where the rest of the hand wants it",
        "error",
        "sample",
        pose.pose_outlier,
        "{what} does not fit the rest of the hand: {score:.1f} robust standard deviations above what is "
        "usual in its source.",
        "Look at the points named, label them again, or leave the sample out; keep it where the pose is "
        "merely rare.",
        {"warning": 2.3, "error": 2.8, "samples": 100, "points": 12},
    ),
    Check(
        "anisotropy",
        "Photographs are not stretched",
        "error",
        "dataset",
        pose.anisotropy,
        "In {source} ({count} hands) bones along x seem {ratio} times as long as along y.",
        "Look for a resize that did not keep the aspect ratio, in the images or in the labels.",
        {"warning": 0.08, "error": 0.15, "samples": 100},
    ),
    Check(
        "exact-duplicates",
        "No image stands in the set twice",
        "warning",
        "sample",
        sets.exact_duplicates,
        "The same pixels as {other} ({splits}).",
        "Keep one of them; across splits the test would ask what training has told.",
    ),
    Check(
        "subject-leak",
        "Each person stands in one split",
        "error",
        "dataset",
        sets.subject_leak,
        "Subject {name} stands in several splits: {splits}.",
        "Split by subject: curate build does.",
    ),
    Check(
        "parent-leak",
        "Crops of one photograph stand in one split",
        "error",
        "dataset",
        sets.parent_leak,
        "Crops of {name} stand in several splits: {splits}.",
        "Split by subject or photograph: curate build does.",
    ),
    Check(
        "crop-centre",
        "Hands lie in the middle of their crops",
        "error",
        "split",
        sets.crop_centre,
        "In {split} ({count} crops) the hands' boxes lie {box} off the middle, "
        "the mean of the keypoints {mean}.",
        "Crop again around the keypoints' box; a network learns the offset instead of the hand.",
        {"warning": 0.02, "error": 0.04},
    ),
    Check(
        "crop-centre-drift",
        "All splits are cropped alike",
        "error",
        "split",
        sets.crop_centre_drift,
        "The {what} lies {here} off the crop's middle in {split}, {train} in train.",
        "Crop every split with the same settings.",
        {"share": 0.015},
    ),
    Check(
        "heatmap-peak",
        "Heatmaps peak at their keypoints",
        "error",
        "sample",
        maps.heatmap_peak,
        "The heatmap of {keypoint} peaks {score:.2f} px from its keypoint.",
        "Draw the heatmaps again from the keypoints: curate build does.",
        {"pixels": 0.51, "samples": 512},
    ),
    Check(
        "heatmap-mass",
        "Heatmaps weigh what their Gaussian weighs inside the frame",
        "error",
        "sample",
        maps.heatmap_mass,
        "The heatmap of {keypoint} sums to {found}, where its Gaussian has {wanted} inside the frame.",
        "Draw the heatmaps again, unclipped and with the set's sigma: curate build does.",
        {"share": 0.01, "samples": 512},
    ),
    Check(
        "heatmap-levels",
        "Stored heatmaps keep their shape",
        "error",
        "dataset",
        maps.heatmap_levels,
        "heatmaps.npy holds {dtype} with {levels} different values: "
        "too coarse for a Gaussian of sigma {sigma}.",
        "Store float16 or float32, or 8 bits with peak 1, or none: they are drawn on reading.",
        {"levels": 32, "samples": 512},
    ),
)
