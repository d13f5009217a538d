"""linear_to_onnx.py MODEL.safetensors OUT.onnx [GROUP [CHANNEL]] - a model of train-dlinear as ONNX, for onnxruntime and what else reads it.

Inputs, in batches of series: x [n, lookback], the last values of each, none of them missing; and, of a model that was trained with --scale standard or minmax, shift
and factor [n, 1], as the windows stream has them. Output: forecast [n, horizon], in the units of x and not below 0, as score has it for what is counted.
Needs numpy and, beside it, weft.py; writes ONNX (IR 8, operators 13) by itself.
"""
import sys
import numpy as np
from weft import Linear


def number(n):  # a varint
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(tag, value):  # a field of a message: a number, or bytes with their length
    if isinstance(value, int):
        return number(tag << 3) + number(value)
    value = value.encode() if isinstance(value, str) else value
    return number(tag << 3 | 2) + number(len(value)) + value


def tensor(name, x):  # TensorProto of float32
    x = np.asarray(x, "<f4")
    return b"".join(field(1, n) for n in x.shape) + field(2, 1) + field(8, name) + field(9, x.tobytes())


def value(name, width):  # ValueInfoProto: float32 [n, width]
    shape = field(1, field(2, "n")) + field(1, field(1, width))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(op, inputs, output):  # NodeProto
    return b"".join(field(1, i) for i in inputs) + field(2, output) + field(3, output) + field(4, op)


def model(m, unit):
    w, b = m.weights(unit)
    if m.norm != "none":  # what norm takes away and adds again is linear in x too
        taken = np.full(m.lookback, 1 / m.lookback) if m.norm == "mean" else np.eye(m.lookback)[-1]
        w = w + (1 - w.sum(axis=1, keepdims=True)) * taken
    scaled = m.scale != "none"
    nodes = [node("MatMul", ["scaled" if scaled else "x", "weight"], "product"), node("Add", ["product", "bias"], "sum")]
    if scaled:
        nodes = [node("Sub", ["x", "shift"], "shifted"), node("Div", ["shifted", "factor"], "scaled")] + nodes
        nodes += [node("Mul", ["sum", "factor"], "unscaled"), node("Add", ["unscaled", "shift"], "original")]
    nodes.append(node("Relu", ["original" if scaled else "sum"], "forecast"))
    inputs = [value("x", m.lookback)] + ([value("shift", 1), value("factor", 1)] if scaled else [])
    graph = b"".join(field(1, n) for n in nodes) + field(2, "dlinear")
    graph += field(5, tensor("weight", w.T)) + field(5, tensor("bias", b))
    graph += b"".join(field(11, i) for i in inputs) + field(12, value("forecast", m.horizon))
    return field(1, 8) + field(2, "weft") + field(7, graph) + field(8, field(1, "") + field(2, 13))


def main():
    if not 3 <= len(sys.argv) <= 5 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    m = Linear(sys.argv[1])
    for what, known, given in (("group", m.groups, sys.argv[3:4]), ("channel", m.channels, sys.argv[4:5])):
        if not given and len(known) > 1 or given and given[0] not in known:
            sys.exit(f"linear_to_onnx.py: which {what}? The model has {', '.join(known)}")
    group = m.groups.index(sys.argv[3]) if len(sys.argv) > 3 else 0
    channel = m.channels.index(sys.argv[4]) if len(sys.argv) > 4 else 0
    with open(sys.argv[2], "wb") as f:
        f.write(model(m, group * len(m.channels) + channel))


if __name__ == "__main__":
    main()
