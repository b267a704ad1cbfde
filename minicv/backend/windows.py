"""Where pooling windows lie on a map: kernel size, stride, padding, dilation, number of windows."""

from __future__ import annotations

from typing import NamedTuple


class Windows(NamedTuple):
    """A grid of OH x OW windows. Each field is a pair (vertical, horizontal).

    Window o starts at position o·stride - padding, and its tap k looks at o·stride - padding +
    k·dilation. Taps outside of the map are left out rather than padded.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    output: tuple[int, int]

    def taps(self, axis: int, length: int) -> list[tuple[slice, slice]]:
        """For each tap along ``axis`` (0 vertical, 1 horizontal) of a map of ``length`` positions:
        the windows whose tap lies on the map, and the positions of that tap.

        >>> Windows((3, 3), (2, 2), (1, 1), (1, 1), (2, 2)).taps(0, 4)
        [(slice(1, 2, None), slice(1, 2, 2)), (slice(0, 2, None), slice(0, 3, 2)),
         (slice(0, 2, None), slice(1, 4, 2))]
        """
        stride, count = self.stride[axis], self.output[axis]
        result = []
        for tap in range(self.kernel[axis]):
            offset = tap * self.dilation[axis] - self.padding[axis]
            first = max(0, -(offset // stride))  # the smallest o with o * stride + offset >= 0
            last = min(count - 1, (length - 1 - offset) // stride)
            if last < first:
                result.append((slice(0, 0), slice(0, 0)))
                continue
            start, stop = first * stride + offset, last * stride + offset + 1
            result.append((slice(first, last + 1), slice(start, stop, stride)))
        return result

    @property
    def overlap(self) -> bool:
        """Whether two windows can look at the same position."""
        reach = [d * (k - 1) for k, d in zip(self.kernel, self.dilation, strict=True)]
        return any(r >= s for r, s in zip(reach, self.stride, strict=True))
