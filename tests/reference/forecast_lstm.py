#!/usr/bin/python3
"""forecast_lstm.py MODEL WINDOWS FORECASTS: loads a model of train-lstm into torch.nn.LSTM and torch.nn.Linear and says how far its latest forecasts are
from those of score. WINDOWS and FORECASTS: what `frames show` prints of the two streams. Ends with 1 when a forecast differs by more than 1e-5 of the
largest value."""
import json
import struct
import sys

import numpy as np
import torch


def load(path):
    with open(path, "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(n)), f.read()
    meta = header.pop("__metadata__")
    return meta, {k: torch.from_numpy(np.frombuffer(data[v["data_offsets"][0] : v["data_offsets"][1]], np.float32).reshape(v["shape"]).copy()) for k, v in header.items()}


def frames(path):
    return [j for j in map(json.loads, open(path)) if "id" in j]


def main():
    meta, tensors = load(sys.argv[1])
    lookback, horizon, hidden, layers = (int(meta[k]) for k in ("lookback", "horizon", "hidden", "layers"))
    net = torch.nn.ModuleDict({"encoder": torch.nn.LSTM(1, hidden, layers, batch_first=True), "head": torch.nn.Linear(hidden, horizon)})
    net.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("residual")})
    net.double()
    worst = 0.0
    for w, f in zip(frames(sys.argv[2]), frames(sys.argv[3])):
        shift, factor = f["scale"]["f64"]
        x = (torch.tensor(w["values"]["f32"][0][-lookback:], dtype=torch.float64) - shift) / factor
        with torch.no_grad():
            y = net["head"](net["encoder"](x[None, :, None])[0][:, -1])[0] * factor + shift
        got = np.array(f["forecast"]["f32"]).reshape(-1)
        worst = max(worst, float(np.abs(got - y.numpy()).max() / np.abs(y.numpy()).max()))
    print(f"{worst:.2g}")
    sys.exit(worst > 1e-5)


main()
