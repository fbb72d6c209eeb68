"""What an entry answered on a task."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Played(NamedTuple):
    """Predictions of each seed, number of parameters, trials that were made, what was chosen."""

    predictions: list[dict[str, NDArray[np.float64]]]
    parameters: int
    trials: int
    chosen: dict[str, Any]
