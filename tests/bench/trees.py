#!/usr/bin/python3
"""trees.py TABLE.csv ORIGIN HORIZON TARGET: what people would pick for a shop instead: one global boosted-tree model
(xgboost, untuned) on calendar, channels known ahead and what was sold before the origin. TABLE has date,id,TARGET and any
channels; what was sold after ORIGIN (the first day forecast) is looked at for the score alone. Target: log(1 + sales / the
series' mean of two years); prints the sums of |forecast - actual| and of actual. python3-pandas, python3-xgboost."""
import sys

import numpy as np
import pandas as pd
import xgboost

EVERY, PAST = 7, 2 * 364


def features(y, mean, channels, dates, origin, horizon):
    """[series, horizon, features] of the steps origin .. origin + horizon, from values before the origin and plans."""
    series, shape = len(y), (len(y), horizon)
    t = np.arange(origin, origin + horizon)
    calendar = (dates.dayofweek, dates.day, dates.month, dates.dayofyear)
    out = [np.broadcast_to(x, shape) for x in (np.arange(horizon), *(c.values[t] for c in calendar))]
    out.append(np.broadcast_to(np.arange(series)[:, None], shape))
    for k in (7, 28, 56, 91, 182, 364):
        out.append(np.broadcast_to((y[:, max(0, origin - k):origin].mean(1) / mean)[:, None], shape))
    for weeks in (1, 4, 8):
        past = [y[:, t - 7 * (k + (horizon + 6) // 7)] for k in range(weeks)]
        out.append(np.mean(past, 0) / mean[:, None])
    year = t - 364
    out.append(np.where(year >= 0, y[:, np.maximum(year, 0)] / mean[:, None], np.nan))
    for x in channels:
        out += [x[:, np.clip(t + a, 0, x.shape[1] - 1)] for a in (-1, 0, 1)]
    return np.stack(out, -1).astype(np.float32)


def main():
    path, first, horizon, target = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    table = pd.read_csv(path, parse_dates=["date"], dtype={"id": str})
    days = pd.date_range(table.date.min(), table.date.max())

    def wide(c):
        return table.pivot_table(index="id", columns="date", values=c, aggfunc="sum").reindex(columns=days).fillna(0).values
    y = np.maximum(wide(target), 0)
    channels = [wide(c) for c in table.columns if c not in ("date", "id", target)]
    origin = days.get_loc(pd.Timestamp(first))
    mean = np.maximum(y[:, max(0, origin - PAST):origin].mean(1), 1e-6)
    origins = range(origin - horizon, max(100, origin - PAST), -EVERY)
    parts = [features(y, mean, channels, days, o, horizon) for o in origins]
    x = np.concatenate([part.reshape(-1, part.shape[-1]) for part in parts])
    z = np.concatenate([np.log1p(y[:, o:o + horizon] / mean[:, None]).ravel() for o in origins])
    weight = np.concatenate([np.repeat(mean / mean.mean(), horizon) for _ in origins])
    model = xgboost.XGBRegressor(n_estimators=400, max_depth=8, learning_rate=0.05, subsample=0.8, colsample_bytree=0.8,
                                 tree_method="hist", n_jobs=1, random_state=1)
    model.fit(x, z, sample_weight=weight)
    ahead = features(y, mean, channels, days, origin, horizon)
    f = np.expm1(model.predict(ahead.reshape(-1, ahead.shape[-1]))).reshape(len(y), horizon) * mean[:, None]
    names = [c for c in table.columns if c not in ("date", "id", target)]
    for c, name in zip(channels, names):
        if name == "open":
            f = f * (c[:, origin:origin + horizon] > 0)
    actual = y[:, origin:origin + horizon]
    print(np.abs(f - actual).sum(), actual.sum())


main()
