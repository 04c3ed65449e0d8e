-- Queries that must not depend on workers, blocks, dispatch tables, instruction sets, grouping modes or the
-- optimizer.  See diff.py for the table and for what `only:` means.

-- Many groups: tables outgrow the cache and spill.
SELECT many, count(*) FROM t GROUP BY many;
SELECT id, count(*) FROM t GROUP BY id ORDER BY id DESC LIMIT 5;
SELECT count(*), sum(n) FROM (SELECT many, count(*) AS n FROM t GROUP BY many) s;
SELECT many, few, count(*), min(id) FROM t GROUP BY many, few ORDER BY 3 DESC, 4 LIMIT 20;
SELECT key, count(*), min(id), max(id) FROM t GROUP BY key;
SELECT key, word, zero, small, count(*) FROM t WHERE id < 400000 GROUP BY key, word, zero, small ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT 10;
SELECT count(*) FROM (SELECT key, word, v, c, count(*) AS n FROM t GROUP BY key, word, v, c) s WHERE n = 1;

-- More than 65,536 distinct texts.
SELECT count(DISTINCT key) FROM t;
SELECT count(DISTINCT key), count(DISTINCT many), count(DISTINCT word), count(*) FROM t;
SELECT few, count(DISTINCT key), count(DISTINCT many), sum(DISTINCT many), avg(DISTINCT small) FROM t GROUP BY few;
SELECT many / 10, count(DISTINCT key), count(DISTINCT word) FROM t GROUP BY 1;
SELECT many, count(DISTINCT zero), sum(DISTINCT zero), count(DISTINCT v) FROM t GROUP BY many ORDER BY 2 DESC, 1 LIMIT 100;
SELECT word, count(DISTINCT d), count(DISTINCT d) FILTER (WHERE b), count(DISTINCT ts) FILTER (WHERE zero = 1) FROM t GROUP BY word;
SELECT count(DISTINCT key || word), count(DISTINCT lower(word)), count(DISTINCT length(key)) FROM t;
SELECT count(DISTINCT id) FROM t WHERE zero <> 0;
SELECT count(DISTINCT n), count(DISTINCT c), count(DISTINCT iv), count(DISTINCT g), count(DISTINCT r) FROM t;
SELECT few, count(DISTINCT n), count(DISTINCT c), count(DISTINCT iv), count(DISTINCT g) FROM t GROUP BY few;
SELECT DISTINCT many FROM t WHERE many < 2000;
SELECT DISTINCT word, few FROM t;
SELECT DISTINCT key FROM t ORDER BY key LIMIT 20 OFFSET 50000;

-- Sums of floats are exact: the same bits in any order.
-- only: PostgreSQL rounds after each addition
SELECT sum(f), avg(f), var_samp(f), stddev_pop(f) FROM t;
-- only: PostgreSQL rounds after each addition
SELECT few, sum(f), avg(f), sum(f * 3) FROM t GROUP BY few;
-- only: PostgreSQL rounds after each addition
SELECT word, sum(f) FILTER (WHERE b), var_pop(f) FROM t GROUP BY word;
-- only: PostgreSQL rounds after each addition
SELECT many, sum(f), sum(r) FROM t GROUP BY many ORDER BY 2 LIMIT 100;
SELECT sum(r), avg(r) FROM t;
SELECT few, sum(r), min(r), max(r) FROM t GROUP BY few;
SELECT sum(m), avg(m), var_samp(m), stddev_pop(small), sum(big), avg(big) FROM t;
-- only: PostgreSQL overflows on the way
SELECT sum(g), min(g), max(g), count(g) FROM t;
SELECT b, sum(n), min(n), max(n) FROM t WHERE n <> 'NaN' AND n < 1e10 GROUP BY b;

-- Extremes of text over many blocks.
SELECT min(key), max(key), min(word), max(word), min(v), max(v), min(c), max(c) FROM t;
SELECT few, min(key), max(key), min(word), max(upper(word)) FROM t GROUP BY few;
SELECT many, min(key), max(key), max(word) FROM t GROUP BY many;
SELECT v, min(key) FILTER (WHERE b), max(key) FILTER (WHERE zero = 3) FROM t GROUP BY v;
SELECT min(key), max(key) FROM t WHERE key LIKE '%host%9%';
SELECT min(d), max(d), min(ts), max(ts), min(iv), max(iv), bool_and(b), bool_or(b) FROM t;

-- Ties are settled by row id; LIMIT without ORDER BY by the first row id.
-- only: PostgreSQL leaves ties open
SELECT id, few FROM t ORDER BY few LIMIT 20;
-- only: PostgreSQL leaves ties open
SELECT id, word, zero FROM t ORDER BY word DESC NULLS LAST, zero LIMIT 50 OFFSET 1000;
-- only: PostgreSQL leaves ties open
SELECT id, g FROM t ORDER BY g DESC LIMIT 30;
-- only: PostgreSQL leaves ties open
SELECT id, c FROM t WHERE c = 'a' ORDER BY c LIMIT 30;
-- only: PostgreSQL leaves ties open
SELECT id, iv, n FROM t ORDER BY iv, n LIMIT 30;
-- only: PostgreSQL leaves ties open
SELECT id, b FROM t ORDER BY b LIMIT 5 OFFSET 200000;
-- only: PostgreSQL leaves ties open
SELECT word, count(*) > 0 FROM t GROUP BY word ORDER BY 2 LIMIT 10;
-- only: PostgreSQL leaves ties open
SELECT many, key, count(*) FROM t GROUP BY many, key ORDER BY count(*) DESC LIMIT 10;
-- only: PostgreSQL leaves ties open
SELECT v, min(id) FROM t GROUP BY v ORDER BY length(v) LIMIT 20 OFFSET 3;
-- only: PostgreSQL takes any rows
SELECT many, count(*) FROM t GROUP BY many LIMIT 10;
-- only: PostgreSQL takes any rows
SELECT word, key, count(*) FROM t WHERE zero = 2 GROUP BY word, key LIMIT 10 OFFSET 5;
-- only: PostgreSQL takes any rows
SELECT DISTINCT v FROM t LIMIT 5;
-- only: PostgreSQL takes any rows
SELECT upper(word), few, count(*), sum(f) FROM t GROUP BY 1, 2 LIMIT 7;
SELECT id, key FROM t LIMIT 10;
SELECT id, key FROM t WHERE small = 7 LIMIT 10 OFFSET 300;
SELECT id FROM t WHERE word LIKE '%google%' LIMIT 25;
SELECT id FROM t ORDER BY id DESC LIMIT 10;
SELECT id, key, f FROM t ORDER BY f DESC NULLS LAST, id LIMIT 20;
SELECT id, key FROM t WHERE few IS NULL ORDER BY key DESC NULLS LAST, id LIMIT 20;
SELECT * FROM t ORDER BY ts DESC NULLS LAST, id LIMIT 5;
SELECT id FROM t WHERE id > 599990 ORDER BY many NULLS FIRST, id;

-- OFFSET beyond the end, LIMIT of nothing.
SELECT id FROM t LIMIT 10 OFFSET 600000;
SELECT id FROM t OFFSET 599998;
SELECT id FROM t ORDER BY id OFFSET 599998;
SELECT id FROM t ORDER BY key LIMIT 3 OFFSET 1000000000000;
SELECT few FROM t GROUP BY few ORDER BY few OFFSET 100;
SELECT few FROM t GROUP BY few ORDER BY few LIMIT 0;
SELECT count(*) FROM t LIMIT 0;
SELECT count(*) FROM t OFFSET 1;

-- NULLs, and keys whose equality is coarser than their form: a group shows its lowest row's.
SELECT few, word, b, count(*) FROM t GROUP BY few, word, b;
-- only: PostgreSQL hashes, and shows whichever row came first; so do we, but the order is open
SELECT n, count(*), min(id) FROM t GROUP BY n ORDER BY 3 LIMIT 20;
SELECT g, count(*), min(id) FROM t GROUP BY g;
SELECT c, count(*), min(id) FROM t GROUP BY c;
SELECT iv, count(*), min(id) FROM t GROUP BY iv;
-- only: PostgreSQL puts short rows into gaps of earlier pages
SELECT n, count(*), min(id) FROM t GROUP BY n;
-- only: PostgreSQL puts short rows into gaps of earlier pages
SELECT g, c, iv, count(*), min(id) FROM t GROUP BY g, c, iv;
-- only: PostgreSQL puts short rows into gaps of earlier pages
SELECT n, b, count(*) FROM t WHERE zero > 1 GROUP BY n, b;
-- only: PostgreSQL puts short rows into gaps of earlier pages
SELECT -n, count(*) FROM t WHERE n < 1e10 GROUP BY 1;
SELECT -g, count(*) FROM t GROUP BY 1;
SELECT iv * 2, count(*) FROM t GROUP BY 1;
SELECT c || '|', length(c), count(*) FROM t GROUP BY 1, 2;
SELECT n, n * 2, count(*) FROM t WHERE few = 1 GROUP BY n, n * 2;
SELECT DISTINCT g FROM t;
SELECT DISTINCT iv, c FROM t WHERE many > 100;
SELECT count(*) FROM t WHERE g = 0;
SELECT count(*) FROM t WHERE g = 'NaN' OR n = 'NaN';
SELECT count(*) FROM t WHERE n = 1.0;
SELECT count(*) FROM t WHERE c = 'a' AND iv = '30 days';
SELECT count(*) FROM t WHERE n IN (1, 123.45, -0.0) AND g IN (0, 1.5);
SELECT min(id), max(id) FROM t WHERE n > 0.99999 AND n < 1.00001;

-- Errors of rows that are not selected are not raised; of those that are, the lowest row's.
SELECT count(*) FROM t WHERE zero <> 0 AND 10 / zero > 1;
SELECT count(*), sum(CASE WHEN zero <> 0 THEN 10 / zero END) FROM t;
SELECT zero, 10 / zero, count(*) FROM t WHERE zero <> 0 GROUP BY zero;
SELECT 10 / zero, count(*) FROM t GROUP BY 1;
SELECT zero, sum(10 / zero) FROM t GROUP BY zero;
SELECT zero, sum(10 / zero) FILTER (WHERE zero <> 0) FROM t GROUP BY zero;
SELECT sum(10 / zero) FROM t WHERE word = 'no such word';
SELECT id, 10 / zero FROM t WHERE zero > 3 LIMIT 5;
SELECT count(*) FROM t WHERE 10 / zero > 1;
SELECT count(*) FROM t WHERE CASE WHEN zero = 0 THEN false ELSE 10 / zero > 2 END;
SELECT count(*) FROM t WHERE id < 0 AND (word || 'x')::int = 3;
SELECT count(*) FROM t WHERE word = '100%' AND word::int = 3;
-- only: PostgreSQL puts short rows into gaps of earlier pages
SELECT max(word::int) FROM t WHERE id BETWEEN 1000 AND 2000;
SELECT sum((word || '1')::int) FROM t WHERE word = '' AND zero = 1;
SELECT small * 200 FROM t WHERE id > 3 AND small = 299;
SELECT (small * 200)::smallint FROM t WHERE small > 200 AND id < 300000;
SELECT count(*) FROM t WHERE big * 1000 > 0;
SELECT few, count(*) FROM t WHERE big BETWEEN -1000 AND 1000 AND big * 1000 = 0 GROUP BY few;
-- only: PostgreSQL rounds after each addition
SELECT sum(sqrt(small)) FROM t WHERE small >= 0 AND id < 3000;
SELECT count(sqrt(small)) FROM t;
SELECT few, count(ln(small)) FROM t WHERE small <> 0 GROUP BY few;
SELECT word, count(*) FROM t GROUP BY word HAVING 10 / (count(*) - count(*)) > 0;
SELECT CASE few WHEN 1 THEN 1 / zero ELSE 0 END, count(*) FROM t WHERE zero <> 0 GROUP BY 1;
SELECT coalesce(few, 1 / (zero - zero)), count(*) FROM t WHERE few IS NOT NULL GROUP BY 1;
SELECT zero FROM t WHERE zero <> 0 AND 10 / zero > 1 AND few = 2 ORDER BY 10 / zero, id LIMIT 5;

-- Volatile functions run once per row.
SELECT count(*) > 590000 FROM (SELECT random() AS x FROM t) s WHERE x < 0.9999;
SELECT count(DISTINCT random()) > 500000 FROM t;
SELECT count(*) FROM t WHERE random() < 2 AND random() >= 0;
SELECT few, count(DISTINCT random()) > 10 FROM t GROUP BY few;

-- Subqueries, VALUES, series.
SELECT a, count(*) FROM (SELECT few + 1 AS a, word AS w FROM t WHERE few > 1) s WHERE w <> '' GROUP BY a;
SELECT max(n), min(n), sum(n) FROM (SELECT word, count(*) AS n FROM t GROUP BY word HAVING count(*) > 5000) s;
SELECT n, count(*) FROM (SELECT many, count(*) AS n FROM t GROUP BY many) s GROUP BY n;
SELECT few, sum(n) FROM (SELECT few, word, count(*) AS n FROM t GROUP BY few, word) s GROUP BY few;
SELECT w, count(*) FROM (SELECT word AS w, id FROM t ORDER BY id LIMIT 100000 OFFSET 100) s GROUP BY w;
SELECT k, count(*) FROM (SELECT key AS k FROM t ORDER BY key, id LIMIT 70000) s GROUP BY k HAVING count(*) > 12;
SELECT g % 7, count(*), sum(g) FROM generate_series(1, 300000) g GROUP BY 1;
SELECT count(*), count(DISTINCT x) FROM (SELECT DISTINCT few * 10 AS x, b FROM t) s;

-- Several aggregates over one column or several: metadata, dictionary, value lists.
SELECT count(*), count(few), sum(few), min(few), max(few), avg(few) FROM t;
SELECT sum(few), sum(few + 1), sum(few * 2 - 3), sum(small), max(big) FROM t;
SELECT few, count(*), sum(few) FROM t WHERE few > 2 GROUP BY few;
SELECT length(word), count(*), max(word) FROM t WHERE word LIKE '%o%' GROUP BY 1;
SELECT d, count(*) FROM t WHERE d BETWEEN '2011-01-01' AND '2012-01-01' GROUP BY d;
SELECT date_trunc('month', d), count(*), min(d) FROM t GROUP BY 1;
SELECT count(*) FROM t WHERE false;
SELECT few, count(*) FROM t WHERE key = 'none' GROUP BY few;
SELECT count(*), sum(few), min(word), count(DISTINCT key) FROM t WHERE key = 'none';
SELECT 1, 'x', count(*) FROM t GROUP BY 1, 2;

-- Rows of groups come in no order: cut, they are fixed by their group.
-- only: PostgreSQL takes any rows
SELECT DISTINCT many FROM t OFFSET 280000;
-- only: PostgreSQL takes any rows
SELECT n, count(*) FROM (SELECT many, count(*) AS n FROM t GROUP BY many) s GROUP BY n LIMIT 3;
-- only: PostgreSQL takes any rows
SELECT many, n FROM (SELECT many, count(*) AS n FROM t GROUP BY many HAVING count(*) > 2) s LIMIT 5 OFFSET 2;
-- only: PostgreSQL takes any rows
SELECT many, n FROM (SELECT many, count(*) AS n FROM t GROUP BY many OFFSET 0) s ORDER BY n LIMIT 5;
-- only: PostgreSQL takes any rows
SELECT few, string_agg(w, ',') FROM (SELECT few, word AS w FROM t GROUP BY few, word) s GROUP BY few;
SELECT string_agg(word, ',') FROM (SELECT word FROM t WHERE small = 17 ORDER BY id DESC LIMIT 20) s;
SELECT few, string_agg(id::text, '') FROM t WHERE small = 17 AND zero = 1 GROUP BY few;
-- only: which of equal values counts is open
SELECT few, sum(DISTINCT n) FROM t WHERE n < 1e10 GROUP BY few;
-- only: which of equal values counts is open
SELECT b, sum(DISTINCT iv), avg(DISTINCT n), sum(DISTINCT g) FROM t WHERE n < 1e10 GROUP BY b;
-- only: which of equal values counts is open
SELECT sum(DISTINCT iv), sum(DISTINCT n) FROM t WHERE n < 1e10;
SELECT min(g), max(g), min(iv), max(iv), min(n), max(n) FROM t WHERE n <= 1 AND g <= 0;
SELECT zero, min(-g), max(-g), min(iv * 2), max(-n) FROM t WHERE n BETWEEN 0 AND 1 AND g BETWEEN 0 AND 1 GROUP BY zero;

-- Of several errors the one of the lowest row counts, and the first of that row.
SELECT id, 10 / (id - 5000), (word || 'x')::int FROM t WHERE id > 3000;
SELECT sum(10 / (id - 5000)), sum(('1' || few || CASE WHEN id = 4900 THEN 'x' ELSE '' END)::int) FROM t;
SELECT count(word::int) FROM t;
SELECT word::int, count(*) FROM t WHERE word <> '' GROUP BY 1;
SELECT count(DISTINCT v::int) FROM t WHERE v > 'v3';
SELECT max(('2013-' || word)::date) FROM t WHERE word LIKE 'word%';
SELECT count(*) FROM t WHERE word::int > 3;
SELECT few, count(*) FROM t WHERE few > 2 GROUP BY few HAVING sum((word || 'q')::int) > 3;
SELECT id FROM t ORDER BY word::int LIMIT 3;
SELECT key::int FROM t WHERE few = 3 AND small > 200;
SELECT key::int FROM t WHERE small = 77 AND few = 2 LIMIT 5;
SELECT sum(CASE WHEN id % 3 = 0 THEN 10 / (id - 9) WHEN id % 3 = 1 THEN word::int END) FROM t WHERE id > 4;
