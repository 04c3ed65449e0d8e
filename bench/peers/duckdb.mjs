// DuckDB behind a pipe, speaking the lines of bench/client.c:
//
//     node duckdb.mjs THREADS FILE [read-only]
//
//     run SQL          ->  ok MILLISECONDS ROWS
//     save PATH SQL    ->  ok MILLISECONDS ROWS, and the rows as CSV with a header in PATH
//                      or  error MESSAGE
//
// The time runs until all rows are in memory as DuckDB's own chunks; turning them into JavaScript values would be
// Node's cost, not DuckDB's.
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';

const [threads, file, reading] = process.argv.slice(2);
const instance = await DuckDBInstance.create(file, { threads, ...(reading && { access_mode: 'READ_ONLY' }) });
const connection = await instance.connect();

async function answer(line) {
    const words = line.split(' ');
    const command = words.shift();
    const path = command === 'save' ? words.shift() : null;
    let sql = words.join(' ');
    if (path) sql = `COPY (${sql.replace(/;\s*$/, '')}) TO '${path}' (FORMAT csv, HEADER)`;
    const start = process.hrtime.bigint();
    const result = await connection.runAndReadAll(sql);
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    return `ok ${ms.toFixed(3)} ${result.currentRowCount}`;
}

for await (const line of createInterface({ input: process.stdin })) {
    let text;
    try {
        text = await answer(line);
    } catch (e) {
        text = 'error ' + String(e.message).replaceAll('\n', ' ');
    }
    process.stdout.write(text + '\n');
}
connection.closeSync();
instance.closeSync();
