"""Sealed files with a forged field under the old seal: none may be read as something else.

A field of a document is changed, left out, doubled or added, tensors are renamed, cast, reshaped or
exchanged, numbers and lines of text files are; the checksum stays what it was, or is forged alone.
"""

import json
import random
import warnings

import numpy as np
import safetensors.torch
import torch
from fuzz_files import mutated
from tally import Tally
from written_files import KINDS, read_instead

SEALED = ("csv", "graphml", "json", "detector", "checkpoint", "manifest")
MARK = b"graphmax-sha256:"
LEAVES = (
    None, True, False, 0, 1, -1, 1.0, 0.5, 10**30, "", "x", "0" * 64, [], {}, [0], {"a": 1},
    float("inf"), "\ud800", "\x00", 2**53 + 1,
)  # fmt: skip


def attack(count, seed, folder):
    """Forge so many files."""
    warnings.simplefilter("ignore")
    rng, tally = random.Random(seed), Tally()
    for kind in SEALED:
        (folder / kind).mkdir()
        KINDS[kind].write(folder / kind, np.random.default_rng(seed))
    known = {kind: KINDS[kind].read(folder / kind) for kind in SEALED}
    while tally.tried < count:
        kind = rng.choice(SEALED)
        files = sorted(path for path in (folder / kind).rglob("*") if path.is_file())
        file = rng.choice(files)
        whole = file.read_bytes()
        forged = forged_file(file, whole, rng)
        if forged is None or forged == whole:
            continue
        read_instead(kind, folder / kind, file, forged, known[kind], tally)
    return tally


def forged_file(file, whole, rng):
    """Return the bytes of a forgery, None where the seal itself went away."""
    if file.suffix == ".safetensors":
        return forged_tensors(whole, rng)
    if MARK in whole:
        seal = whole[whole.index(MARK) :][: len(MARK) + 64]
        forged = mutated(whole, rng)
        return forged if seal in forged else None
    return forged_document(whole, rng)


def forged_document(text, rng):
    """Change one place of a JSON document."""
    document = json.loads(text)
    if rng.random() < 0.15:  # the last of two equal names counts
        name = rng.choice(list(document))
        pair = f"{json.dumps(name)}: {json.dumps(rng.choice(LEAVES))}, "
        at = 1 if rng.random() < 0.5 else text.rindex(b"}")
        piece = pair if at == 1 else ", " + pair.rstrip(", ")
        return text[:at] + piece.encode() + text[at:]
    change(document, rng)
    return json.dumps(document, indent=rng.choice([None, 1])).encode()


def change(document, rng):
    """Walk to a random place and put something else there, leave it out, or add to it."""
    while True:
        keys = list(document) if isinstance(document, dict) else list(range(len(document)))
        kind = rng.random()
        if not keys or kind < 0.1:
            new = rng.choice(LEAVES)
            document.append(new) if isinstance(document, list) else document.update(zzz=new)
            return
        key = rng.choice(keys)
        inner = document[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.8:
            document = inner
            continue
        if kind < 0.25:
            del document[key]
        elif kind < 0.6 and isinstance(inner, int | float) and not isinstance(inner, bool):
            document[key] = rng.choice([inner + 1, -inner, float(inner), inner * 2, str(inner)])
        elif kind < 0.6 and isinstance(inner, str):
            document[key] = rng.choice([inner + " ", inner.upper(), inner[::-1], inner[1:]])
        else:
            document[key] = rng.choice(LEAVES)
        return


def forged_tensors(content, rng):
    """Change a tensor, its name, its kind or the document in the metadata."""
    tensors = dict(safetensors.torch.load(content))
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__")
    if metadata and rng.random() < 0.5:
        name = rng.choice(list(metadata))
        metadata[name] = forged_document(metadata[name].encode(), rng).decode("utf-8", "replace")
        return safetensors.torch.save(tensors, metadata)
    name = rng.choice(list(tensors))
    tensor = tensors[name].clone()
    kind = rng.randrange(8)
    if kind == 0 and tensor.numel():
        flat, at = tensor.view(-1), rng.randrange(tensor.numel())
        flat[at] = ~flat[at] if tensor.dtype == torch.bool else flat[at] + 1
    elif kind == 1 and tensor.is_floating_point() and tensor.numel():
        tensor.view(-1)[0] = rng.choice([float("nan"), float("inf"), -0.0])
    elif kind == 2:
        tensor = tensor.to(rng.choice([torch.float32, torch.float64, torch.int64, torch.bfloat16]))
    elif kind == 3:
        tensor = tensor.reshape(rng.choice([(1, -1), (-1,), (-1, 1)]))
    elif kind == 4:
        tensors[name + rng.choice(["_", ".x", "\x00"])] = tensors.pop(name)
        return safetensors.torch.save(tensors, metadata)
    elif kind == 5:
        tensors["another"] = torch.zeros(2)
    elif kind == 6:
        del tensors[name]
        return safetensors.torch.save(tensors, metadata)
    else:
        other = rng.choice(list(tensors))
        tensors[name], tensors[other] = tensors[other], tensors[name]
        return safetensors.torch.save(tensors, metadata)
    tensors[name] = tensor.contiguous()
    return safetensors.torch.save(tensors, metadata)
