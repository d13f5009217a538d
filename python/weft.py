"""weft.py - weft's streams and linear models in Python: numpy, msgpack, json. Copy this one file to where it is needed.

    head, frames = read(sys.stdin.buffer)       # frames come as they arrive; a damaged or broken stream raises ValueError
    write(sys.stdout.buffer, head, frames)      # head["schema"] and head["attrs"] say what they are: man weft-stream
    Linear("model.safetensors").forecast(x)     # what weft score says of the steps after x, as float64
"""
import json
import msgpack
import numpy as np

TYPES = {1: "<f4", 2: "<f8", 3: "u1", 4: "<i4", 5: "<i8"}
CODES = {np.dtype(t).str: code for code, t in TYPES.items()}
TABLE = np.arange(256, dtype=np.uint32)
for _ in range(8):
    TABLE = np.where(TABLE & 1, TABLE >> 1 ^ 0x82F63B78, TABLE >> 1)
TABLE = TABLE.tolist()

def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[crc & 255 ^ byte]
    return crc ^ 0xFFFFFFFF

def _array(code, data):  # an extension value of type 1: a tensor
    end = 4 + 4 * data[1]
    return np.frombuffer(data, TYPES[data[0]], offset=end).reshape(np.frombuffer(data, "<u4", data[1], 4))

def _extension(x):
    x = np.ascontiguousarray(x)
    return msgpack.ExtType(1, bytes([CODES[x.dtype.str], x.ndim, 0, 0]) + np.array(x.shape, "<u4").tobytes() + x.tobytes())

def _pack(x):
    return msgpack.packb(x, default=_extension)

def read(f, check=True):
    """(head, iterator of frames) of a stream; check=False leaves the checksum out (1 s for 10 MB)."""
    def maps():
        unpacker, kept, start = msgpack.Unpacker(ext_hook=_array, strict_map_key=False, max_buffer_size=2**31 - 1), b"", 0
        while chunk := (f.read1 if hasattr(f, "read1") else f.read)(1 << 16):  # kept begins at byte `start` of the stream
            unpacker.feed(chunk)
            kept, at = kept + chunk, start
            for x in unpacker:
                yield x, kept[at - start:unpacker.tell() - start]
                at = unpacker.tell()
            kept, start = kept[at - start:], at
    def frames():
        n, crc = 0, crc32c(first) if check else 0
        for x, raw in source:
            if "fault" in x:
                raise ValueError("%(program)s failed (%(exit)d): %(message)s" % x["fault"])
            if "end" in x:
                if x["end"] != n or check and x["crc32c"] != crc32c(_pack(x["counts"]), crc):
                    raise ValueError("the stream is damaged: its tail does not fit its frames")
                return
            n, crc = n + 1, crc32c(raw, crc) if check else 0
            yield x
        raise ValueError("the stream ends without a tail: the program above failed, or the file is cut short")
    source = maps()
    head, first = next(source, ({}, b""))
    if head.get("weft") != 1:
        raise ValueError("no stream of weft, version 1")
    return head, frames()

def write(f, head, frames):
    """Writes a whole stream; head: {"schema": ..., "attrs": {...}} and, when it comes of another stream, its "lineage"."""
    made = head.get("lineage", []) + [{"program": "weft.py", "version": "0.2.0", "args": {}}]
    raw, n = _pack({"weft": 1, "schema": head["schema"], "attrs": head["attrs"], "lineage": made}), 0
    crc = crc32c(raw)
    f.write(raw)
    for n, x in enumerate(frames, 1):
        raw = _pack(x)
        crc = crc32c(raw, crc)
        f.write(raw)
    counts = [{"program": "weft.py", "in": n, "out": n, "rejected": 0}]
    f.write(_pack({"end": n, "counts": counts, "crc32c": crc32c(_pack(counts), crc)}))
    f.flush()

class Linear:
    """A model of train-dlinear without channels and factors: weights(unit) and forecast(x)."""
    def __init__(self, path):
        with open(path, "rb") as f:
            head, data = json.loads(f.read(int.from_bytes(f.read(8), "little"))), f.read()
        meta = head.pop("__metadata__")
        if meta["weft.model"] != "dlinear":
            raise ValueError(f"{path}: a model of kind {meta['weft.model']}, and this reads dlinear")
        self.tensors = {k: np.frombuffer(data[slice(*t["data_offsets"])], "<f4").reshape(t["shape"]) for k, t in head.items()}
        self.lookback, self.horizon, self.kernel = (int(meta[k]) for k in ("lookback", "horizon", "kernel"))
        self.norm, self.scale, self.by = meta["norm"], meta["scale"], meta["by"]
        self.groups, self.channels = json.loads(meta["groups"]), json.loads(meta["channels"])

    def weights(self, unit=0):
        """W [horizon, lookback] and b [horizon]: of values that are scaled and less what norm takes away."""
        part = "" if len(self.groups) * len(self.channels) == 1 else f".{unit}"
        ws, bs, wt, bt = (self.tensors[f"Linear_{p}{part}.{k}"].astype("f8") for p in ("Seasonal", "Trend") for k in ("weight", "bias"))
        at = np.arange(self.lookback)  # the moving average as a matrix; the edges are repeated
        near = np.clip(at[:, None] + np.arange(self.kernel) - self.kernel // 2, 0, self.lookback - 1)
        average = np.zeros((self.lookback, self.lookback))
        np.add.at(average, (at[:, None], near), 1 / self.kernel)
        return ws + (wt - ws) @ average, bs + bt

    def forecast(self, x, group="all", channel=None, scale=None, nonnegative=True):
        """The horizon after x (the whole series; NaN: missing). group: the value of the key self.by. scale: the (shift, factor) of a windows
        frame; without it, as score does for a series, that of all of x. nonnegative: as score has it for what is counted, as units."""
        x = np.asarray(x, "f8")
        shift, factor = scale if scale is not None else (0, 1) if self.scale == "none" else \
            (np.nanmean(x), np.nanstd(x) or 1) if self.scale == "standard" else (np.nanmin(x), np.nanmax(x) - np.nanmin(x) or 1)
        w, b = self.weights(self.groups.index(group) * len(self.channels) + (self.channels.index(channel) if channel else 0))
        if len(x) < self.lookback:
            raise ValueError(f"{len(x)} steps, and the model looks back {self.lookback}")
        x = (x[-self.lookback:] - shift) / factor
        base = {"none": 0, "last": x[-1], "mean": x.mean()}[self.norm]
        y = (w @ (x - base) + b + base) * factor + shift
        return np.maximum(y, 0) if nonnegative else y
