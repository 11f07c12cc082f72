"""How likely the localiser is shown a hand: a logistic regression on what its last layer sees, its mean and
its maximum over the picture, which becomes a second output of its file.

It is learnt from the looks that the box's own finder takes at renders. A look at a hand counts for the share
of its keypoints that are found within 0.2 of its longer side; one that hardly touches a hand counts as none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from curate.basics import files, geometry
from curate.data.dataset import Dataset
from curate.data.sample import Sample
from curate.hands.photograph import Photograph
from curate.scoring import metrics
from curate.taggers import box_networks
from curate.taggers.box import COUNTED, BoxFinder, Looked
from curate.training.stored import HALF

PICTURES = 1500  # of each job
RIDGE = 0.01  # chosen on what make.py's TRUSTED is chosen on
ON, BESIDE = 0.5, 0.2  # overlap (IoU) with a hand's box above which a look is at it, and below which at none
SEEN = "seen"
Values = NDArray[np.float64]


def learn(folder: Path, jobs: Sequence[Path]) -> dict[str, object]:
    """Give the localiser in a folder of the box its second output. Returns what it was learnt from."""
    path = folder / box_networks.LOCALISER
    plain = path.read_bytes()
    width = _channels_seen(onnx.load_from_string(plain).graph)
    begun = with_output(plain, np.zeros(2 * width), 0.0)
    files.write(path, begun)
    finder, net = BoxFinder(folder), cv2.dnn.readNetFromONNX(np.frombuffer(begun, np.uint8))
    examples = [(_seen(net, look), share) for job in jobs for look, share in _examples(job, finder)]
    seen, right = map(np.array, zip(*examples, strict=True))
    weights, bias = logistic(seen, right, RIDGE)
    files.write(path, with_output(plain, weights, bias))
    return {"renders": [job.name for job in jobs], "looks": len(right), "on hands": int((right > 0).sum())}


def with_output(bare: bytes, weights: Values, bias: float) -> bytes:
    """A network of maps as an ONNX file with the output `hand`, (1, 1): how likely it is shown one.

    The regression's weights are constants in the file: its initializers remain those of the network alone, so
    that a training can begin with them.
    """
    model = onnx.load_from_string(bare)
    graph = model.graph
    last, node = _last(graph), onnx.helper.make_node
    regression = {"hand.weight": weights[None], "hand.bias": np.array([bias])}
    constants = [
        node("Constant", [], [name], value=onnx.numpy_helper.from_array(value.astype(np.float32), name))
        for name, value in regression.items()
    ]
    graph.node.extend(
        [
            *constants,
            node("GlobalAveragePool", [last.input[0]], ["mean"]),
            node("GlobalMaxPool", [last.input[0]], ["most"]),
            node("Concat", ["mean", "most"], ["both"], axis=1),
            node("Flatten", ["both"], [SEEN], name=SEEN),
            node("Gemm", [SEEN, *regression], ["logit"], transB=1),
            node("Sigmoid", ["logit"], [box_networks.HAND]),
        ]
    )
    graph.output.append(onnx.helper.make_tensor_value_info(box_networks.HAND, onnx.TensorProto.FLOAT, [1, 1]))
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def logistic(seen: Values, right: Values, ridge: float) -> tuple[Values, float]:
    """Weights (D,) and bias of a logistic regression from values (N, D) to shares (N,), by Newton's method.

    The loss has `ridge` times the squared weights of the standardised values added.
    """
    mean, spread = seen.mean(0), seen.std(0) + 1e-3
    known = np.hstack([(seen - mean) / spread, np.ones((len(seen), 1))])
    small = 2 * ridge * len(seen) * np.diag([*np.ones(seen.shape[1]), 0.0])
    solved = np.zeros(known.shape[1])
    for _ in range(30):
        likely = 1 / (1 + np.exp(-known @ solved))
        slope = known.T @ (likely - right) + small @ solved
        solved -= np.linalg.solve((known.T * (likely * (1 - likely))) @ known + small, slope)
    weights = solved[:-1] / spread
    return weights, float(solved[-1] - weights @ mean)


def _examples(job: Path, finder: BoxFinder) -> Iterator[tuple[Looked, float]]:
    """Looks at some pictures of a job, and the share that each counts for."""
    dataset = Dataset(job)
    by_picture = [list(rows) for _, rows in itertools.groupby(dataset, key=lambda sample: sample.image)]
    for row in np.unique(np.linspace(0, len(by_picture) - 1, PICTURES).astype(int)):
        hands = by_picture[row]
        photograph = Photograph(dataset.root, replace(hands[0], bbox=None))
        for looks in finder.looks(photograph, photograph.square):
            share = _right(looks[-1], hands)
            if share is not None:
                yield from ((look, share) for look in looks[-COUNTED:])


def _right(look: Looked, hands: Sequence[Sample]) -> float | None:
    """The share of a hand's keypoints that are found; 0 beside hands, None where it is not clear which."""
    boxes = [geometry.bounding_box(hand.keypoints) for hand in hands]
    overlaps = [0.0 if box is None else metrics.box_iou(look.box, box) for box in boxes]
    nearest = int(np.argmax(overlaps))
    box, sample = boxes[nearest], hands[nearest]
    if box is None or overlaps[nearest] < BESIDE:
        return 0.0
    if overlaps[nearest] <= ON:
        return None
    labelled = sample.visibility > 0
    gaps = metrics.distances(look.points, sample.keypoints, labelled)
    return float((gaps < 0.2 * box[2:].max())[labelled].mean())


def _seen(net: cv2.dnn.Net, look: Looked) -> Values:
    net.setInput(box_networks.as_input(look.pixels))
    return np.asarray(net.forward(f"onnx_node!{SEEN}")[0], np.float64)


def _last(graph: onnx.GraphProto) -> onnx.NodeProto:
    """The layer that gives the maps."""
    (last,) = [node for node in graph.node if graph.output[0].name in node.output]
    return last


def _channels_seen(graph: onnx.GraphProto) -> int:
    """How many channels the last layer is given."""
    shapes = {tensor.name.removesuffix(HALF): tensor.dims for tensor in graph.initializer}
    return int(shapes[_last(graph).input[1]][1])
