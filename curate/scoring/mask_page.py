"""The page of an evaluation of masks; see curate.scoring.page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.basics import keypoints as kp
from curate.basics import pages
from curate.hands.comparison import draw_prediction
from curate.scoring.figures import number, page_rows, share
from curate.scoring.mask_figures import MASK_FIGURES, ScoredMasks
from curate.scoring.page import NAME, SIDE, groups

_NONE = np.full((kp.COUNT, 2), np.nan, np.float32)
_UNSEEN = np.zeros(kp.COUNT, np.uint8)


@dataclass(frozen=True)
class ShownMasks:
    """What the page shows; as curate.scoring.page.Shown. sample_ids: of the split's rows."""

    run: str
    training_set: str
    figures: dict[str, Any]
    scored: ScoredMasks
    sample_ids: Sequence[str]
    pixels: Callable[[Sequence[int]], NDArray[np.uint8]]


def render_mask_page(shown: ShownMasks) -> str:
    """The whole page as HTML."""
    environment = pages.environment("curate.scoring", "evaluation.css")
    environment.filters.update(share=share, number=number)
    return environment.get_template("masks.html.j2").render(
        run=shown.run,
        training_set=shown.training_set,
        split=shown.figures["split"],
        figures=shown.figures,
        rows=page_rows(shown.figures, MASK_FIGURES),
        groups=groups(1 - shown.scored.iou, "error (1 - IoU)", lambda row: _card(shown, row)),
    )


def _card(shown: ShownMasks, row: int) -> dict[str, str]:
    drawn = draw_prediction(
        shown.pixels([row])[0],
        _NONE,
        _NONE,
        _UNSEEN,
        size=SIDE,
        mask=shown.scored.likely[row],
        outline=shown.scored.truth[row],
    )
    text = f"IoU {shown.scored.iou[row]:.3f}"
    return {"picture": pages.data_url(drawn), "name": shown.sample_ids[row][:NAME], "text": text}
