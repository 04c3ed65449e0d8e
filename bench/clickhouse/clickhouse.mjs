// ClickHouse behind a pipe, with the lines of bench/client.c:
//
//     node clickhouse.mjs THREADS FOLDER
//
//     run SQL          ->  ok MILLISECONDS 0
//     save PATH SQL    ->  ok MILLISECONDS 0, and the rows as CSV with a header in PATH
//                      or  error MESSAGE
//
// The time runs until the engine has all rows in its own blocks (FORMAT Null drops them there); nobody counts them.
// Its caches of results and of conditions are off: both answer a repeated query from the query before.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const { Session } = createRequire(import.meta.url)('chdb');
const [threads, folder] = process.argv.slice(2);
const session = new Session(folder, { connectionArgs: ['--max_threads=' + threads, '--max_insert_threads=' + threads] });
for (const setting of ['use_query_cache = 0', 'use_query_condition_cache = 0', 'max_threads = ' + threads,
    'engine_file_skip_empty_files = 0'])
    session.query('SET ' + setting);

function answer(line) {
    const words = line.split(' ');
    const command = words.shift();
    const path = command === 'save' ? words.shift() : null;
    let sql = words.join(' ').replace(/;\s*$/, '');
    if (sql === 'CHECKPOINT') sql = 'SELECT 1';
    if (path) sql += ` INTO OUTFILE '${path}' TRUNCATE FORMAT CSVWithNames`;
    else if (/^select/i.test(sql)) sql += ' FORMAT Null';
    const start = process.hrtime.bigint();
    session.query(sql, 'CSV');
    return `ok ${(Number(process.hrtime.bigint() - start) / 1e6).toFixed(3)} 0`;
}

for await (const line of createInterface({ input: process.stdin })) {
    let text;
    try {
        text = answer(line);
    } catch (e) {
        text = 'error ' + String(e.message).replaceAll('\n', ' ');
    }
    process.stdout.write(text + '\n');
}
session.close();
process.exit(0);
