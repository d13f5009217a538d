// arrow-write.mjs DIR MODULES: Arrow streams of one small table of sales as apache-arrow writes them, with dates and numbers of every type that ingest reads, and
// two that it refuses. MODULES: a directory where `npm install apache-arrow` was done.
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [dir, modules] = process.argv.slice(2);
const A = createRequire(path.resolve(modules, "x.js"))("apache-arrow");
const days = Array.from({ length: 40 }, (_, i) => new Date(Date.UTC(2026, 0, 1 + (i % 20))));
const items = days.map((_, i) => (i < 20 ? 'hat, "red"' : "털모자"));
const units = days.map((_, i) => (i === 7 ? null : i * 3));
const write = (name, date, number, text = new A.Utf8(), batches = 1) => {
    const size = days.length / batches;
    const tables = Array.from({ length: batches }, (_, b) => {
        const part = (x) => x.slice(b * size, (b + 1) * size);
        const big = number instanceof A.Int64 || number instanceof A.Uint64;
        return new A.Table({
            date: A.vectorFromArray(part(days), date),
            item: A.vectorFromArray(part(items), text),
            units: A.vectorFromArray(part(units).map((x) => (big && x !== null ? BigInt(x) : x)), number),
        });
    });
    fs.writeFileSync(path.join(dir, `${name}.arrows`), A.tableToIPC(tables.length > 1 ? tables[0].concat(...tables.slice(1)) : tables[0], "stream"));
};
write("day-double", new A.DateDay(), new A.Float64());
write("ms-float", new A.DateMillisecond(), new A.Float32());
write("second-int8", new A.TimestampSecond(), new A.Int8());
write("milli-uint16", new A.TimestampMillisecond(), new A.Uint16());
write("micro-int64", new A.TimestampMicrosecond(), new A.Int64());
write("nano-uint64", new A.TimestampNanosecond(), new A.Uint64());
write("text-int32-batches", new A.DateDay(), new A.Int32(), new A.Utf8(), 4);
write("large-text", new A.DateDay(), new A.Int32(), new A.LargeUtf8());
write("dictionary", new A.DateDay(), new A.Int32(), new A.Dictionary(new A.Utf8(), new A.Int32()));
write("half", new A.DateDay(), new A.Float16());
