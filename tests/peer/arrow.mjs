// arrow.mjs FILE.arrows FILE.csv MODULES: holds what `frames arrow` wrote, read by apache-arrow, against what `frames csv` says of the same stream, cell by cell.
// MODULES: a directory where `npm install apache-arrow` was done. Prints the columns with their types, and "N rows the same".
import fs from "node:fs";
import path from "node:path";
import { createRequire } from "node:module";

const [arrow, csv, modules] = process.argv.slice(2);
const { tableFromIPC } = createRequire(path.resolve(modules, "x.js"))("apache-arrow");
const table = tableFromIPC(fs.readFileSync(arrow));

function* rows(text) {
    let row = [], cell = "", quoted = false;
    for (let i = 0; i < text.length; i++) {
        const c = text[i];
        if (quoted && c === '"' && text[i + 1] === '"') cell += text[++i];
        else if (c === '"') quoted = !quoted;
        else if (!quoted && (c === "," || c === "\n")) {
            row.push(cell);
            cell = "";
            if (c === "\n") {
                yield row;
                row = [];
            }
        } else cell += c;
    }
}
const [names, ...want] = rows(fs.readFileSync(csv, "utf8"));
const fields = table.schema.fields;
const fail = (what) => {
    console.log(what);
    process.exit(1);
};
if (fields.map((f) => f.name).join("\u0001") !== names.join("\u0001")) fail(`columns ${fields.map((f) => f.name)}`);
if (table.numRows !== want.length) fail(`${table.numRows} rows, and CSV has ${want.length}`);
fields.forEach((field, c) => {
    const column = table.getChildAt(c), type = String(field.type);
    want.forEach((row, r) => {
        const x = column.get(r);
        let same = x === null ? row[c] === "" : type.startsWith("Utf8") ? x === row[c] : x === Math.fround(Number(row[c]));
        if (x !== null && type.startsWith("Date")) same = new Date(Number(x)).toISOString().slice(0, 10) === row[c];
        if (x !== null && type.startsWith("Timestamp")) same = new Date(Number(x)).toISOString().slice(0, 19) === row[c].replace(" ", "T");
        if (!same) fail(`row ${r + 1}, ${field.name}: ${x}, and CSV has ${row[c]}`);
    });
});
console.log(fields.map((f) => `${f.name}:${f.type}`).join(" "));
console.log(`${want.length} rows the same, ${table.batches.length} batches`);
