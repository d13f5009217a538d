#!/usr/bin/python3
"""Makes intermittent.safetensors: Croston, SBA and TSB by plain numpy, each origin from scratch: vectors of sizes, of intervals and of
zeros and ones, each smoothed from its first element. Run: tests/reference/make_intermittent.py (python3-numpy)."""
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

N = 60


def smoothed(x, rate):
    weights = rate * (1 - rate) ** np.arange(len(x))[::-1]
    weights[0] = (1 - rate) ** (len(x) - 1)
    return float(weights @ x)


def forecasts(x, rate, rate_p, rate_d):
    """croston, sba, tsb"""
    x = x[~np.isnan(x)].astype(np.float64)
    if len(x) == 0:
        return [np.nan] * 3
    at = np.flatnonzero(x > 0) + 1
    if len(at) == 0:
        return [0.0] * 3
    croston = smoothed(x[at - 1], rate) / smoothed(np.diff(np.r_[0, at]).astype(np.float64), rate)
    tsb = smoothed((x > 0).astype(np.float64), rate_p) * smoothed(x[at - 1], rate_d)
    return [croston, croston * (1 - rate / 2), tsb]


def main():
    out = {}
    sparse = np.maximum(np.round(20 * counter(1, N) - 12), 0)
    holed = sparse.copy()
    holed[[0, 7, 8, 30, 59]] = np.nan
    returned = np.round(6 * counter(2, N) - 3)
    late = np.zeros(N, np.float32)
    late[50:] = [0, 3, 0, 0, 5, 5, 0, 0, 0, 0]
    for name, x in {"sparse": sparse, "holed": holed, "returned": returned, "late": late, "dense": counter(3, N) + 2, "zero": 0 * late, "none": late * np.nan}.items():
        out[name] = x.astype(np.float32)
        for label, rates in {"usual": (0.1, 0.1, 0.1), "own": (0.3, 0.05, 0.2)}.items():
            # [3, N]: from every origin 1 .. N
            out[f"{name}.{label}"] = np.array([forecasts(out[name][:n], *rates) for n in range(1, N + 1)], np.float32).T
    save(os.path.join(here, "intermittent.safetensors"), out)


main()
