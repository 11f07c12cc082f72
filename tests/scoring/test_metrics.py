"""Metrics on errors small enough to work out by hand."""

import contextlib
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curate.scoring import metrics

NAN, INF = np.nan, np.inf
# The four errors of the reference: one image, four points.
FOUR = np.array([[4.0, 8.0, 14.142, 20.0]])


def test_distances_leave_out_the_unlabelled_and_count_missing_predictions_as_infinite() -> None:
    truth = [[[0, 0], [10, 10], [5, 5], [NAN, NAN]]]
    predicted = [[[3, 4], [10, 10], [NAN, NAN], [7, 7]]]
    table = metrics.distances(predicted, truth, [[True, True, True, False]])
    np.testing.assert_array_equal(table, [[5.0, 0.0, INF, NAN]])


def test_mean_and_median_error() -> None:
    assert metrics.epe_mean(FOUR) == pytest.approx(11.5355, abs=1e-4)
    exact = np.array([[4.0, 8.0, math.sqrt(200), 20.0]])
    assert metrics.epe_mean(exact) == pytest.approx(11.5355339)
    assert metrics.epe_median(FOUR) == pytest.approx((8 + 14.142) / 2)


def test_pooled_and_per_joint_means_differ_where_labels_are_missing() -> None:
    table = np.array([[1.0, 10.0], [3.0, NAN]])
    assert metrics.epe_mean(table) == pytest.approx(14 / 3)
    np.testing.assert_array_equal(metrics.per_joint(table), [2.0, 10.0])
    assert metrics.epe_mean_of_joints(table) == 6.0


def test_mmpose_area_is_a_left_sum_with_strict_thresholds() -> None:
    # Thresholds 0, 5, 10, 15: 0, 1/4, 2/4 and 3/4 of the points lie below.
    assert metrics.auc_mmpose(FOUR.T, 20, 4) == pytest.approx(0.375)
    assert metrics.auc_mmpose(FOUR, 20, 4) == pytest.approx(0.375)


def test_hand3d_area_is_a_trapezoid_over_inclusive_thresholds() -> None:
    # Thresholds 0, 10, 20: PCK 0, 1/2, 1; trapezoids (0 + .5) / 2 * 10 + (.5 + 1) / 2 * 10 = 10 of 20.
    assert metrics.auc_hand3d(FOUR.T, 0, 20, steps=3) == pytest.approx(0.5)


def test_the_two_areas_differ_by_half_the_last_step_and_the_grid() -> None:
    # All errors 0: hand3d has PCK 1 everywhere, mmpose has PCK 0 at its threshold of 0.
    perfect = np.zeros((5, 3))
    assert metrics.auc_hand3d(perfect, 0, 30) == pytest.approx(1.0)
    assert metrics.auc_mmpose(perfect, 30) == pytest.approx(0.95)


def test_pck_includes_its_threshold() -> None:
    assert metrics.pck(FOUR, 8) == 0.5
    assert metrics.pck(FOUR, 7.999) == 0.25


def test_pck_normalised_divides_by_each_images_length_and_averages_over_joints() -> None:
    # Row 1: 4/40 = .1, 8/40 = .2 (not below .2); row 2: 4/10, no label. Joint 1: 1/2, joint 2: 0/1.
    table = np.array([[4.0, 8.0], [4.0, NAN]])
    assert metrics.pck_normalised(table, [40, 10], 0.2) == pytest.approx(0.25)


def test_pck_normalised_leaves_out_images_without_a_length() -> None:
    assert metrics.pck_normalised(np.array([[1.0], [50.0]]), [0, 100], 0.2) == 0.0


def test_an_image_is_right_iff_every_labelled_point_is() -> None:
    table = np.array([[9.0, 1.0], [9.001, 1.0], [NAN, 2.0], [INF, 1.0], [NAN, NAN]])
    assert metrics.all_points_within(table, 9) == 2 / 4


def test_few_wrong_over_all_images_and_over_the_failures() -> None:
    # Wrong points per image: 0, 1, 2, 3, and one image without labels.
    table = np.array([[1.0, 1, 1], [10, 1, 1], [10, INF, 1], [10, 10, 10], [NAN, NAN, NAN]])
    assert metrics.few_wrong(table, 9) == (2 / 4, 2 / 3)


def test_root_alignment_removes_a_common_shift() -> None:
    truth = np.array([[[0.0, 0], [10, 0], [20, 0]]])
    predicted = truth + np.array([3, 4])
    predicted[0, 2] += [0, 2]
    labelled = np.ones((1, 3), bool)
    np.testing.assert_allclose(metrics.root_aligned_distances(predicted, truth, labelled), [[NAN, 0, 2]])
    with_root = metrics.root_aligned_distances(predicted, truth, labelled, with_root=True)
    np.testing.assert_allclose(with_root, [[0, 0, 2]])
    assert metrics.epe_mean(with_root) == pytest.approx(2 / 3)


def test_root_alignment_leaves_out_images_without_the_root() -> None:
    table = metrics.root_aligned_distances(np.zeros((1, 2, 2)), np.ones((1, 2, 2)), [[False, True]])
    assert np.isnan(table).all()


def test_mean_squared_error_in_both_conventions() -> None:
    # 6.93 px RMS is the 47.97 of the older system.
    assert metrics.mean_squared_error(np.array([[3.0, 4.0]])) == 12.5
    assert metrics.mean_squared_error(np.array([[3.0, 4.0]]), per_coordinate=True) == 6.25
    assert metrics.mean_squared_error(np.full((2, 2), math.sqrt(47.97))) == pytest.approx(47.97)


def test_oks_by_hand() -> None:
    # Area 100, sigma .1: 2 * 100 * .2^2 = 8; exp(-4 / 8) and exp(0).
    table = np.array([[2.0, 0.0, NAN]])
    expected = (math.exp(-0.5) + 1) / 2
    assert metrics.oks(table, [100], [0.1, 0.1, 0.1])[0] == pytest.approx(expected)


def test_oks_without_an_area_is_1_where_exact_and_else_0() -> None:
    assert metrics.oks(np.array([[0.0, 1.0]]), [0], [0.1, 0.1])[0] == 0.5


def test_oks_of_a_missing_prediction_is_0() -> None:
    assert metrics.oks(np.array([[INF]]), [100], [0.1])[0] == 0


def test_hand_sigmas_are_coco_wholebodys() -> None:
    assert metrics.HAND_SIGMAS.shape == (21,)
    assert metrics.HAND_SIGMAS[[0, 4, 20]].tolist() == [0.029, 0.047, 0.031]


def test_average_precision_by_hand() -> None:
    # By falling score: right, wrong, right at every threshold: precision 1 to recall 1/3, then 2/3 to 2/3.
    similarity, scores = [1.0, 0.0, 1.0], [0.9, 0.8, 0.7]
    grid = np.linspace(0, 1, 101)
    expected = np.where(grid <= 1 / 3, 1.0, np.where(grid <= 2 / 3, 2 / 3, 0)).mean()
    assert metrics.average_precision(similarity, scores) == pytest.approx(expected)


def test_average_precision_equals_pycocotools() -> None:
    coco_module = pytest.importorskip("pycocotools.coco")
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(0)
    count = 40
    truth = rng.uniform(0, 96, (count, 21, 2))
    predicted = truth + rng.normal(0, 3, truth.shape) * rng.uniform(0.1, 3, (count, 1, 1))
    labelled = rng.random((count, 21)) < 0.9
    scores = rng.random(count)
    _, areas = metrics.box_sizes(truth, labelled)
    table = metrics.distances(predicted, truth, labelled)
    mine = metrics.average_precision(metrics.oks(table, areas, metrics.HAND_SIGMAS), scores)

    coco, found = coco_module.COCO(), coco_module.COCO()
    shared = {"images": [{"id": i + 1} for i in range(count)], "categories": [{"id": 1}]}

    def entry(i: int, points: np.ndarray, seen: np.ndarray) -> dict[str, object]:
        return {
            "id": i + 1, "image_id": i + 1, "category_id": 1, "iscrowd": 0, "area": areas[i],
            "bbox": [0, 0, 96, 96], "num_keypoints": int(seen.sum()), "score": scores[i],
            "keypoints": np.concatenate([points, 2 * seen[:, None]], 1).reshape(-1).tolist(),
        }  # fmt: skip

    coco.dataset = {**shared, "annotations": [entry(i, truth[i], labelled[i]) for i in range(count)]}
    found.dataset = {**shared, "annotations": [entry(i, predicted[i], np.ones(21)) for i in range(count)]}
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex(), found.createIndex()
        judge = COCOeval(coco, found, "keypoints")
        judge.params.kpt_oks_sigmas = metrics.HAND_SIGMAS
        judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"]
    assert mine == pytest.approx(precision[precision > -1].mean(), abs=1e-9)
    assert 0.05 < mine < 0.95


def test_box_sizes_of_labelled_points_only() -> None:
    truth = [[[0, 0], [30, 40], [500, 500]], [[1, 1], [1, 1], [1, 1]]]
    sides, areas = metrics.box_sizes(truth, [[True, True, False], [False, False, False]])
    np.testing.assert_array_equal(sides, [40, NAN])
    np.testing.assert_array_equal(areas, [1200, NAN])


def test_per_image_errors_rank_missing_predictions_last() -> None:
    np.testing.assert_array_equal(
        metrics.per_image(np.array([[1.0, 3.0], [INF, 1.0], [NAN, NAN]])), [2.0, INF, NAN]
    )


EMPTY = np.full((2, 3), NAN)


@pytest.mark.parametrize(
    "measure",
    [
        metrics.epe_mean,
        metrics.epe_median,
        metrics.epe_mean_of_joints,
        metrics.mean_squared_error,
        lambda t: metrics.pck(t, 5),
        lambda t: metrics.all_points_within(t, 9),
        lambda t: metrics.few_wrong(t, 9)[0],
        lambda t: metrics.auc_hand3d(t, 0, 30),
        lambda t: metrics.auc_mmpose(t, 30),
    ],
)
def test_without_labels_there_is_no_figure(measure) -> None:
    assert math.isnan(measure(EMPTY))


tables = hnp.arrays(np.float64, (4, 5), elements=st.one_of(st.floats(0, 60), st.just(INF), st.just(NAN)))


@given(tables)
def test_shares_stay_between_0_and_1_and_grow_with_the_threshold(table: np.ndarray) -> None:
    values = [metrics.pck(table, t) for t in (1, 5, 20, 61)]
    if not math.isnan(values[0]):
        assert all(0 <= v <= 1 for v in values)
        assert values == sorted(values)
        right, (few_all, _) = metrics.all_points_within(table, 9), metrics.few_wrong(table, 9)
        assert right + few_all <= 1 + 1e-12


@given(tables, st.permutations(range(4)))
def test_order_of_the_images_does_not_matter(table: np.ndarray, order: list[int]) -> None:
    again = table[list(order)]
    for measure in (metrics.epe_mean, metrics.epe_mean_of_joints, lambda t: metrics.auc_hand3d(t, 0, 30)):
        np.testing.assert_allclose(measure(again), measure(table))


def test_intersection_over_union_of_masks_by_hand() -> None:
    found, true = np.zeros((3, 2, 3), bool), np.zeros((3, 2, 3), bool)
    found[0, :, :2] = True  # 4 cells, of which 2 are among the 4 true ones
    true[0, :, 1:] = True
    found[1, 0, 0] = True  # and nothing is there
    assert metrics.mask_iou(found, true).tolist() == pytest.approx([2 / 6, 0, 1])
