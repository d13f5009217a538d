#!/usr/bin/env python3
"""check_linear.py WEFT.PY-DIR MODEL SERIES FORECASTS [WINDOWS]: the largest difference between weft.py and score, relative to 1 + what is forecast.

Says "frames difference"; with a fifth argument FILE.json, writes lookbacks, scales and forecasts there for the ONNX model to be held against."""
import json
import sys

sys.path.insert(0, sys.argv[1])
import numpy as np
import weft

model = weft.Linear(sys.argv[2])
with open(sys.argv[3], "rb") as f:
    head, frames = weft.read(f)
    series = {x["id"]: x for x in frames}
n, worst, rows = 0, 0, []
with open(sys.argv[4], "rb") as f:
    for x in weft.read(f)[1]:
        one, c = series[x["id"]], head["attrs"]["channels"].index(x["channel"])
        scale = one["scale"][:, c] if "scale" in one else None
        group = "all" if model.by == "all" else x["id"] if model.by == "id" else one["keys"][model.by]
        y = model.forecast(one["values"][c], group, x["channel"], scale)
        worst, n = max(worst, np.max(np.abs(y - x["forecast"][-1]) / (1 + np.abs(y)))), n + 1
        rows.append({"x": one["values"][c, -model.lookback:].tolist(), "scale": [0, 1] if scale is None else list(scale), "forecast": x["forecast"][-1].tolist()})
if len(sys.argv) > 5:
    with open(sys.argv[5], "w") as f:
        json.dump({"scaled": model.scale != "none", "rows": rows}, f)
print(n, f"{worst:.2e}")
