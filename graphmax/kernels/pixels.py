"""Pixels that beat their window, on the array itself: no graph, no keys, no copy.

The values are compared as they are, uint8, int32, int64, float32 or float64, one compilation each.
NaN compares with nothing, so a NaN pixel challenges nobody, and it is told apart by not equaling
itself. One step around a pixel is written so that the compiler compares many pixels at once; what
survives it is few, and only that is followed outwards, ring by ring.

Strict maxima that survive d rings are at least d + 1 apart, so at most one pixel in (d + 1)**2 is
followed to ring d, which has 8 d pixels: O(n log r) for radius r, whatever the image (and for
`index` likewise). Weak ones may all survive: for them the window is a running maximum along one
axis after the other.

Boxes of any number of axes have a radius of their own along each and are cut at the border. One
axis after the other is folded: what is known of each pixel are the highest key of its box so far
and the lowest and the highest index of the pixels that hold it, so that "is it the only one?" and
"is it the first one?" need no second look. An absent pixel brings the lowest key and nobody who
holds it: its first index is behind all others, its last one before them, and neither changes a
minimum or a maximum.
"""

from functools import partial

import numpy as np
from numba import prange

from graphmax.kernels.compare import INDEX, STRICT, WEAK, challenges
from graphmax.kernels.compiled import in_chunks, kernel

ENTRIES_PER_CALL = 1 << 24


@kernel(parallel=True)
def _fold(source, radius, target, start, stop):
    """Fold the middle axis of three arrays (outer, length, inner) over rows within `radius`."""
    key, first, last = source
    best, lowest, highest = target
    length, width = key.shape[1], key.shape[2]
    for row in prange(start, stop):
        a, y = row // length, row % length
        best[a, y], lowest[a, y], highest[a, y] = key[a, y], first[a, y], last[a, y]
        for t in range(max(y - radius, 0), min(y + radius, length - 1) + 1):
            for x in range(width):
                k = key[a, t, x]
                if k > best[a, y, x]:
                    best[a, y, x] = k
                    lowest[a, y, x], highest[a, y, x] = first[a, t, x], last[a, t, x]
                elif k == best[a, y, x]:
                    lowest[a, y, x] = min(lowest[a, y, x], first[a, t, x])
                    highest[a, y, x] = max(highest[a, y, x], last[a, t, x])


def highest_of_boxes(key, absent, radii):
    """Return the highest key of each box, int64, and the first and last index that hold it."""
    index = np.arange(key.size).reshape(key.shape)
    parts = [np.where(absent, np.iinfo(np.int64).min, key), index, index.copy()]
    parts[1][absent], parts[2][absent] = key.size, -1
    for axis, radius in enumerate(radii):
        if radius == 0 or key.size == 0:
            continue
        outer, inner = int(np.prod(key.shape[:axis])), int(np.prod(key.shape[axis + 1 :]))
        folded = (outer, key.shape[axis], inner)
        source = tuple(part.reshape(folded) for part in parts)
        target = tuple(np.empty(folded, np.int64) for _ in parts)
        reach = min(radius, key.shape[axis] - 1)
        in_chunks(
            "looking along an axis",
            outer * key.shape[axis],
            max(1, ENTRIES_PER_CALL // max(inner * (2 * reach + 1), 1)),
            lambda a, b, s=source, r=reach, t=target: _fold(s, r, t, a, b),
        )
        parts = [part.reshape(key.shape) for part in target]
    return tuple(parts)


ROWS_PER_PART = 16
PIXELS_PER_CALL = 1 << 24


@kernel(inline="always")
def _beats(other, own, u, ties):
    """`challenges` for neighbor u of pixel 0, as the one instruction that it is here."""
    if ties == STRICT or (ties == INDEX and u < 0):
        return other >= own
    return other > own


@kernel(inline="always")
def _row(above, here, below, out, ties):
    """One step around the inner pixels of a row, given those above and below.

    No branch in the loop, so that many pixels are compared at once; `ties` is a constant of the
    caller. Pixels are numbered by their order around the middle one, which is number 0.
    """
    a, b, c = above[:-2], above[1:-1], above[2:]
    d, e, f = here[:-2], here[1:-1], here[2:]
    g, h, i = below[:-2], below[1:-1], below[2:]
    for x in range(out.size):
        v = e[x]
        beaten = _beats(a[x], v, -1, ties)
        beaten |= _beats(b[x], v, -1, ties)
        beaten |= _beats(c[x], v, -1, ties)
        beaten |= _beats(d[x], v, -1, ties)
        beaten |= _beats(f[x], v, 1, ties)
        beaten |= _beats(g[x], v, 1, ties)
        beaten |= _beats(h[x], v, 1, ties)
        beaten |= _beats(i[x], v, 1, ties)
        out[x] = (v == v) & (not beaten)


@kernel
def _strict_row(above, here, below, out):
    _row(above, here, below, out, STRICT)


@kernel
def _weak_row(above, here, below, out):
    _row(above, here, below, out, WEAK)


@kernel
def _index_row(above, here, below, out):
    _row(above, here, below, out, INDEX)


@kernel
def _row_has_nan(row):
    bad = 0
    for x in range(row.size):
        bad += row[x] != row[x]
    return bad > 0


@kernel
def _span_beats(image, z, y, x, low, high, ties):
    """Whether a pixel from column `low` to `high` of row (z, y) challenges v, given by x."""
    _, height, width = image.shape
    vz, vy, vx = x
    own, number = image[vz, vy, vx], (vz * height + vy) * width + vx
    first = (z * height + y) * width
    for u in range(low, high + 1):
        if first + u != number and challenges(own, number, image[z, y, u], first + u, ties):
            return True
    return False


@kernel
def _ring_beats(image, z, y, x, ring, ties):
    """Whether a pixel at Chebyshev distance `ring` (cut at the border) challenges (z, y, x)."""
    depth, height, width = image.shape
    v = (z, y, x)
    low, high = max(x - ring, 0), min(x + ring, width - 1)
    for w in range(max(z - ring, 0), min(z + ring, depth - 1) + 1):
        for t in range(max(y - ring, 0), min(y + ring, height - 1) + 1):
            if abs(w - z) == ring or abs(t - y) == ring:
                if _span_beats(image, w, t, v, low, high, ties):
                    return True
            else:
                if x - ring >= 0 and _span_beats(image, w, t, v, x - ring, x - ring, ties):
                    return True
                if x + ring < width and _span_beats(image, w, t, v, x + ring, x + ring, ties):
                    return True
    return False


@kernel(parallel=True)
def _scan(image, ties, mask, nan, start, stop):
    """One step around every pixel of some rows; notes in `nan` the rows that hold one."""
    depth, height, width = image.shape
    parts = (stop - start + ROWS_PER_PART - 1) // ROWS_PER_PART
    for part in prange(parts):
        first = start + part * ROWS_PER_PART
        for row in range(first, min(first + ROWS_PER_PART, stop)):
            z, y = row // height, row % height
            nan[row] = _row_has_nan(image[z, y])
            inner = depth == 1 and 0 < y < height - 1 and width > 2
            if inner:
                rows = image[z, y - 1], image[z, y], image[z, y + 1]
                out = mask[z, y, 1:-1]
                if ties == STRICT:
                    _strict_row(rows[0], rows[1], rows[2], out)
                elif ties == WEAK:
                    _weak_row(rows[0], rows[1], rows[2], out)
                else:
                    _index_row(rows[0], rows[1], rows[2], out)
            step = width - 1 if inner else 1
            for x in range(0, width, step):
                v = image[z, y, x]
                mask[z, y, x] = v == v and not _ring_beats(image, z, y, x, 1, ties)


@kernel(parallel=True)
def _widen(image, ties, radius, mask, start, stop):
    """Follow the pixels that survived one step outwards to `radius`, in place."""
    height, width = image.shape[1:]
    parts = (stop - start + ROWS_PER_PART - 1) // ROWS_PER_PART
    for part in prange(parts):
        first = start + part * ROWS_PER_PART
        for row in range(first, min(first + ROWS_PER_PART, stop)):
            z, y = row // height, row % height
            for x in range(width):
                ring = 2
                while mask[z, y, x] and ring <= radius:
                    mask[z, y, x] = not _ring_beats(image, z, y, x, ring, ties)
                    ring += 1


@kernel(parallel=True)
def _running_maximum(source, radius, target, start, stop):
    """Highest value of the rows within `radius` along the middle axis; NaN counts as nothing."""
    length, width = source.shape[1:]
    for row in prange(start, stop):
        z, y = row // length, row % length
        out = target[z, y]
        out[:] = source[z, y]
        for t in range(max(y - radius, 0), min(y + radius, length - 1) + 1):
            other = source[z, t]
            for x in range(width):
                if other[x] > out[x] or out[x] != out[x]:
                    out[x] = other[x]


@kernel(parallel=True)
def _running_maximum_in_rows(source, radius, target, start, stop):
    width = source.shape[2]
    for row in prange(start, stop):
        z, y = row // source.shape[1], row % source.shape[1]
        here, out = source[z, y], target[z, y]
        out[:] = here
        for shift in range(1, min(radius, width - 1) + 1):
            size = width - shift
            left, right = here[:size], here[shift:]
            out_left, out_right = out[:size], out[shift:]
            for x in range(size):
                if right[x] > out_left[x] or out_left[x] != out_left[x]:
                    out_left[x] = right[x]
            for x in range(size):
                if left[x] > out_right[x] or out_right[x] != out_right[x]:
                    out_right[x] = left[x]


@kernel(parallel=True)
def _as_high(image, highest, mask, start, stop):
    width = image.shape[2]
    for row in prange(start, stop):
        z, y = row // image.shape[1], row % image.shape[1]
        for x in range(width):
            mask[z, y, x] = image[z, y, x] == highest[z, y, x]


@kernel
def _has_equal(image, mask, z, y, x, wanted):
    depth, height, width = image.shape
    v = image[z, y, x]
    for w in range(max(z - 1, 0), min(z + 2, depth)):
        for t in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(max(x - 1, 0), min(x + 2, width)):
                if mask[w, t, u] == wanted and image[w, t, u] == v:
                    return True
    return False


@kernel
def _beside_row(above, here, below, mask_above, mask_here, mask_below, out):
    a, b, c = above[:-2], above[1:-1], above[2:]
    d, e, f = here[:-2], here[1:-1], here[2:]
    g, h, i = below[:-2], below[1:-1], below[2:]
    ma, mb, mc = mask_above[:-2], mask_above[1:-1], mask_above[2:]
    md, me, mf = mask_here[:-2], mask_here[1:-1], mask_here[2:]
    mg, mh, mi = mask_below[:-2], mask_below[1:-1], mask_below[2:]
    for x in range(out.size):
        v = e[x]
        touches = (a[x] == v) & (not ma[x])
        touches |= (b[x] == v) & (not mb[x])
        touches |= (c[x] == v) & (not mc[x])
        touches |= (d[x] == v) & (not md[x])
        touches |= (f[x] == v) & (not mf[x])
        touches |= (g[x] == v) & (not mg[x])
        touches |= (h[x] == v) & (not mh[x])
        touches |= (i[x] == v) & (not mi[x])
        out[x] = me[x] & touches


@kernel(parallel=True)
def _beside_beaten(image, mask, beside, start, stop):
    """Mark the survivors that touch an equal pixel which did not survive."""
    depth, height, width = image.shape
    parts = (stop - start + ROWS_PER_PART - 1) // ROWS_PER_PART
    for part in prange(parts):
        first = start + part * ROWS_PER_PART
        for row in range(first, min(first + ROWS_PER_PART, stop)):
            z, y = row // height, row % height
            inner = depth == 1 and 0 < y < height - 1 and width > 2
            if inner:
                rows = image[z, y - 1], image[z, y], image[z, y + 1]
                masks = mask[z, y - 1], mask[z, y], mask[z, y + 1]
                _beside_row(*rows, *masks, beside[z, y, 1:-1])
            step = width - 1 if inner else 1
            for x in range(0, width, step):
                beside[z, y, x] = mask[z, y, x] and _has_equal(image, mask, z, y, x, False)


@kernel
def _push_equal(image, mask, at, stack, size):
    """Take the equal survivors around pixel `at` out of `mask` and put them on the stack."""
    depth, height, width = image.shape
    z, y, x = at // (height * width), at // width % height, at % width
    v = image[z, y, x]
    for w in range(max(z - 1, 0), min(z + 2, depth)):
        for t in range(max(y - 1, 0), min(y + 2, height)):
            for u in range(max(x - 1, 0), min(x + 2, width)):
                if mask[w, t, u] and image[w, t, u] == v:
                    mask[w, t, u] = False
                    stack[size] = (w * height + t) * width + u
                    size += 1
    return size


@kernel
def _defeat(image, mask, beside, start, stop):
    """Take out of `mask`, in place, every plateau with a beaten pixel beside one of some rows.

    From each such pixel the defeat spreads over equal survivors. Invariant: what is on the stack is
    out of the mask already, so that nothing is put there twice; pixels inside a plane look at their
    eight neighbors by offset, those of a border and of a volume by coordinates.
    """
    depth, height, width = image.shape
    pixels, survives, begins = image.reshape(-1), mask.reshape(-1), beside.reshape(-1)
    around = np.array([-width - 1, -width, -width + 1, -1, 1, width - 1, width, width + 1])
    stack = np.empty(1 << 12, np.int64)
    for begin in range(start * width, stop * width):
        if not (begins[begin] and survives[begin]):
            continue
        survives[begin] = False
        stack[0] = begin
        size = 1
        while size > 0:
            size -= 1
            at = stack[size]
            if size + 27 > stack.size:
                wider = np.empty(2 * stack.size, np.int64)
                wider[:size] = stack[:size]
                stack = wider
            x, y = at % width, at // width
            if depth > 1 or x == 0 or x == width - 1 or y == 0 or y == height - 1:
                size = _push_equal(image, mask, at, stack, size)
                continue
            v = pixels[at]
            for step in around:
                u = at + step
                if survives[u] and pixels[u] == v:
                    survives[u] = False
                    stack[size] = u
                    size += 1


def _by_rows(stage, image, call):
    rows = image.shape[0] * image.shape[1]
    in_chunks(stage, rows, max(1, PIXELS_PER_CALL // max(image.shape[2], 1)), call)


def _running(image, radius):
    first, second = np.empty_like(image), np.empty_like(image)
    in_rows = partial(_running_maximum_in_rows, image, radius, first)
    _by_rows("along rows", image, in_rows)
    _by_rows("along columns", image, partial(_running_maximum, first, radius, second))
    if image.shape[0] == 1:
        return second
    deep = np.ascontiguousarray(second.transpose(1, 0, 2))
    out = np.empty_like(deep)
    _by_rows("through slices", deep, partial(_running_maximum, deep, radius, out))
    return np.ascontiguousarray(out.transpose(1, 0, 2))


def beats_window(image, radius, ties):
    """Pixels that no other pixel of their window challenges.

    Parameters
    ----------
    image : (D, H, W), C-contiguous, any dtype the kernels compare
        The values; a plane has D = 1.
    radius : int
        The window has the side 2 radius + 1 and is cut at the border.
    ties : int
        STRICT, WEAK or INDEX.

    Returns
    -------
    tuple
        bool (D, H, W), and bool (D * H,): the rows that hold a NaN.
    """
    mask, nan = np.empty(image.shape, np.bool_), np.empty(image.shape[0] * image.shape[1], np.bool_)
    if radius == 0:
        np.equal(image, image, out=mask)
        return mask, ~mask.all(axis=2).reshape(-1)
    _by_rows("looking at neighbors", image, partial(_scan, image, ties, mask, nan))
    if radius > 1 and ties == WEAK:
        highest = _running(image, radius)
        _by_rows("comparing", image, partial(_as_high, image, highest, mask))
    elif radius > 1:
        _by_rows("looking farther", image, partial(_widen, image, ties, radius, mask))
    return mask, nan


def defeat_plateaus(image, mask):
    """Take out of the weak `mask`, in place, every plateau of touching pixels with a beaten one."""
    beside = np.empty_like(mask)
    _by_rows("looking at plateaus", image, partial(_beside_beaten, image, mask, beside))
    _by_rows("spreading defeat", image, partial(_defeat, image, mask, beside))
