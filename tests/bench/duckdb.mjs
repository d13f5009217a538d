// duckdb.mjs LONG.csv MODULES: seconds that DuckDB needs to read a table of sales and add it up by id and day, two threads, best of five.
// MODULES: a directory where `npm install @duckdb/node-api` was done.
import { createRequire } from "node:module";
import path from "node:path";

const [csv, modules] = process.argv.slice(2);
const { DuckDBInstance } = createRequire(path.resolve(modules, "x.js"))("@duckdb/node-api");
const connection = await (await DuckDBInstance.create(":memory:", { threads: "2" })).connect();
let best = Infinity;
for (let i = 0; i < 5; i++) {
  const began = performance.now();
  await connection.runAndReadAll(`select count(*), sum(u) from (select id, date, sum(units) as u from read_csv('${csv}') group by all)`);
  best = Math.min(best, performance.now() - began);
}
console.log((best / 1000).toFixed(3));
process.exit(0);
