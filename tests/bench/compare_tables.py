#!/usr/bin/env python3
"""compare_tables.py TRAIN.csv TEST.csv SAID.csv [NAME=SAID.csv ...] - garment models beside scikit-learn on the same rows.

TRAIN.csv and TEST.csv: weft's `frames csv` of the scored products (columns part, labels_*, predicted_*, low_*, high_*). Learns from the rows of TRAIN
that are not part "valid", chooses strengths on those that are, measures on TEST. LEAVE=brand leaves a key out. Prints CSV: model,label,value (accuracy, or MSE of
log(1 + x) in standard deviations), bias, covered."""
import os
import sys

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import OneHotEncoder

CLASSES, QUANTITIES = ["gender", "age"], ["views", "sales"]
leave = os.environ.get("LEAVE", "").split(",")
train, test = (pd.read_csv(p, dtype={"id": str}) for p in sys.argv[1:3])
train = train.drop_duplicates("id")
keys = [c for c in train.columns if c.startswith("keys_") and c[5:] not in leave and c[5:] in ("gender", "category", "brand")]
fit, hold = train[train.part != "valid"], train[train.part == "valid"]
words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True).fit(fit.name.fillna(""))
hot = OneHotEncoder(handle_unknown="ignore").fit(fit[keys].fillna("?"))
logs = np.log1p(fit["numbers_price"])


def features(d):
    price = ((np.log1p(d["numbers_price"]) - logs.mean()) / logs.std()).fillna(0)
    return csr_matrix(hstack([words.transform(d.name.fillna("")), hot.transform(d[keys].fillna("?")), csr_matrix(price.values[:, None])]))


def say(model, label, value, bias="", covered=""):
    print(f"{model},{label},{value},{bias},{covered}")


X, V, T = features(fit), features(hold), features(test)
for label in CLASSES:
    a, b, c = (d["labels_" + label] for d in (fit, hold, test))
    best = max((LogisticRegression(C=C, max_iter=5000).fit(X[a.notna()], a.dropna()) for C in (0.1, 0.3, 1, 3, 10, 30, 100)),
               key=lambda m: m.score(V[b.notna()], b.dropna()))
    say("sklearn", label, best.score(T[c.notna()], c.dropna()))
    say("majority", label, (c.dropna() == a.value_counts().index[0]).mean())
    for key in keys:
        table = fit.groupby(key)["labels_" + label].agg(lambda x: x.value_counts().index[0] if x.notna().any() else None)
        say("lookup " + key[5:], label, (test[key].map(table).fillna(a.value_counts().index[0]) == c)[c.notna()].mean())
for label in QUANTITIES:
    a, b, c = (np.log1p(d["labels_" + label]) for d in (fit, hold, test))
    std = a.std(ddof=0)
    mse = lambda p: float((((p - c) / std) ** 2)[c.notna()].mean())
    best = min((Ridge(alpha=s).fit(X[a.notna()], a.dropna()) for s in (0.01, 0.1, 0.3, 1, 3, 10, 30)),
               key=lambda m: ((m.predict(V[b.notna()]) - b.dropna()) ** 2).mean())
    say("sklearn", label, mse(best.predict(T)))
    say("majority", label, mse(a.mean()))
    for key in keys:
        say("lookup " + key[5:], label, mse(test[key].map(np.log1p(fit["labels_" + label]).groupby(fit[key]).mean()).fillna(a.mean())))
for item in sys.argv[3:]:
    name, path = item.split("=", 1)
    d = pd.read_csv(path, dtype={"id": str})
    for label in CLASSES:
        there = d["labels_" + label].notna()
        say(name, label, (d["predicted_" + label] == d["labels_" + label])[there].mean())
    for label in QUANTITIES:
        c, p = d["labels_" + label], d["predicted_" + label]
        there, std = c.notna(), np.log1p(fit["labels_" + label]).std(ddof=0)
        e = d.get("mse." + label)
        inside = (c >= d["low_" + label]) & (c <= d["high_" + label])
        say(name, label, e.iloc[0] if e is not None else float((((np.log1p(p) - np.log1p(c)) / std) ** 2)[there].mean()),
            p[there].sum() / c[there].sum() - 1, inside[there].mean() if d["low_" + label].notna().any() else "")
