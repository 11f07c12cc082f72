"""A run as ONNX: pixels in, and what it finds out, read and tempered as `curate predict` does.

    images   (N, channels, S, S) float32 in [0, 1]: grey, or R, G, B
    points   (N, K, 2) float32 in pixels of the images, NaN where there is no answer
    scores   (N, K) float32 in [0, 1], 0 there
    mask     (N, S, S) float32, the probability of the hand
    xyz      (N, K, 3) float32, metres in the camera frame

N is any number. The file has those of the outputs that the network gives. K is its number of keypoints: 21,
or 20 without the wrist. A network of right hands is shown images as they are: whoever uses it mirrors left
hands, and the answers for them.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from curate.basics.errors import CurateError
from curate.basics.unwarned import unwarned
from curate.hands.drawn_hands import Person, draw_hand
from curate.networks.network import Decoded, Network, Spec
from curate.networks.pixels import to_float
from curate.scoring.calibration import EDGE
from curate.training.run import Run
from curate.training.stored import HALF, reason

NEAR = 1e-3  # pixels, or metres, or of a score or a probability
_INPUT = "images"
_OPSET = 17  # of onnxruntime 1.12 (2022) and all later ones
_LARGE = 256  # weights: smaller tensors stay as they are
_SHOWN = 3  # drawn hands, by which the two are compared


class _Whole(nn.Module):
    """A network and how its outputs are read. Images to the outputs named above, in their order."""

    def __init__(self, network: Network, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        found = self.network.decode(self.network(images))
        if found.points is not None:
            found = found._replace(scores=self._scores(found.points, found.scores))
        return tuple(value for value in found if value is not None)

    def _scores(self, points: Tensor, scores: Tensor | None) -> Tensor:
        there = points.isfinite().all(-1)
        scores = there.float() if scores is None else scores.float()
        if self.temperature != 1:  # as curate.scoring.calibration.tempered
            there = there & (scores > 0)
            scores = (scores.clamp(EDGE, 1 - EDGE).logit() / self.temperature).sigmoid()
        return torch.where(there, scores, torch.zeros_like(scores))


def outputs_of(run: Run) -> tuple[str, ...]:
    """The names of what the file gives, in order."""
    gives = {*run.gives, "scores"} if "points" in run.gives else {*run.gives}
    return tuple(name for name in Decoded._fields if name in gives)


def exported(run: Run) -> bytes:
    """The content of an .onnx file, compared with the run on drawn hands.

    Raises
    ------
    CurateError: the network has an operation that ONNX lacks, or the outputs of onnxruntime differ from the
        run's by more than NEAR.
    ImportError: the packages of the extra `onnx` are not installed.
    """
    # Else it reports to its maker over the network, and keeps a name of its own for this machine.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    whole, images = _Whole(run.network, run.temperature).eval(), _drawn(run.spec)
    content = _traced(whole, images[:1], outputs_of(run))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    theirs = session.run(None, {_INPUT: images.numpy()})
    with torch.no_grad():
        ours = [found.numpy() for found in whole(images)]
    for name, our, their in zip(outputs_of(run), ours, theirs, strict=True):
        gap = _gap(our, their)
        if not gap <= NEAR:
            told = f"{name} of onnxruntime {onnxruntime.__version__} are {gap:g} off"
            raise CurateError(f"{run.root}: {told}; allowed: {NEAR:g}")
    return content


def bare(run: Run) -> bytes:
    """The network alone, one image at a time, with weights in half precision: what OpenCV runs.

    images (1, channels, S, S) to `maps`, the network's own outputs, which must be one tensor. All weights
    keep their names, so that a training can begin with them (`stored.read_onnx`).

    Raises ImportError: the packages of the extra `onnx` are not installed.
    """
    import onnx

    content = _traced(run.network.eval(), _drawn(run.spec)[:1], ["maps"], alone=True)
    model = onnx.load_from_string(content)
    graph, casts = model.graph, []
    for weights in list(graph.initializer):
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype == np.float32 and values.size >= _LARGE:
            half = weights.name + HALF
            graph.initializer.remove(weights)
            graph.initializer.append(onnx.numpy_helper.from_array(values.astype(np.float16), half))
            casts.append(onnx.helper.make_node("Cast", [half], [weights.name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    halved: bytes = model.SerializeToString()
    return halved


def _gap(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> float:
    """How far apart the farthest values are; infinite where one is there, and the other is not."""
    if ours.shape != theirs.shape or (np.isnan(ours) != np.isnan(theirs)).any():
        return np.inf
    return float(np.nan_to_num(np.abs(ours - theirs)).max())


def _traced(whole: nn.Module, images: Tensor, names: Sequence[str], *, alone: bool = False) -> bytes:
    """alone: N is 1, and normalisation stays beside the convolution that it could become a part of."""
    kept = torch.onnx.TrainingMode.PRESERVE if alone else torch.onnx.TrainingMode.EVAL
    file: Any = io.BytesIO()  # which torch's types do not know of
    # Not torch's newer exporter, which takes ten times as long.
    with unwarned(), torch.no_grad():
        try:
            torch.onnx.export(
                whole,
                (images,),
                file,
                dynamo=False,
                opset_version=_OPSET,
                input_names=[_INPUT],
                output_names=list(names),
                training=kept,
                do_constant_folding=not alone,
                dynamic_axes=None if alone else {name: {0: "N"} for name in (_INPUT, *names)},
            )
        except (torch.onnx.errors.UnsupportedOperatorError, torch.onnx.errors.SymbolicValueError) as error:
            raise CurateError(f"this network cannot be written as ONNX: {reason(error)}") from None
    content: bytes = file.getvalue()
    return content


def _drawn(spec: Spec) -> Tensor:
    """A few drawn hands, as the network is shown images."""
    rng = np.random.default_rng(0)
    people = [Person.sample(rng) for _ in range(_SHOWN)]
    hands = [draw_hand(rng, person, "right", width=spec.size, height=spec.size)[0] for person in people]
    pixels = to_float(torch.from_numpy(np.stack(hands)))
    return pixels.mean(1, keepdim=True) if spec.channels == 1 else pixels
