#!/usr/bin/python3
"""Makes reconcile.safetensors: base forecasts of a small unbalanced tree, reconciled with dense matrices in float64:
S (S' W^-1 S)^-1 S' W^-1 for ordinary least squares, structural scaling and given variances; bottom-up and top-down by forecast
proportions from their definitions. Run: tests/reference/make_reconcile.py (python3-numpy)."""
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import counter, save  # noqa: E402

# Two trees: one of four levels whose leaves lie at several depths, one of a single level.
PARENT = [-1, 0, 0, 0, 1, 1, 3, 3, 3, 6, 6, 6, -1, 12, 12]
CASES = 5


def main():
    parent = np.array(PARENT)
    n = len(parent)
    children = [np.flatnonzero(parent == i) for i in range(n)]
    leaves = [i for i in range(n) if len(children[i]) == 0]
    s = np.zeros((n, len(leaves)))
    for column, leaf in enumerate(leaves):
        i = leaf
        while i >= 0:
            s[i, column] = 1
            i = parent[i]
    out = {"leaves": s.sum(1)}
    for case in range(CASES):
        base = 10 * counter(2 * case, n).astype(np.float64) + (8 if case else 0)
        variance = 0.01 + 3 * np.abs(counter(2 * case + 1, n).astype(np.float64))
        out[f"{case}.base"], out[f"{case}.variance"] = base, variance
        for name, w in {"ols": np.ones(n), "struct": s.sum(1), "wls": variance}.items():
            weighted = s.T / w
            out[f"{case}.{name}"] = s @ np.linalg.solve(weighted @ s, weighted @ base)
        out[f"{case}.bottom-up"] = s @ base[leaves]
        down = base.copy()
        for i in range(n):
            if len(children[i]):
                total = base[children[i]].sum()
                share = base[children[i]] / total if total > 0 else np.full(len(children[i]), 1 / len(children[i]))
                down[children[i]] = down[i] * share
        out[f"{case}.top-down"] = down
    out["parent"] = parent.astype(np.int32)  # last: what is in front of it stays aligned to 8 bytes
    save(os.path.join(here, "reconcile.safetensors"), out)


main()
