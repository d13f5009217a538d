"""What the reference makers share: numbers that C and Python compute alike, and a writer of safetensors files."""
import json
import struct

import numpy as np


def counter(tensor, n):
    """n numbers in [-1, 1), a hash of (tensor, index): tests/unit/reference.h has the same in C."""
    x = np.arange(n, dtype=np.uint64) + np.uint64(tensor * 1000003 % (1 << 32) << 20)
    m = np.uint64(0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        x = (x + np.uint64(0x9E3779B97F4A7C15)) & m
        x = ((x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)) & m
        x = ((x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)) & m
        x = x ^ (x >> np.uint64(31))
    return ((x >> np.uint64(40)).astype(np.float64) / (1 << 23) - 1.0).astype(np.float32)


def save(path, tensors):
    """tensors: {name: float64, float32, float16, int32 or uint8 array, or uint16: the bits of bfloat16}, in order."""
    kinds = {"float64": "F64", "float32": "F32", "float16": "F16", "uint16": "BF16", "uint8": "U8", "int32": "I32"}
    header, at, parts = {}, 0, []
    for name, a in tensors.items():
        a = np.ascontiguousarray(a)
        header[name] = {"dtype": kinds[str(a.dtype)], "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        at += a.nbytes
        parts.append(a.tobytes())
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(parts))
