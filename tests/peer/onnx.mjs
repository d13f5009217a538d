// onnx.mjs MODEL.onnx ROWS.json MODULES: the largest difference between onnxruntime's forecasts and those in ROWS.json (check_linear.py), relative to 1 + what is
// forecast. MODULES: a directory where `npm install onnxruntime-node` was done.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [model, file, modules] = process.argv.slice(2);
const ort = createRequire(path.resolve(modules, "x.js"))("onnxruntime-node");
const { scaled, rows } = JSON.parse(fs.readFileSync(file));
const tensor = (values, width) => new ort.Tensor("float32", Float32Array.from(values), [rows.length, width]);
const session = await ort.InferenceSession.create(model);
const feeds = { x: tensor(rows.flatMap((r) => r.x), rows[0].x.length) };
if (scaled) {
    feeds.shift = tensor(rows.map((r) => r.scale[0]), 1);
    feeds.factor = tensor(rows.map((r) => r.scale[1]), 1);
}
const { forecast } = await session.run(feeds);
const want = rows.flatMap((r) => r.forecast);
let worst = forecast.data.length === want.length ? 0 : Infinity;
want.forEach((y, i) => (worst = Math.max(worst, Math.abs(forecast.data[i] - y) / (1 + Math.abs(y)))));
console.log(rows.length, worst.toExponential(2));
