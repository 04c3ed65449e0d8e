/* Spilling: what an execution may not hold in memory goes to a temporary file and comes back piece by piece.
 *
 * Budget.  A database has one limit (quern.memory_limit).  An execution looks at what is in use under the limit as a
 * whole; beyond five eighths of it (exec_over_budget) whoever can spill does: group rows by hash partition
 * (group_spill.c), rows put out as sorted runs or in the order of their morsels (row_spill.c).  The rest of the limit is for what
 * cannot: tables being merged, batches, decoded values, other statements.  As every execution decides by the sum, those
 * that grow give way and none needs to know of the others; a small minimum each may keep lets all of them go on.
 *
 * The file is made when first needed, with a name nobody else uses, and its name is removed at once: it is gone when
 * the execution ends, however it ends.  (A crash in the moment between leaves a name that the next writer removes on
 * opening.)  It only grows; extents are written once, anywhere, by any worker, and found again through chains: an
 * extent's header names the extent written before it in the same chain, so a chain costs no memory however long.
 *
 *   extent: checksum (8, XXH3 of all that follows) | offset of the previous extent (8) | its payload bytes (4) | payload
 *           bytes (4) | rows (4) | zero (20) | payload
 *
 * Bytes read back are checked against the checksum before they are believed: a disk that returns something else is
 * XX001, as everywhere.  A full disk is 53100, quern.temp_limit reached 53400, and other failures 58030: the statement ends, nothing else is lost. */
#include "vm/machine.h"

#include <stdio.h>
#include "base/assert.h"
#include "type/numeric.h"

#define BUFFER ((size_t)128 << 10) /* an extent's usual payload */

typedef struct extent_header {
    uint64_t checksum;
    uint64_t previous;
    uint32_t previous_bytes;
    uint32_t bytes, rows;
    uint32_t zero[5];
} extent_header;
_Static_assert(sizeof(extent_header) == SPILL_HEADER, "the header has no holes");

/* ---- the file ------------------------------------------------------------------------------------- */

void spill_init(spill_file *f, qn_vfs *vfs, const char *folder, uint64_t limit_bytes)
{
    memset(f, 0, sizeof *f);
    f->vfs = folder ? vfs : NULL;
    f->folder = folder;
    f->limit = limit_bytes;
    qn_latch_init(&f->latch);
}

void spill_deinit(spill_file *f)
{
    if (atomic_load(&f->file))
        f->vfs->close(f->vfs, atomic_load(&f->file));
    qn_latch_deinit(&f->latch);
}

uint64_t spill_bytes(const spill_file *f) { return atomic_load_explicit(&f->end, memory_order_relaxed); }

static qn_status make_file(spill_file *f, qn_error *err)
{
    qn_status st = f->vfs->mkdir(f->vfs, f->folder, err);
    qn_file  *file = NULL;
    for (int tries = 0; st == QN_OK; tries++) {
        static _Atomic uint32_t number;
        qn_error                why = {.status = QN_OK};
        int n = snprintf(f->path, sizeof f->path, "%s/quern-%llx-%u.tmp", f->folder, (unsigned long long)(uintptr_t)f,
                         atomic_fetch_add(&number, 1));
        if (n < 0 || (size_t)n >= sizeof f->path)
            return qn_fail(err, QN_SQLSTATE_IO_ERROR, "path of a temporary file in \"%.200s\" is too long", f->folder);
        st = f->vfs->open(f->vfs, f->path, QN_OPEN_CREATE_NEW, &file, &why);
        if (st == QN_OK)
            break;
        if (qn_error_is(&why, QN_SQLSTATE_DUPLICATE_FILE) && tries < 1000) { /* another process's: the next number */
            st = QN_OK;
            continue;
        }
        if (err && err->status == QN_OK)
            *err = why;
    }
    if (st != QN_OK)
        return st;
    st = f->vfs->unlink(f->vfs, f->path, err);
    if (st != QN_OK) { /* perhaps it can be removed once nobody has it open; else the next writer does it */
        f->vfs->close(f->vfs, file);
        (void)!f->vfs->unlink(f->vfs, f->path, NULL);
        return st;
    }
    atomic_store_explicit(&f->file, file, memory_order_release);
    return QN_OK;
}

static qn_status file_ready(spill_file *f, qn_error *err)
{
    qn_status st = QN_OK;
    if (atomic_load_explicit(&f->file, memory_order_acquire))
        return QN_OK;
    qn_latch_take(&f->latch);
    if (!atomic_load_explicit(&f->file, memory_order_acquire))
        st = make_file(f, err);
    qn_latch_drop(&f->latch);
    return st;
}

qn_status spill_write(spill_file *f, uint8_t *buffer, size_t bytes, uint32_t rows, const spill_chain *previous, uint64_t *offset,
                      qn_error *err)
{
    qn_status     st = file_ready(f, err);
    extent_header h = {.bytes = (uint32_t)bytes, .rows = rows};
    if (st != QN_OK)
        return st;
    if (previous && previous->last_bytes) {
        h.previous = previous->last;
        h.previous_bytes = previous->last_bytes;
    }
    memcpy(buffer, &h, sizeof h);
    h.checksum = qn_checksum64(buffer + 8, sizeof h - 8 + bytes);
    memcpy(buffer, &h, sizeof h);
    *offset = atomic_fetch_add_explicit(&f->end, sizeof h + bytes, memory_order_relaxed);
    if (f->limit && *offset + sizeof h + bytes > f->limit)
        return qn_fail(err, QN_SQLSTATE_CONFIGURATION_LIMIT_EXCEEDED, "temporary file size exceeds quern.temp_limit (%llu bytes)", (unsigned long long)f->limit);
    return f->vfs->write(f->vfs, atomic_load_explicit(&f->file, memory_order_acquire), *offset, buffer, sizeof h + bytes, err);
}

qn_status spill_read(spill_file *f, uint64_t offset, uint32_t bytes, qn_arena *arena, spill_reader *r, qn_error *err)
{
    extent_header h;
    size_t        got, whole = sizeof h + bytes;
    uint8_t      *data = qn_arena_alloc(arena, whole);
    if (!data)
        return qn_nomem(err);
    qn_status st = f->vfs->read(f->vfs, atomic_load_explicit(&f->file, memory_order_acquire), offset, data, whole, &got, err);
    if (st != QN_OK)
        return st;
    memcpy(&h, data, got < sizeof h ? 0 : sizeof h);
    if (got != whole || h.bytes != bytes || h.checksum != qn_checksum64(data + 8, whole - 8))
        return qn_corrupt(err, "temporary file \"%s\" returned other bytes than were written at offset %llu", f->path,
                          (unsigned long long)offset);
    *r = (spill_reader){.file = f, .next = h.previous, .next_bytes = h.previous_bytes, .rows = h.rows, .at = data + sizeof h,
                        .end = data + whole};
    return QN_OK;
}

/* ---- chains ---------------------------------------------------------------------------------------- */

qn_status spill_writer_init(spill_writer *w, spill_file *file, qn_mem *mem, qn_error *err)
{
    *w = (spill_writer){.file = file, .mem = mem, .capacity = SPILL_HEADER + BUFFER};
    w->buffer = qn_alloc(mem, w->capacity);
    return w->buffer ? QN_OK : qn_nomem(err);
}

void spill_writer_deinit(spill_writer *w)
{
    qn_free(w->mem, w->buffer, w->capacity);
    w->buffer = NULL;
}

qn_status spill_writer_flush(spill_writer *w, qn_error *err)
{
    uint64_t     offset;
    spill_chain *c = w->chain;
    if (!w->rows)
        return QN_OK;
    qn_status st = spill_write(w->file, w->buffer, w->used, w->rows, c, &offset, err);
    if (st != QN_OK)
        return st;
    c->last = offset;
    c->last_bytes = (uint32_t)w->used;
    c->extents++;
    c->rows += w->rows;
    c->bytes += w->used;
    w->used = 0;
    w->rows = 0;
    return QN_OK;
}

qn_status spill_writer_row(spill_writer *w, spill_chain *chain, size_t bytes, uint8_t **row, qn_error *err)
{
    if (w->rows && (w->chain != chain || w->used + bytes > w->capacity - SPILL_HEADER)) {
        qn_status st = spill_writer_flush(w, err);
        if (st != QN_OK)
            return st;
    }
    if (bytes > w->capacity - SPILL_HEADER) { /* one row larger than the buffer has an extent of its own */
        if (bytes > UINT32_MAX / 2)
            return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "a group of %zu bytes is too large to be written to a temporary file", bytes);
        uint8_t *grown = qn_realloc(w->mem, w->buffer, w->capacity, SPILL_HEADER + bytes);
        if (!grown)
            return qn_nomem(err);
        w->buffer = grown;
        w->capacity = SPILL_HEADER + bytes;
    }
    w->chain = chain;
    *row = w->buffer + SPILL_HEADER + w->used;
    w->used += bytes;
    w->rows++;
    return QN_OK;
}

void spill_reader_init(spill_reader *r, spill_file *file, const spill_chain *chain)
{
    *r = (spill_reader){.file = file, .next = chain->last, .next_bytes = chain->last_bytes};
}

qn_status spill_reader_next(spill_reader *r, qn_arena *arena, bool *more, qn_error *err)
{
    *more = r->next_bytes != 0;
    return *more ? spill_read(r->file, r->next, r->next_bytes, arena, r, err) : QN_OK;
}

qn_status spill_reader_take(spill_reader *r, size_t bytes, const uint8_t **data, qn_error *err)
{
    if ((size_t)(r->end - r->at) < bytes)
        return qn_corrupt(err, "temporary file \"%s\": a row ends beyond its extent", r->file->path);
    *data = r->at;
    r->at += bytes;
    return QN_OK;
}

/* ---- values ---------------------------------------------------------------------------------------- */

static bool is_long_text(const qn_str *s) { return s->bytes > QN_STR_INLINE && s->bytes != QN_STR_LAZY; }

static bool is_long_number(qn_numeric v)
{
    int sign;
    return !qn_numeric_is_small(v) && !qn_numeric_is_nan(v) && !qn_numeric_is_infinite(v, &sign);
}

size_t spill_value_bytes(qn_bank bank, const void *slot)
{
    if (bank == QN_BANK_STR) {
        const qn_str *s = slot;
        return is_long_text(s) ? s->bytes : 0;
    }
    if (bank == QN_BANK_NUM) {
        qn_numeric v;
        memcpy(&v, slot, sizeof v);
        return is_long_number(v) ? 8 + qn_numeric_packed_bytes(v) : 0;
    }
    return 0;
}

uint8_t *spill_value_pack(qn_bank bank, const void *slot, uint8_t *out)
{
    if (bank == QN_BANK_STR) {
        const qn_str *s = slot;
        if (is_long_text(s)) {
            memcpy(out, s->data, s->bytes);
            out += s->bytes;
        }
    } else if (bank == QN_BANK_NUM) {
        qn_numeric v;
        memcpy(&v, slot, sizeof v);
        if (is_long_number(v)) {
            uint32_t room = (uint32_t)qn_numeric_packed_bytes(v), used = (uint32_t)qn_numeric_pack(v, out + 8);
            memcpy(out, &room, 4);
            memcpy(out + 4, &used, 4);
            memset(out + 8 + used, 0, room - used);
            out += 8 + room;
        }
    }
    return out;
}

qn_status spill_value_unpack(qn_bank bank, void *slot, spill_reader *r, qn_arena *arena, qn_error *err)
{
    const uint8_t *data;
    qn_status      st = QN_OK;
    if (bank == QN_BANK_STR) {
        qn_str *s = slot;
        if (is_long_text(s)) {
            st = spill_reader_take(r, s->bytes, &data, err);
            if (st == QN_OK)
                s->data = (const char *)data;
        }
    } else if (bank == QN_BANK_NUM) {
        qn_numeric v;
        uint32_t   sizes[2];
        memcpy(&v, slot, sizeof v);
        if (is_long_number(v)) {
            st = spill_reader_take(r, sizeof sizes, &data, err);
            if (st != QN_OK)
                return st;
            memcpy(sizes, data, sizeof sizes);
            st = spill_reader_take(r, sizes[0], &data, err);
            if (st == QN_OK)
                st = qn_numeric_unpack(data, sizes[1] < sizes[0] ? sizes[1] : sizes[0], arena, &v, err);
            memcpy(slot, &v, sizeof v);
        }
    }
    return st;
}
