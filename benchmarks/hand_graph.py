"""The real photographs of hand-graph-cnn (Ge et al. 2019) as a dataset whose samples are all for testing.

    python benchmarks/hand_graph.py FOLDER OUT

FOLDER holds images/, pose_gt.mat (joints in the camera's frame, cm, in the order of OpenPose, which is ours)
and params.mat (the camera's fx, fy, u0, v0, and the box that each image was cut from and brought to 256 px).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import scipy.io

from curate.basics import images
from curate.basics import keypoints as kp
from curate.data.dataset import write_info, write_table
from curate.data.sample import Sample, to_batch

SIDE = 256  # px of an image


def samples(folder: Path) -> list[Sample]:
    """Those whose image is there."""
    joints = scipy.io.loadmat(folder / "pose_gt.mat")["pose_gt"]
    params = scipy.io.loadmat(folder / "params.mat")
    made = []
    for path in sorted((folder / "images").glob("*.jpg")):
        row = int(path.stem)
        fx, fy, u0, v0 = params["cam_param"][row]
        x, y, z = joints[row].T
        left, top, width, height = params["bbox"][row].astype(np.float64)
        across, down = (fx * x / z + u0 - left) / width, (fy * y / z + v0 - top) / height
        points = SIDE * np.stack([across, down], 1)
        sample = Sample(f"hand-graph/{row:05d}", "hand-graph", f"images/{path.name}", SIDE, SIDE)
        sample.side, sample.split, sample.label_source = "left", "test", "manual"
        sample.keypoints = points.astype(np.float32)
        sample.visibility = np.full(kp.COUNT, kp.VISIBLE, np.uint8)
        sample.sha256 = images.pixel_sha256(images.read(path))
        made.append(sample)
    return made


def main() -> None:
    folder, out = (Path(word) for word in sys.argv[1:3])
    shutil.copytree(folder / "images", out / "images")
    write_table(out, [to_batch(samples(folder))])
    write_info(out, {"history": []})


if __name__ == "__main__":
    main()
