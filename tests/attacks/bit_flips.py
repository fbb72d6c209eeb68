"""Files with flipped bits, sectors of zeros, torn ends: noticed, or the same to the last bit."""

import random
import warnings

import numpy as np
from tally import Tally
from written_files import KINDS, read_instead

MOST_BITS = 3


def attack(count, seed, folder):
    """Damage so many files."""
    warnings.simplefilter("ignore")
    rng, tally = random.Random(seed), Tally()
    places = {kind: folder / kind for kind in KINDS}
    for kind, place in places.items():
        place.mkdir()
        KINDS[kind].write(place, np.random.default_rng(seed))
    known = {kind: KINDS[kind].read(place) for kind, place in places.items()}
    while tally.tried < count:
        kind = rng.choice(list(KINDS))
        files = sorted(path for path in places[kind].rglob("*") if path.is_file())
        file, damage = rng.choice(files), rng.choice(DAMAGES)
        whole = file.read_bytes()
        damaged = damage(whole, rng)
        if damaged == whole:
            continue
        read_instead(kind, places[kind], file, damaged, known[kind], tally)
    return tally


def flip(data, rng):
    """Flip one bit."""
    changed = bytearray(data)
    changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flips(data, rng):
    """Flip some bits close to each other."""
    changed, at = bytearray(data), rng.randrange(len(data))
    for _ in range(rng.randint(2, MOST_BITS)):
        changed[min(len(data) - 1, at + rng.randrange(16))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def zeros(data, rng):
    """Read a sector as zeros."""
    size, at = rng.choice([16, 64, 512]), rng.randrange(len(data))
    return data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]


def torn(data, rng):
    """Lose the end."""
    return data[: rng.randrange(1, len(data))]


def stale(data, rng):
    """Repeat a sector in the place of the next one."""
    size, at = rng.choice([16, 64, 512]), rng.randrange(len(data))
    piece = data[at : at + size]
    return (data[: at + size] + piece + data[at + 2 * size :])[: len(data)]


DAMAGES = (flip, flip, flip, flips, flips, zeros, torn, stale)
