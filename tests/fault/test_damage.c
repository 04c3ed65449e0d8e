/* Bytes on disk that are not what was written: reported with file and object, or without effect; never a wrong
 * answer, never a crash.
 *
 * Bits flip in every byte of MANIFEST and of the block files, files are cut short, go missing, are swapped,
 * come from an older state.  Each time the database is opened and a set of queries asked that touch every
 * column in every way: an answer must be the one the sound database gives, an error must be XX001 (or 58P01
 * for a missing file) and name the file. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

static const char *const questions[] = {
    "SELECT count(*), sum(a), min(b), max(c), max(d), sum(e), sum(f), min(g), max(h), count(i), count(DISTINCT j) FROM t",
    "SELECT a, b, c, d, e, f, g, h, i, j, k FROM t WHERE a % 5 = 0 ORDER BY a, d",
    "SELECT c, count(*), sum(b), count(DISTINCT d) FROM t GROUP BY c ORDER BY c",
    "SELECT count(*) FROM t WHERE d LIKE '%site7%' AND g > '2005-01-01' AND e < 20",
    "SELECT j, length(d), count(*) FROM t GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT count(*), min(n) FROM s",
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

static qn_buf right[QUESTIONS];

/* Ask everything of a directory; how many answers were errors, counting a refusal to open as all. */
static int ask(world *w, const char *what)
{
    int      errors = 0;
    qn_error err = {0};
    qn_buf   answer;
    if (world_open(w, &err) != QN_OK) {
        if (strcmp(err.sqlstate, "XX001") != 0 && strcmp(err.sqlstate, "58P01") != 0)
            bug("%s: open: %s %s", what, err.sqlstate, err.message);
        if (!strstr(err.message, DB_PATH))
            bug("%s: open: no file is named: %s", what, err.message);
        return QUESTIONS;
    }
    qn_buf_init(&answer, &w->vfs_memory);
    for (int q = 0; q < QUESTIONS; q++) {
        memset(&err, 0, sizeof err);
        if (world_answer(w, questions[q], &answer, &err) == QN_OK) {
            if (answer.bytes != right[q].bytes || memcmp(answer.data, right[q].data, answer.bytes) != 0)
                bug("%s: a wrong answer to %s:\n%.200s", what, questions[q], answer.data);
            continue;
        }
        errors++;
        if (strcmp(err.sqlstate, "XX001") != 0)
            bug("%s: %s: %s %s", what, questions[q], err.sqlstate, err.message);
        else if (!strstr(err.message, DB_PATH))
            bug("%s: %s: no file is named: %s", what, questions[q], err.message);
    }
    qn_buf_deinit(&answer);
    world_close(w);
    return errors;
}

static void put(world *w, const char *path, const void *data, size_t bytes)
{
    qn_file *file;
    qn_error err = {0};
    qn_vfs  *vfs = w->base;
    if (vfs->open(vfs, path, QN_OPEN_TRUNCATE, &file, &err) != QN_OK ||
        (bytes && vfs->write(vfs, file, 0, data, bytes, &err) != QN_OK))
        bug("%s: %s", path, err.message);
    vfs->close(vfs, file);
}

static bool is_block(const image_file *f)
{
    return strstr(f->path, ".qnb") != NULL;
}

static bool is_manifest(const image_file *f)
{
    return strcmp(f->path, DB_PATH "/MANIFEST") == 0;
}

/* Flip one bit of every byte, which one by turns. */
static void flips(world *w, const image *good, uint64_t stride)
{
    uint64_t rounds = 0, silent = 0;
    char     what[120];
    for (size_t f = 0; f < good->count; f++) {
        const image_file *file = &good->files[f];
        /* MANIFEST and the heads of blocks are small and steer everything: visited more closely. */
        uint64_t near = is_manifest(file) ? 1 + stride / 16 : 1 + stride / 4;
        for (size_t at = f % stride; at < file->bytes; at += at < 4096 ? near : stride) {
            unsigned char *data = file->data;
            unsigned char  bit = (unsigned char)(1u << qn_mix64(at) % 8);
            snprintf(what, sizeof what, "%s, byte %zu ^ 0x%02x", file->path, at, bit);
            data[at] ^= bit;
            put(w, file->path, data, file->bytes);
            if (ask(w, what) == 0) {
                silent++;
                if (is_manifest(file))
                    bug("%s: nobody noticed", what);
            }
            data[at] ^= bit;
            put(w, file->path, data, file->bytes);
            rounds++;
        }
    }
    verdict("damage: a flipped bit", rounds);
    printf("    %" PRIu64 " of %" PRIu64 " flips lay where no question looks\n", silent, rounds);
}

static void cuts(world *w, const image *good, uint64_t stride)
{
    uint64_t rounds = 0;
    char     what[120];
    for (size_t f = 0; f < good->count; f++) {
        const image_file *file = &good->files[f];
        if (!is_block(file) && !is_manifest(file))
            continue;
        for (size_t bytes = 0; bytes < file->bytes; bytes += bytes < 100 ? 1 + stride / 16 : stride * 13) {
            snprintf(what, sizeof what, "%s cut to %zu bytes", file->path, bytes);
            put(w, file->path, file->data, bytes);
            if (ask(w, what) == 0)
                bug("%s: nobody noticed", what);
            rounds++;
        }
        char *longer = calloc(1, file->bytes + 1);
        memcpy(longer, file->data, file->bytes);
        put(w, file->path, longer, file->bytes + 1);
        if (ask(w, "a byte more than written") == 0)
            bug("%s with a byte more: nobody noticed", file->path);
        free(longer);
        (void)!w->base->unlink(w->base, file->path, NULL);
        if (ask(w, "a missing file") == 0)
            bug("%s is missing: nobody noticed", file->path);
        put(w, file->path, file->data, file->bytes);
        rounds += 2;
    }
    verdict("damage: files cut short, longer, missing", rounds);
}

/* Every block file in the place of every other, and both exchanged. */
static void swaps(world *w, const image *good)
{
    uint64_t rounds = 0;
    for (size_t f = 0; f < good->count; f++) {
        for (size_t g = 0; g < good->count; g++) {
            const image_file *a = &good->files[f], *b = &good->files[g];
            if (f == g || !is_block(a) || !is_block(b))
                continue;
            put(w, a->path, b->data, b->bytes);
            if (ask(w, "a block file over another") == 0)
                bug("%s holds %s: nobody noticed", a->path, b->path);
            put(w, b->path, a->data, a->bytes);
            if (ask(w, "two block files exchanged") == 0)
                bug("%s and %s exchanged: nobody noticed", a->path, b->path);
            put(w, a->path, a->data, a->bytes);
            put(w, b->path, b->data, b->bytes);
            rounds += 2;
        }
    }
    verdict("damage: block files swapped", rounds);
}

/* MANIFEST of another version, or of nothing. */
static void versions(world *w, const image *good)
{
    qn_error err = {0};
    for (size_t f = 0; f < good->count; f++) {
        const image_file *file = &good->files[f];
        if (!is_manifest(file))
            continue;
        unsigned char *data = malloc(file->bytes);
        memcpy(data, file->data, file->bytes);
        data[8] = 2;
        put(w, file->path, data, file->bytes);
        if (world_open(w, &err) == QN_OK || err.status != QN_CORRUPT || !strstr(err.message, "version 2") || !err.hint[0])
            bug("a newer version is not named: %s", err.message);
        memset(data, 0, file->bytes);
        put(w, file->path, data, file->bytes);
        ask(w, "a MANIFEST of zeros");
        free(data);
        put(w, file->path, file->data, file->bytes);
    }
    if (ask(w, "the sound database") != 0)
        bug("the sound database has errors");
    verdict("damage: versions", 3);
}

/* Damage to one table leaves the others readable once the database is open: a section is proved when it is
 * first read. */
static void neighbours(world *w, const image *good)
{
    qn_buf   answer;
    uint64_t rounds = 0;
    qn_buf_init(&answer, &w->vfs_memory);
    for (size_t f = 0; f < good->count; f++) {
        const image_file *file = &good->files[f];
        qn_error          err = {0};
        unsigned char    *data = file->data;
        if (!is_block(file) || file->bytes < 40000)
            continue; /* of table t */
        data[file->bytes / 2] ^= 1;
        put(w, file->path, data, file->bytes);
        if (world_open(w, &err) != QN_OK)
            bug("%s: a flip in the middle: %s", file->path, err.message);
        else if (world_answer(w, questions[QUESTIONS - 1], &answer, &err) != QN_OK)
            bug("%s: a flip in another table: %s", file->path, err.message);
        world_close(w);
        data[file->bytes / 2] ^= 1;
        put(w, file->path, data, file->bytes);
        rounds++;
    }
    if (!rounds)
        bug("no block file is large enough");
    qn_buf_deinit(&answer);
    verdict("damage: other tables stay readable", rounds);
}

int main(int argc, char **argv)
{
    uint64_t stride = stride_of(argc, argv);
    world    w;
    image    good;
    qn_error err = {0};
    qn_buf   ignored;
    world_init(&w, 1);
    script_files(&w);
    qn_buf_init(&ignored, &w.vfs_memory);
    if (world_open(&w, &err) != QN_OK)
        bug("open: %s", err.message);
    for (int i = 0; i < 4 && w.conn; i++) { /* the script's table t, then a small one */
        if (world_answer(&w, script[i].sql, &ignored, &err) != QN_OK)
            bug("%s: %s", script[i].sql, err.message);
    }
    if (w.conn && world_answer(&w, "CREATE TABLE s AS SELECT g AS n FROM generate_series(1, 10) g", &ignored, &err) != QN_OK)
        bug("%s", err.message);
    for (int q = 0; q < QUESTIONS && w.conn; q++) {
        qn_buf_init(&right[q], &w.vfs_memory);
        if (world_answer(&w, questions[q], &right[q], &err) != QN_OK)
            bug("%s: %s", questions[q], err.message);
    }
    world_close(&w);
    verdict("damage: the sound database", 1);
    image_save(&w, &good);
    versions(&w, &good);
    cuts(&w, &good, stride);
    swaps(&w, &good);
    neighbours(&w, &good);
    flips(&w, &good, stride);
    image_free(&good);
    for (int q = 0; q < QUESTIONS; q++)
        qn_buf_deinit(&right[q]);
    qn_buf_deinit(&ignored);
    world_deinit(&w);
    return exit_status();
}
