"""The order of nodes for several hops: value descending, then index ascending, in little memory.

Nodes are dealt by the top bits of their keys to buckets that fit a cache, and sorted there with
their numbers in place: 32 bits of a key over 32 bits of a number.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from graphmax.kernels.compiled import kernel
from graphmax.kernels.progress import in_chunks, tell, threads
from graphmax.kernels.stream import key_range, unsigned

LONG_RUN = 32
# Nodes are dealt by the top bits of their keys, and sorted in buckets of about one size.
SLOT_BITS = 16
BUCKET_BITS = 10
LEAST_BUCKET = 1 << 16
NODES_PER_CALL = 1 << 22
LOW_HALF = np.uint64(0xFFFFFFFF)


@kernel
def _count_slots(key, absent, low, shift, most, cut, count, first, last):
    """Count the nodes of each slot: the top bits of a key, mirrored, as `_pack` makes them."""
    for v in range(first, last):
        if not (absent.size and absent[v]):
            above = (unsigned(key[v]) - unsigned(low)) >> np.uint64(shift)
            count[np.int64((most - above) >> np.uint64(cut))] += 1


@kernel
def _pack(key, absent, low, shift, most, cut, bucket_of, filled, packed, first, last):
    """Write 32 bits of each present node's key, mirrored, over its number, bucket by bucket."""
    for v in range(first, last):
        if not (absent.size and absent[v]):
            mirrored = most - ((unsigned(key[v]) - unsigned(low)) >> np.uint64(shift))
            bucket = bucket_of[np.int64(mirrored >> np.uint64(cut))]
            packed[filled[bucket]] = (mirrored << np.uint64(32)) | np.uint64(v)
            filled[bucket] += 1


@kernel
def _settle_runs(packed, key, exact, tied, long_runs):
    """Sort runs of equal bits by the whole key; long ones are listed for a better sort."""
    half, low, count, start = np.uint64(32), np.uint64(0xFFFFFFFF), 0, 0
    while start < packed.size:
        stop = start + 1
        while stop < packed.size and packed[stop] >> half == packed[start] >> half:
            stop += 1
        if exact:
            tied[start + 1 : stop] = True
        elif stop - start > LONG_RUN:
            long_runs[count, 0], long_runs[count, 1] = start, stop
            count += 1
        else:
            # Insertion keeps the order of the numbers where keys are equal.
            for i in range(start + 1, stop):
                entry, at = packed[i], i
                while at > start and key[packed[at - 1] & low] < key[entry & low]:
                    packed[at] = packed[at - 1]
                    at -= 1
                packed[at] = entry
            for i in range(start + 1, stop):
                tied[i] = key[packed[i] & low] == key[packed[i - 1] & low]
        start = stop
    return count


@kernel
def _is_sorted(packed):
    for i in range(1, packed.size):
        if packed[i] < packed[i - 1]:
            return False
    return True


def _sort_buckets(packed, start, key, exact, tied):
    """Sort each bucket, small enough for the cache and for Ctrl-C, on all threads."""

    def sort(bucket):
        _sort(packed[start[bucket] : start[bucket + 1]], key, exact, tied[start[bucket] :])

    step = threads()
    with ThreadPoolExecutor(threads()) as pool:
        for first in range(0, start.size - 1, step):
            last = min(first + step, start.size - 1)
            list(pool.map(sort, range(first, last)))
            tell("ordering nodes", int(start[last]), packed.size)


def _sort(part, key, exact, tied):
    """Sort some nodes by the 32 bits in hand, then those of equal bits by their whole keys."""
    if not _is_sorted(part):  # nodes of one key come by number
        part.sort()
    long_runs = np.empty((0 if exact else part.size // LONG_RUN + 1, 2), np.int64)
    count = _settle_runs(part, key, exact, tied, long_runs)
    for start, stop in long_runs[:count]:
        run = part[start:stop]
        run[:] = run[np.argsort(~key[run & LOW_HALF], kind="stable")]
        ordered = key[run & LOW_HALF]
        tied[start + 1 : stop] = ordered[1:] == ordered[:-1]


def _packed(key, absent, low, spread, shift):
    """Return the present nodes packed, dealt to buckets, and where each of these starts."""
    most = np.uint64(spread >> shift)
    bits = int(most).bit_length()
    cut = max(0, bits - SLOT_BITS)
    keyed = key, absent, np.int64(low), shift, most, cut
    count = np.zeros((int(most) >> cut) + 1, np.int64)
    name = "ordering nodes"
    in_chunks(name, key.size, NODES_PER_CALL, lambda a, b: _count_slots(*keyed, count, a, b))
    # Slots side by side make a bucket until it is large enough; keys may lie close together.
    upto = np.cumsum(count)
    bucket_of = (upto - count) // max(LEAST_BUCKET, upto[-1] >> BUCKET_BITS)
    first_slot = np.flatnonzero(np.diff(bucket_of, prepend=-1))
    bucket_of = np.cumsum(np.diff(bucket_of, prepend=0) > 0)
    start = np.append((upto - count)[first_slot], upto[-1])
    packed, filled = np.empty(start[-1], np.uint64), start.copy()
    pack = (*keyed, bucket_of, filled, packed)
    in_chunks(name, key.size, NODES_PER_CALL, lambda a, b: _pack(*pack, a, b))
    return packed, start


def ranked(key, absent):
    """Present nodes by key descending, then index ascending, int32, and which tie with the last.

    Nine bytes a node beside the keys, five when it is done: 32 bits of the keys are sorted with the
    numbers in place.
    """
    low, high, _ = key_range(key, absent)
    spread = int(high) - int(low)
    shift = max(0, spread.bit_length() - 32)
    packed, start = _packed(key, absent, low, spread, shift)
    tied = np.zeros(packed.size, np.bool_)
    _sort_buckets(packed, start, key, shift == 0, tied)
    return _squeezed(packed), tied


def _squeezed(packed):
    """Return the lower halves, int32, in the memory of the whole, of which half is given back."""
    size = packed.size
    for first in range(0, size, NODES_PER_CALL):
        last = min(first + NODES_PER_CALL, size)
        packed.view(np.int32)[first:last] = (packed[first:last] & LOW_HALF).astype(np.int32)
    packed.resize((size + 1) // 2, refcheck=False)  # no other name sees this array
    return packed.view(np.int32)[:size]
