"""MediaPipe Hands over a stream of images, for `benchmarks/render_realism.py`.

Runs in an environment of its own (mediapipe==0.10.21 wants NumPy 1). Reads RGB images, one after another,
from standard input, each as its height and width (two little-endian 32-bit numbers) and its bytes. Answers
each with a line of JSON: null, or {"points": 21 pairs in pixels from the corner of the image, "side": what
MediaPipe takes the hand for, "score": how sure it is of that}.
"""

import json
import os
import struct
import sys

import numpy as np

os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import mediapipe

# MediaPipe expects the mirror image, as a front camera shows it.
OTHER = {"Left": "right", "Right": "left"}


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with mediapipe.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=1, min_detection_confidence=0.5
    ) as hands:
        while head := sys.stdin.buffer.read(8):
            height, width = struct.unpack("<2I", head)
            pixels = np.frombuffer(sys.stdin.buffer.read(height * width * 3), np.uint8)
            found = hands.process(pixels.reshape(height, width, 3))
            print(json.dumps(_answer(found, height, width)), file=answers, flush=True)


def _answer(found: object, height: int, width: int) -> "dict[str, object] | None":
    if not found.multi_hand_landmarks:
        return None
    side = found.multi_handedness[0].classification[0]
    points = [(p.x * width, p.y * height) for p in found.multi_hand_landmarks[0].landmark]
    return {"points": points, "side": OTHER[side.label], "score": side.score}


if __name__ == "__main__":
    main()
