// Write the Parquet files of tests/data/parquet anew, with DuckDB:
//
//     scripts/bench-setup.sh && node scripts/gen-parquet.mjs [FOLDER]
//
// Their rows follow from the queries below, which the tests repeat.  What DuckDB does not write (older encodings,
// damaged files) is made by the tests themselves.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, '../bench/package.json'));
const { DuckDBInstance } = require('@duckdb/node-api');
const folder = process.argv[2] ?? join(here, '../tests/data/parquet');

const types = `SELECT i % 2 = 0 AS b, (i - 3)::TINYINT AS i8, (i * 1000)::SMALLINT AS i16, i * 100000 AS i32, i * 10000000000 AS i64,
    i::UTINYINT AS u8, (60000 + i)::USMALLINT AS u16, (4000000000 + i)::UINTEGER AS u32,
    (18446744073709551600 + i)::UBIGINT AS u64, i / 4::FLOAT AS f32, i / 3::DOUBLE AS f64,
    (i * 1.25)::DECIMAL(4,2) AS d4, (i * 1000.5)::DECIMAL(9,1) AS d9, (i * 1000000000.25)::DECIMAL(18,3) AS d18,
    (i * 10000000000000000000000.125 - 5)::DECIMAL(38,4) AS d38, DATE '1999-12-30' + i::INTEGER AS d,
    TIME '23:59:50.000001' + i * INTERVAL 1 SECOND AS t, TIMESTAMP '1999-12-31 23:59:58.5' + i * INTERVAL 1 SECOND AS ts,
    (TIMESTAMP '1969-12-31 23:59:58.999' + i * INTERVAL 1 SECOND)::TIMESTAMP_MS AS ts_ms,
    (TIMESTAMP '1969-12-31 23:59:58.999999' + i * INTERVAL 1 SECOND)::TIMESTAMP_NS AS ts_ns,
    (TIMESTAMP '2020-05-05 12:00:00' + i * INTERVAL 1 HOUR)::TIMESTAMPTZ AS tz,
    CASE WHEN i % 3 = 0 THEN '' WHEN i % 3 = 1 THEN 'straße ' || i ELSE 'a string that is not short ' || i END AS s,
    i * INTERVAL '1 month 2 days 3 seconds' AS iv, ('k' || i % 2)::ENUM('k0', 'k1') AS e
    FROM range(8) x(i)`;
const nulls = types.replace('FROM range', ', i AS keep FROM range');

const rows = n => `SELECT i::INTEGER AS a, CASE WHEN i % 5 = 0 THEN NULL ELSE i % 7 END::BIGINT AS b,
    CASE WHEN i % 11 = 0 THEN NULL ELSE 'value ' || i % 40 END AS c, i / 8::DOUBLE AS d,
    CASE WHEN i < ${n / 2} THEN NULL ELSE i % 2 = 0 END AS e FROM range(${n}) x(i)`;

const files = { 'types.parquet': [types, ''] };
files['nulls.parquet'] = [`SELECT * EXCLUDE (keep) REPLACE (${['b', 'i8', 'i16', 'i32', 'i64', 'u8', 'u16', 'u32', 'u64', 'f32', 'f64', 'd4', 'd9', 'd18', 'd38',
    'd', 't', 'ts', 'ts_ms', 'ts_ns', 'tz', 's', 'iv', 'e'].map((c, k) => `CASE WHEN (keep + ${k}) % 3 = 0 THEN NULL ELSE ${c} END AS ${c}`).join(', ')})
    FROM (${nulls})`, ''];
for (const codec of ['uncompressed', 'snappy', 'gzip', 'zstd', 'lz4_raw'])
    files[`${codec}.parquet`] = [rows(300), `, COMPRESSION ${codec}`];
files['v2.parquet'] = [rows(300), ', PARQUET_VERSION v2, COMPRESSION zstd'];
files['groups.parquet'] = ['SELECT a, c FROM (' + rows(4500) + ')', ', ROW_GROUP_SIZE 2048, COMPRESSION zstd'];
files['empty.parquet'] = [rows(300) + ' WHERE false', ''];
files['nested.parquet'] = ["SELECT 1 AS a, [1, 2] AS l, {'x': 1, 'y': 'z'} AS s, MAP {'k': 1} AS m, 'end' AS z", ''];
files['others.parquet'] = ["SELECT 'aa'::BLOB AS b, '00112233-4455-6677-8899-aabbccddeeff'::UUID AS u", ''];
files['bytes.parquet'] = ["SELECT 'aa'::BLOB AS b, '\\xFF\\x00'::BLOB AS bad", ''];

const instance = await DuckDBInstance.create(':memory:', { threads: 1 });
const connection = await instance.connect();
await connection.run("SET TimeZone = 'UTC'");
for (const [name, [query, options]] of Object.entries(files))
    await connection.run(`COPY (${query}) TO '${join(folder, name)}' (FORMAT parquet${options})`);
connection.closeSync();
