/* The world of the fault tests: see world.h. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "../unit/parquet/parquet_writer.h"
#include "base/assert.h"

/* ---- verdicts --------------------------------------------------------------------------------- */

enum { BUGS_SHOWN = 12 };
int        bugs;
static int all_bugs;

void bug(const char *format, ...)
{
    va_list args;
    if (bugs++ >= BUGS_SHOWN)
        return;
    va_start(args, format);
    fputs("    ", stdout);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    fflush(stdout);
}

void verdict(const char *name, uint64_t rounds)
{
    if (bugs)
        printf("FAIL fault %s: %d findings in %" PRIu64 " rounds\n", name, bugs, rounds);
    else
        printf("PASS fault %s (%" PRIu64 " rounds)\n", name, rounds);
    fflush(stdout);
    all_bugs += bugs;
    bugs = 0;
}

int exit_status(void)
{
    return all_bugs ? 1 : 0;
}

uint64_t stride_of(int argc, char **argv)
{
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    return n ? n : 1;
}

/* A failure of the test's own machinery ends it. */
static void must(qn_status st, const qn_error *err, const char *what)
{
    if (st == QN_OK)
        return;
    printf("FAIL fault: %s: %s\n", what, err->message);
    exit(1);
}

/* ---- world ------------------------------------------------------------------------------------ */

static void init(world *w, int threads)
{
    qn_error err = {0};
    qn_mem_init(&w->memory, NULL, 0);
    must(qn_vfs_fault_new(&w->vfs_memory, w->base, &w->fault, &err), &err, "fault vfs");
    w->now_ns = UINT64_C(1700000000000000000);
    w->door = (qn_world){.vfs = w->fault, .file_vfs = w->fault, .clock = qn_clock_manual(&w->now_ns),
                         .memory = &w->memory};
    w->options = (qn_options){.threads = threads, .memory_limit_bytes = (uint64_t)1 << 32};
}

void world_init(world *w, int threads)
{
    qn_error err = {0};
    *w = (world){0};
    qn_mem_init(&w->vfs_memory, NULL, 0);
    must(qn_vfs_memory_new(&w->vfs_memory, &w->base, &err), &err, "memory vfs");
    init(w, threads);
}

void world_init_posix(world *w, int threads)
{
    *w = (world){.posix = true, .base = qn_vfs_posix()};
    qn_mem_init(&w->vfs_memory, NULL, 0);
    init(w, threads);
}

void world_deinit(world *w)
{
    world_close(w);
    qn_vfs_fault_free(w->fault);
    if (!w->posix)
        qn_vfs_memory_free(w->base);
    qn_mem_deinit(&w->vfs_memory);
}

qn_status world_open(world *w, qn_error *err)
{
    qn_status st = qn_open_in(&w->door, DB_PATH, &w->options, &w->db, err);
    if (st == QN_OK)
        st = qn_connect(w->db, &w->conn, err);
    if (st != QN_OK)
        world_close(w);
    return st;
}

void world_close(world *w)
{
    qn_disconnect(w->conn);
    qn_close(w->db);
    w->conn = NULL;
    w->db = NULL;
    uint64_t used = atomic_load(&w->memory.used_bytes);
    if (used)
        bug("%" PRIu64 " bytes were not given back at close", used);
    atomic_store(&w->memory.used_bytes, 0);
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* The file a COPY … TO 'name' writes; the script quotes it first. */
static bool output_file(const char *sql, char path[64])
{
    const char *to = strstr(sql, " TO '");
    return strncmp(sql, "COPY", 4) == 0 && to && sscanf(to, " TO '%63[^']", path) == 1;
}

static qn_status print_rows(qn_result *r, qn_buf *out, qn_error *err)
{
    const qn_chunk *chunk;
    for (;;) {
        qn_status st = qn_result_next(r, &chunk, err);
        if (st != QN_OK || !chunk)
            return st;
        for (uint32_t row = 0; row < qn_chunk_rows(chunk); row++) {
            for (int c = 0; c < qn_result_columns(r); c++) {
                size_t      bytes;
                const char *text = qn_chunk_text(chunk, c, row, &bytes);
                qn_buf_add(out, c ? "|" : "", c ? 1 : 0);
                qn_buf_add(out, text ? text : "NULL", text ? bytes : 4);
            }
            qn_buf_add(out, "\n", 1);
        }
    }
}

qn_status world_answer(world *w, const char *sql, qn_buf *out, qn_error *err)
{
    qn_result *r = NULL;
    char       path[64];
    qn_buf_clear(out);
    qn_status st = qn_query(w->conn, sql, &r, err);
    if (st != QN_OK) {
        if (r)
            bug("%s: failed, and yet there is a result", sql);
        return st;
    }
    /* Times differ from run to run. */
    if (strncmp(sql, "EXPLAIN ANALYZE", 15) != 0)
        st = print_rows(r, out, err);
    qn_buf_add(out, qn_result_command(r), strlen(qn_result_command(r)));
    qn_result_free(r);
    if (st == QN_OK && output_file(sql, path)) {
        void  *data = NULL;
        size_t bytes;
        qn_error why = {0};
        must(qn_vfs_read_file(w->base, path, &w->vfs_memory, 1 << 24, &data, &bytes, &why), &why, path);
        qn_buf_add(out, data, bytes);
        qn_free(&w->vfs_memory, data, bytes + 1);
    }
    return st;
}

void world_state(world *w, const char *where, qn_buf *out)
{
    qn_buf   tables, rows;
    qn_error err = {0};
    qn_buf_clear(out);
    qn_buf_init(&tables, &w->vfs_memory);
    qn_buf_init(&rows, &w->vfs_memory);
    if (world_answer(w, "SELECT table_name FROM information_schema.tables ORDER BY 1", &tables, &err) != QN_OK)
        bug("%s: the list of tables: %s", where, err.message);
    for (char *at = tables.data, *end; at && (end = strchr(at, 0x0a)) && end[1]; at = end + 1) { /* the last line is the tag */
        char sql[200];
        *end = 0;
        snprintf(sql, sizeof sql, "SELECT '%s', count(*), count(DISTINCT a), sum(a) FROM %s", at, at);
        if (world_answer(w, sql, &rows, &err) != QN_OK)
            bug("%s: table %s: %s", where, at, err.message);
        qn_buf_add(out, rows.data, rows.bytes);
        qn_buf_add(out, "\n", 1);
    }
    qn_buf_deinit(&tables);
    qn_buf_deinit(&rows);
}

/* ---- images ----------------------------------------------------------------------------------- */

typedef struct listing {
    image      *im;
    const char *folder;
} listing;

static bool add_name(void *arg, const char *name)
{
    listing *l = arg;
    char     path[300];
    snprintf(path, sizeof path, "%s/%s", l->folder, name);
    l->im->files = realloc(l->im->files, (l->im->count + 1) * sizeof *l->im->files);
    l->im->files[l->im->count++] = (image_file){.path = strdup(path)};
    return true;
}

static void list_files(world *w, image *im)
{
    static const char *const folders[] = {DB_PATH, DB_PATH "/blocks"};
    *im = (image){0};
    for (int i = 0; i < 2; i++) {
        listing l = {im, folders[i]};
        (void)!w->base->list(w->base, folders[i], add_name, &l, NULL); /* no such directory: no files */
    }
    size_t kept = 0;
    for (size_t i = 0; i < im->count; i++) {
        if (strcmp(im->files[i].path, DB_PATH "/blocks") != 0)
            im->files[kept++] = im->files[i];
        else
            free(im->files[i].path);
    }
    im->count = kept;
}

void image_save(world *w, image *out)
{
    qn_error err = {0};
    list_files(w, out);
    for (size_t i = 0; i < out->count; i++) {
        image_file *f = &out->files[i];
        void       *data;
        must(qn_vfs_read_file(w->base, f->path, &w->vfs_memory, 1 << 30, &data, &f->bytes, &err), &err, f->path);
        f->data = malloc(f->bytes + 1);
        memcpy(f->data, data, f->bytes);
        qn_free(&w->vfs_memory, data, f->bytes + 1);
    }
}

static void write_file(world *w, const char *path, const void *data, size_t bytes)
{
    qn_vfs  *vfs = w->base;
    qn_file *file;
    qn_error err = {0};
    must(vfs->open(vfs, path, QN_OPEN_TRUNCATE, &file, &err), &err, path);
    if (bytes)
        must(vfs->write(vfs, file, 0, data, bytes, &err), &err, path);
    must(vfs->sync(vfs, file, &err), &err, path);
    vfs->close(vfs, file);
}

void image_restore(world *w, const image *from)
{
    image    now;
    qn_error err = {0};
    qn_vfs  *vfs = w->base;
    list_files(w, &now);
    for (size_t i = 0; i < now.count; i++)
        must(vfs->unlink(vfs, now.files[i].path, &err), &err, now.files[i].path);
    image_free(&now);
    (void)!vfs->rmdir(vfs, DB_PATH "/blocks", NULL);
    (void)!vfs->rmdir(vfs, DB_PATH, NULL);
    if (from->count) {
        must(vfs->mkdir(vfs, DB_PATH, &err), &err, DB_PATH);
        must(vfs->mkdir(vfs, DB_PATH "/blocks", &err), &err, DB_PATH "/blocks");
        for (size_t i = 0; i < from->count; i++)
            write_file(w, from->files[i].path, from->files[i].data, from->files[i].bytes);
        must(vfs->sync_dir(vfs, DB_PATH, &err), &err, DB_PATH);
        must(vfs->sync_dir(vfs, DB_PATH "/blocks", &err), &err, DB_PATH "/blocks");
    }
    must(vfs->sync_dir(vfs, ".", &err), &err, ".");
}

void image_free(image *im)
{
    for (size_t i = 0; i < im->count; i++) {
        free(im->files[i].path);
        free(im->files[i].data);
    }
    free(im->files);
    *im = (image){0};
}

/* ---- script ----------------------------------------------------------------------------------- */

#define COLUMNS                                                                                             \
    "(a integer, b bigint, c text, d text, e numeric(12,2), f double precision, g date, h timestamp, "      \
    "i boolean, j varchar(20) DEFAULT 'none', k interval)"

const step script[] = {
    {STEP_CHANGE, "CREATE TABLE t " COLUMNS},
    {STEP_CHANGE, "COPY t FROM 'in.tsv'"},
    {STEP_CHANGE, "COPY t (a, b, c, d, e, f, g, h, i) FROM 'in.csv' WITH (FORMAT csv, HEADER)"},
    {STEP_CHANGE, "COPY t (a, c, d) FROM 'in.parquet'"},
    {STEP_CHANGE, "INSERT INTO t (a, c, e, k) VALUES (-1, 'ins', 1.5, '1 mon 2 days'), (-2, NULL, -0.01, NULL)"},
    {STEP_CHANGE, "INSERT INTO t (a, b, d) SELECT g, g * 3, 'series ' || g FROM generate_series(5000, 5040) g"},
    {STEP_READ, "SELECT count(*), sum(a), min(c), max(d), avg(b) FROM t"},
    {STEP_READ, "SELECT a, c, d FROM t WHERE d LIKE '%site1%' AND a % 7 = 3 ORDER BY a, d LIMIT 5"},
    {STEP_READ, "SELECT count(*) FROM t WHERE d LIKE 'http://site4%' OR c IN ('ins', 'red', 'x') OR a BETWEEN 5 AND 9"},
    {STEP_READ, "SELECT count(*), count(DISTINCT c) FROM t WHERE d ~ 'site[0-3]+\\.ex.*/[0-9]*7$'"},
    {STEP_READ, "SELECT a, d FROM t WHERE d NOT ILIKE '%SITE1%' AND d !~ '^x|[a-f]{9}' AND (a < 40 OR a > 60) ORDER BY a, d LIMIT 5"},
    {STEP_READ, "SELECT min(d), regexp_replace(d, '^.*(site)[0-9]*', '\\1') FROM t GROUP BY 2 ORDER BY 2"},
    {STEP_READ, "SELECT regexp_replace(d, '([0-9]+)', '<\\1>', 'g') FROM t WHERE a < 3 ORDER BY a, d"},
    {STEP_READ, "SELECT c, count(*), sum(f), avg(e), count(DISTINCT b) FROM t GROUP BY c ORDER BY 2 DESC, c LIMIT 10"},
    {STEP_READ, "SELECT d, count(*) FROM t GROUP BY d ORDER BY 2 DESC, 1 LIMIT 3"},
    {STEP_READ, "SELECT c, i, a, count(*), sum(a), max(b), count(DISTINCT d) FROM t GROUP BY c, i, a ORDER BY 4 DESC, 1, 2, 3 LIMIT 4"},
    {STEP_READ, "SELECT c, i, count(DISTINCT b) FROM t WHERE a = -77 AND c = 'none' GROUP BY c, i LIMIT 2"}, /* no row at all */
    {STEP_READ, "SELECT a, d, count(*) FROM t GROUP BY a, d LIMIT 3"},
    {STEP_READ, "SELECT c, b % 5 AS m, count(*) AS n FROM t GROUP BY c, m HAVING count(*) > 2 ORDER BY n, c, m LIMIT 20"},
    {STEP_SESSION, "SET quern.group_mode = 'hash'"},
    {STEP_READ, "SELECT c, i, count(*), sum(e), max(h) FROM t GROUP BY c, i ORDER BY c, i"},
    {STEP_READ, "SELECT c, count(*) FROM t GROUP BY c ORDER BY c"},
    {STEP_SESSION, "SET quern.group_mode = 'code_array'"},
    {STEP_READ, "SELECT c, count(*), sum(b) FROM t GROUP BY c ORDER BY c"},
    {STEP_SESSION, "SET quern.group_mode = 'dictionary'"},
    {STEP_READ, "SELECT c, count(*) FROM t WHERE c > 'b' GROUP BY c ORDER BY c"},
    {STEP_SESSION, "SET quern.group_mode = 'value_list'"},
    {STEP_READ, "SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 DESC, b LIMIT 4"},
    {STEP_SESSION, "SET quern.group_mode = 'metadata'"},
    {STEP_READ, "SELECT min(g), max(g), sum(a + 1), count(f), avg(a) FROM t"},
    {STEP_SESSION, "RESET quern.group_mode"},
    {STEP_SESSION, "SET quern.optimizer = off"},
    {STEP_READ, "SELECT c, count(*) FROM t WHERE d LIKE '%/1%' GROUP BY c ORDER BY c"},
    {STEP_SESSION, "SET quern.optimizer = on"},
    {STEP_READ, "SELECT count(DISTINCT d), count(DISTINCT e), count(DISTINCT f), count(DISTINCT k) FROM t"},
    {STEP_READ, "SELECT sum(f), avg(f), stddev(f), variance(a), sum(e), avg(e) FROM t"},
    {STEP_READ, "SELECT upper(c), length(d), substring(d FROM 3 FOR 5), replace(d, 'site', 'ß'), lpad(c, 9, '*'), "
                "split_part(d, '/', 3), md5(d), reverse(c) FROM t WHERE a = 17 ORDER BY d"},
    {STEP_READ, "SELECT date_trunc('month', h), count(*) FROM t GROUP BY 1 ORDER BY 1 NULLS FIRST LIMIT 4"},
    {STEP_READ, "SELECT extract(dow FROM g), g + 7, h - '1 day'::interval, to_char(h, 'YYYY-MM-DD HH24:MI'), "
                "age(h, '2001-01-01') FROM t WHERE a = 30 ORDER BY d"},
    {STEP_READ, "SELECT CASE WHEN a < 10 THEN 'low' WHEN c IS NULL THEN 'none' ELSE coalesce(j, c) END AS x, count(*) "
                "FROM t GROUP BY x ORDER BY x"},
    {STEP_READ, "SELECT e, round(e / 3, 4), e * e, power(e, 2), to_char(e, '9990.99'), k FROM t ORDER BY e DESC NULLS LAST, "
                "a, d LIMIT 6"},
    {STEP_READ, "SELECT DISTINCT c, i FROM t ORDER BY c DESC, i OFFSET 2"},
    {STEP_READ, "SELECT * FROM t ORDER BY d, a LIMIT 30"},
    {STEP_READ, "SELECT x, y FROM (SELECT c AS x, count(*) AS y FROM t GROUP BY c) s WHERE y > 10 ORDER BY y, x"},
    {STEP_READ, "EXPLAIN SELECT c, count(*) FROM t WHERE a > 3 GROUP BY c"},
    {STEP_READ, "EXPLAIN (STAGE bytecode) SELECT c, sum(a) FROM t WHERE d LIKE 'h%' GROUP BY c ORDER BY 2"},
    {STEP_READ, "EXPLAIN (STAGE parse) SELECT a FROM t"},
    {STEP_READ, "EXPLAIN (STAGE logical) SELECT a FROM t WHERE b = 3"},
    {STEP_READ, "EXPLAIN ANALYZE SELECT c, count(*) FROM t GROUP BY c"},
    {STEP_SESSION, "PREPARE p (integer, text) AS SELECT count(*) FROM t WHERE a > $1 AND d LIKE $2"},
    {STEP_READ, "EXECUTE p (100, '%site1%')"},
    {STEP_SESSION, "DEALLOCATE p"},
    {STEP_READ, "SHOW ALL"},
    {STEP_READ, "VALUES (1, 'a'), (2, 'b'), (3, NULL)"},
    {STEP_READ, "COPY t TO 'out.tsv'"},
    {STEP_READ, "COPY (SELECT a, d, e FROM t WHERE a < 50 ORDER BY a, d) TO 'out.csv' WITH (FORMAT csv, HEADER, FORCE_QUOTE *)"},
    {STEP_CHANGE, "CREATE TABLE u AS SELECT a, c, count(*) AS n FROM t GROUP BY a, c"},
    {STEP_READ, "SELECT sum(n), min(c) FROM u"},
    {STEP_READ, "SELECT count(*), min(c), max(d), sum(b) FROM read_csv('in.csv') WHERE a > 3"},
    {STEP_READ, "SELECT c, count(*) FROM read_csv('in.c*', all_varchar => true) GROUP BY c ORDER BY 2 DESC, 1 LIMIT 5"},
    {STEP_CHANGE, "INSERT INTO u SELECT a, c, b FROM read_csv('i*.csv', header => true) LIMIT 30"},
    {STEP_SESSION, "PREPARE f AS SELECT max(d) FROM read_csv('in.csv')"},
    {STEP_READ, "EXECUTE f"},
    {STEP_SESSION, "DEALLOCATE f"},
    {STEP_CHANGE, "INSERT INTO u SELECT a, d, 1 FROM t WHERE a < 20"},
    {STEP_CHANGE, "DROP TABLE t"},
    {STEP_READ, "SELECT count(*), sum(a) FROM u"},
    {STEP_CHANGE, "DROP TABLE u"},
};
const uint32_t script_count = sizeof script / sizeof *script;

/* Two row groups: deltas, words of a dictionary with NULLs, and strings packed by Zstandard. */
static void write_parquet(world *w)
{
    static const w_column columns[] = {{.name = "a", .physical = 1},
                                       {.name = "c", .physical = 6, .optional = 1},
                                       {.name = "d", .physical = 6, .codec = 6}};
    enum { ROWS = 150 };
    writer f;
    w_begin(&f, columns, 3);
    for (unsigned g = 0; g < 2; g++) {
        w_bytes    a = {0}, dict = {0}, levels = {0}, c = {0}, d = {0}, packed = {0};
        int64_t  v[ROWS];
        uint32_t present[ROWS], codes[ROWS], count = 0;
        for (unsigned i = 0; i < ROWS; i++) {
            char text[60];
            v[i] = g * 7000 + i * 3 % 40;
            present[i] = i % 11 != 5;
            if (present[i])
                codes[count++] = i / 4 % 3;
            snprintf(text, sizeof text, "http://site%u.example/parquet/%u", i % 5, i);
            put_text(&d, text);
        }
        w_group(&f, ROWS);
        put_delta(&a, v, ROWS, 128, 4);
        w_chunk_begin(&f, 0, ROWS);
        w_page(&f, 0, ROWS, 5, NULL, &a);
        put_text(&dict, "red");
        put_text(&dict, "a colour with a longer name");
        put_text(&dict, "");
        put8(&c, 2);
        put_hybrid(&c, codes, count, 2);
        put_hybrid(&levels, present, ROWS, 1);
        w_chunk_begin(&f, 1, ROWS);
        w_dict(&f, 1, 3, &dict);
        w_page(&f, 1, ROWS, 8, &levels, &c);
        packed.n = packed.capacity = ZSTD_compressBound(d.n);
        packed.data = malloc(packed.n);
        packed.n = ZSTD_compress(packed.data, packed.n, d.data, d.n, 3);
        w_chunk_begin(&f, 2, ROWS);
        w_page2(&f, 2, ROWS, 0, 0, NULL, true, d.n, &packed);
        empty(&a);
        empty(&dict);
        empty(&levels);
        empty(&c);
        empty(&d);
        empty(&packed);
    }
    w_finish(&f);
    write_file(w, "in.parquet", f.out.data, f.out.n);
    empty(&f.out);
}

void script_files(world *w)
{
    static const char *const colours[] = {"red", "green", "blue", "", "grau", "gr\xc3\xbcn"};
    enum { ROWS = 1300 };
    qn_buf tsv, csv;
    qn_buf_init(&tsv, &w->vfs_memory);
    qn_buf_init(&csv, &w->vfs_memory);
    qn_buf_printf(&csv, "a,b,c,d,e,f,g,h,i\n");
    for (unsigned i = 0; i < ROWS; i++) {
        unsigned    x = i * 2654435761u >> 8;
        const char *c = colours[x % 6];
        char        common[200];
        qn_buf_printf(&tsv, "%u\t%u\t%s\thttp://site%u.example/%u\t%u.%02u\t%g\t20%02u-%02u-%02u\t", i, x % 50 ? x % 9 : 7,
                     x % 11 ? c : "\\N", x % 13, x % 1009, x % 4000, x % 100, (double)x / 7, x % 30, x % 12 + 1, x % 28 + 1);
        snprintf(common, sizeof common, "2013-07-%02u %02u:%02u:00", x % 31 + 1, x % 24, x % 60);
        qn_buf_printf(&tsv, "%s\t%s\tj%u\t%u days\n", common, x % 3 ? x % 2 ? "t" : "f" : "\\N", x % 40, x % 5);
        if (i % 3 == 0)
            qn_buf_printf(&csv, "%u,%u,\"%s\",\"a \"\"quoted\"\"\n%u\",%u.5,1e%d,1999-12-31,%s,%s\n", i, x % 20, c, x, i, (int)(x % 40) - 20,
                         common, x % 2 ? "true" : "");
    }
    write_file(w, "in.tsv", tsv.data, tsv.bytes);
    write_file(w, "in.csv", csv.data, csv.bytes);
    write_parquet(w);
    qn_buf_deinit(&tsv);
    qn_buf_deinit(&csv);
}

lesson *learn(void)
{
    static world w; /* the buffers of the lessons live in its memory */
    qn_error     err = {0};
    lesson      *lessons = calloc(script_count + 1, sizeof *lessons);
    world_init(&w, 1);
    script_files(&w);
    must(world_open(&w, &err), &err, "open");
    for (uint32_t i = 0; i <= script_count; i++) {
        qn_mem *mem = calloc(1, sizeof *mem);
        qn_mem_init(mem, NULL, 0);
        qn_buf_init(&lessons[i].answer, mem);
        qn_buf_init(&lessons[i].state, mem);
    }
    world_state(&w, "empty", &lessons[script_count].state);
    for (uint32_t i = 0; i < script_count; i++) {
        if (script[i].kind == STEP_CHANGE)
            image_save(&w, &lessons[i].before);
        must(world_answer(&w, script[i].sql, &lessons[i].answer, &err), &err, script[i].sql);
        if (script[i].kind == STEP_CHANGE)
            world_state(&w, script[i].sql, &lessons[i].state);
        else
            qn_buf_add(&lessons[i].state, i ? lessons[i - 1].state.data : "", i ? lessons[i - 1].state.bytes : 0);
    }
    world_deinit(&w);
    return lessons;
}

void forget(lesson *lessons)
{
    for (uint32_t i = 0; i <= script_count; i++) {
        qn_mem *mem = lessons[i].answer.mem;
        qn_buf_deinit(&lessons[i].answer);
        qn_buf_deinit(&lessons[i].state);
        image_free(&lessons[i].before);
        free(mem);
    }
    free(lessons);
}
