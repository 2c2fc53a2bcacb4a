"""What the classical methods ask of a device: the few operations on images over which each of them is written once."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tasks.core.types import BoolArray, FloatArray, IntArray, LabelArray

Image = npt.NDArray[np.float32]
"""(H, W) float32 in the memory of a device: an array of numpy, or of cupy, which offers the same."""
Mask = BoolArray
"""(H, W) bool, likewise."""
Labels = LabelArray
"""(H, W) int32, likewise: 0 for background, one number per object. Neighbors are 4-connected wherever not said."""


class Histogram(NamedTuple):
    """How often values fall into bins of one width.

    Parameters
    ----------
    counts
        (bins,) int64, in the memory of the host.
    low, high
        Least and greatest value: the lower edge of the first bin and the upper one of the last.
    """

    counts: IntArray
    low: float
    high: float


class Operations(Protocol):
    """The operations, as functions of a module for each device.

    Images, masks and labels lie in the memory of the device; what is per object, or a single number, in that of the
    host. Arguments are never changed, but a result may be an argument. Images are reflected at the frame (``d c b a |
    a b c d``). float32 operations have no prescribed rounding, integers are exact.
    """

    xp: Any
    """numpy or cupy."""

    def to_host(self, array: Any, /) -> Any:  # noqa: ANN401 - an array of any dtype
        """Return a numpy array."""

    def scale(self, plane: Any, /) -> tuple[Image, Mask | None] | None:  # noqa: ANN401 - an array of any dtype
        """Make the lowest finite value 0 and the highest 1, by one exact quotient ``(value − low) / (high − low)``.

        Values that are not finite become 0. The second result tells which are; None where all are. None alone where no
        value is finite, or all of those are equal.
        """

    def gaussian(self, image: Image, /, *, sigma: float) -> Image:
        """Gaussian filter, cut at four standard deviations; wide ones to 0.2 % of the range of the image."""

    def histogram(self, image: Image, /, *, bins: int) -> Histogram:
        """Count values in bins from the least to the greatest, which are finite."""

    def median(self, image: Image, /, *, mask: Mask) -> float:
        """Find the median of a mask's pixels, at least one, finite; the mean of the middle two of an even number."""

    def noise(self, image: Image, /, *, mask: Mask) -> float:
        """Estimate the standard deviation of the noise of single pixels in a mask [1]_.

        1.4826 times the median magnitude of the response to ``[1 −2 1]`` along columns and rows, over 6, which is blind
        to constants, slopes and edges along rows or columns, and keeps the standard deviation of white noise.

        .. [1] Immerkær, Computer Vision and Image Understanding 64 (1996) 300-302.
        """

    def sobel(self, image: Image, /) -> Image:
        """Magnitude of the Sobel gradient, as scikit-image scales it."""

    def label(self, mask: Mask, /) -> Labels:
        """Label the connected pieces of a mask 1..K in raster order."""

    def remove_small_holes(self, mask: Mask, /, *, area: int) -> Mask:
        """Fill the connected parts of the background, at the frame too, that have at most `area` pixels."""

    def distance(self, mask: Mask, /) -> Image:
        """Euclidean distance of each pixel of a mask to the nearest one outside it, of which there is at least one."""

    def peaks(self, height: Image, /, *, mask: Mask, neck: float) -> Labels:
        """Mark the peaks of a landscape, above 0 in the mask, that stand clear of each other: 1..K in raster order.

        A peak stands clear if on every path in the mask to a higher one the landscape falls below `neck` times its
        height; of equal ones between which it does not, one does. Every connected piece of the mask has a peak. The
        mark holds pixels of the piece that is connected above `neck` times the peak, the peak's own among them.
        """

    def flood(self, height: Image, /, *, markers: Labels, mask: Mask) -> Labels:
        """Flood a mask from markers, low pixels first: `tasks.segment.kernels.flood.flood`."""

    def arrival(self, cost: Image, /, *, seeds: Labels, mask: Mask) -> Image:
        """Least cost of a path of 8-connected pixels in the mask from any seed, 0 in seeds; inf where there is none.

        A step costs the mean of the costs, above 0, of its two pixels, times its length. Sums are rounded to float32
        from one step to the next, so that the least is the same in whatever order paths are looked at.
        """

    def trace(self, arrival: Image, /, *, cost: Image, seeds: Labels, mask: Mask) -> Labels:
        """Give each pixel the label of the seed that it is reached from at the cost which `arrival` tells.

        Seeds, of the mask, keep their labels. Another pixel has that of the one of its 8 neighbors, of those whose
        arrival is less, over which it is reached at the least cost, the first in raster order; 0 if none is less.
        """

    def areas(self, labels: Labels, /) -> IntArray:
        """(max + 1,) int64: pixels of each object, and of the background."""

    def quantiles(self, labels: Labels, /, *, image: Image, q: float) -> FloatArray:
        """(max + 1,) float64: linear quantile of each object's pixels; NaN where there is none, and at 0."""

    def keep_above(self, labels: Labels, /, *, image: Image, least: FloatArray) -> Labels:
        """Keep the pixels of objects k where the image is above ``least[k]``, of max + 1, as float32."""

    def largest_pieces(self, labels: Labels, /) -> Labels:
        """Keep the largest connected piece of each object; of equal ones, the first in raster order."""

    def fill_holes(self, labels: Labels, /) -> Labels:
        """Give 8-connected background that one object encloses, and no frame, to that object."""

    def raster_order(self, labels: Any, /, *, keep: BoolArray | None = None) -> Labels:  # noqa: ANN401
        """Renumber objects k where ``keep[k]``, of max + 1 (None: all), 1..K by their first pixel; erase the others.

        Labels may be of any whole numbers from 0 on.
        """

    def relabel(self, labels: Labels, /, *, numbers: IntArray) -> Labels:
        """Give objects k the numbers ``numbers[k]``, of at least max + 1."""

    def at_frame(self, labels: Labels, /) -> IntArray:
        """Labels of the pixels in the first and last row and column, repeated as they occur, background among them."""
