// One query in a fresh DuckDB in memory: milliseconds of CPU that it took, without start-up.
//   node duckdb-cpu.mjs THREADS SQL
import duckdb from '@duckdb/node-api';

const [threads, sql] = process.argv.slice(2);
const database = await duckdb.DuckDBInstance.create(':memory:', { threads });
const connection = await database.connect();
const before = process.cpuUsage();
await connection.runAndReadAll(sql);
const { user, system } = process.cpuUsage(before);
console.log(((user + system) / 1000).toFixed(1));
