#!/usr/bin/python3
"""Makes rank_quality.safetensors: measures of an order, found by trying every order. Where predictions or outcomes are equal all their orders are
enumerated and the measures averaged, so the expectations of src/model/rank_quality.c are checked against their definition and not against another
formula. Spearman is Pearson's correlation (numpy.corrcoef) of mean ranks. Run: tests/reference/make_rank_quality.py (python3-numpy)."""
import itertools
import os
import sys

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)
from weft_reference import save  # noqa: E402

NDCG_TOP, HITS_TOP = 5, 3


def orders(x):
    """Every order of the groups from the largest number to the least."""
    values = sorted(set(x), reverse=True)
    blocks = [[i for i in range(len(x)) if x[i] == v] for v in values]
    for parts in itertools.product(*[list(itertools.permutations(b)) for b in blocks]):
        yield [i for part in parts for i in part]


def mean_ranks(x):
    return np.array([np.mean([k for k, v in enumerate(sorted(x)) if v == y]) for y in x])


def spearman(a, b):
    if len(a) < 2:
        return np.nan
    ra, rb = mean_ranks(a), mean_ranks(b)
    if np.ptp(ra) == 0 or np.ptp(rb) == 0:
        return 0.0
    return np.corrcoef(ra, rb)[0, 1]


def dcg(order, gain):
    return sum(gain[i] / np.log2(k + 2) for k, i in enumerate(order[:NDCG_TOP]))


def measures(predicted, became):
    gain = np.array(became) - min(became)
    ideal = max(dcg(o, gain) for o in orders(became))
    ndcg, regret, hits = [], [], []
    truths = list(orders(became))
    for o in orders(predicted):
        ndcg.append(dcg(o, gain) / ideal if ideal > 0 else 1.0)
        regret.append(max(became) - became[o[0]])
        top = min(HITS_TOP, len(became))
        hits.append(np.mean([len(set(o[:top]) & set(t[:top])) / top for t in truths]))
    return [spearman(predicted, became), np.mean(ndcg), np.mean(hits), np.mean(regret), np.mean(np.abs(np.array(predicted) - np.array(became)))]


def main():
    rng = np.random.default_rng(7)
    cases = [
        ([1.2, 1.0, 0.8], [1.1, 0.9, 1.0]),
        ([1.0], [2.0]),
        ([1.0, 2.0], [2.0, 1.0]),
        ([1.0] * 6, [1.5, 0.5, 1.0, 0.75, 2.0, 1.25]),   # drawing lots
        ([1.0] * 7, [1.5, 0.5, 1.0, 0.75, 1.5, 1.25, 1.5]),
        ([1.5, 0.5, 1.0, 0.75, 2.0, 1.25], [1.0] * 6),
        ([3.0, 2.0, 2.0, 2.0, 1.0, 0.0], [0.5, 1.0, 2.0, 2.0, 2.5, 0.25]),
    ]
    for n in (5, 6, 7, 8, 9):
        became = rng.integers(2, 12, n) / 4
        cases.append(((became + rng.integers(-3, 4, n) / 4).tolist(), became.tolist()))
        cases.append((rng.standard_normal(n).astype(np.float32).tolist(), rng.standard_normal(n).astype(np.float32).tolist()))
    out = {}
    for i, (predicted, became) in enumerate(cases):
        out[f"{i}.predicted"] = np.array(predicted, np.float32)
        out[f"{i}.became"] = np.array(became, np.float32)
        out[f"{i}.measures"] = np.array(measures(predicted, became), np.float32)
    save(os.path.join(here, "rank_quality.safetensors"), out)


if __name__ == "__main__":
    main()
