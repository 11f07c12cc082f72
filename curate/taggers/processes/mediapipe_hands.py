"""MediaPipe Hands over pictures, in a Python of its own: this file imports nothing of curate.

    python mediapipe_hands.py [MODEL.task]

Reads lines of JSON from standard input: {"height", "width", "rgb": base64 of the pixels}. Answers each with a
line: {"hand": null}, {"hand": {"points": 21 pairs in pixels from the corner, "side", "score"}} or {"error"}.
The first line is {"version"} of MediaPipe.

The side is that of a picture as a camera at the back takes it. The old interface (`mediapipe.solutions`) and
Tasks before version 1 expect a mirrored picture, so their word is exchanged.
"""

import base64
import json
import os
import sys
from typing import Any

os.environ.setdefault("GLOG_minloglevel", "3")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mediapipe
import numpy as np

_CONFIDENCE = 0.5  # of the palm detector


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr
    find = _task(sys.argv[1]) if len(sys.argv) > 1 else _solution()
    print(json.dumps({"version": mediapipe.__version__}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            asked = json.loads(line)
            shape = (asked["height"], asked["width"], 3)
            pixels = np.frombuffer(base64.b64decode(asked["rgb"]), np.uint8).reshape(shape)
            answer = {"hand": find(pixels)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), file=answers, flush=True)


def _solution() -> Any:
    hands = mediapipe.solutions.hands.Hands(
        static_image_mode=True, max_num_hands=1, min_detection_confidence=_CONFIDENCE
    )

    def find(pixels: Any) -> Any:
        found = hands.process(pixels)
        if not found.multi_hand_landmarks:
            return None
        told = found.multi_handedness[0].classification[0]
        return _hand(found.multi_hand_landmarks[0].landmark, told.label, told.score, pixels, mirrored=True)

    return find


def _task(model: str) -> Any:
    from mediapipe.tasks.python import vision
    from mediapipe.tasks.python.core.base_options import BaseOptions

    options = vision.HandLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=model),
        num_hands=1,
        min_hand_detection_confidence=_CONFIDENCE,
    )
    landmarker = vision.HandLandmarker.create_from_options(options)
    mirrored = mediapipe.__version__.startswith("0.")

    def find(pixels: Any) -> Any:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(pixels))
        found = landmarker.detect(image)
        if not found.hand_landmarks:
            return None
        told = found.handedness[0][0]
        return _hand(found.hand_landmarks[0], told.category_name, told.score, pixels, mirrored=mirrored)

    return find


def _hand(landmarks: Any, label: str, score: float, pixels: Any, *, mirrored: bool) -> Any:
    height, width = pixels.shape[:2]
    side = label.lower()
    if mirrored:
        side = {"left": "right", "right": "left"}[side]
    return {"points": [(p.x * width, p.y * height) for p in landmarks], "side": side, "score": score}


if __name__ == "__main__":
    main()
