/* Vectors: from any form to flat, and text from references to bytes.
 *
 * A column arrives as codes into the block's dictionary.  Nothing is decoded until somebody needs values; then
 * either the whole dictionary is decoded once, or, while few lanes have asked, just their codes (text in code
 * order, so that each chunk is decompressed once). */
#include "vm/machine.h"

#include "base/assert.h"

bool vec_own(qn_vm *vm, qn_vec *v)
{
    if (v->own)
        return true;
    v->own = qn_arena_alloc(&vm->lasting, (size_t)QN_LANES * 16);
    v->own_nulls = qn_arena_alloc(&vm->lasting, QN_LANES / 8);
    v->own_codes = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof(uint32_t));
    if (!v->own || !v->own_nulls || !v->own_codes) {
        v->own = NULL;
        return false;
    }
    return true;
}

#define USUAL_TEXT_BYTES 100u

/* Whole dictionary when it is small against what has been asked of it, or when the lanes at hand touch most of the
 * units (1024 values) or chunks (128 strings) that a value cannot be decoded without.  Never when it would not fit the memory limit. */
static bool worth_decoding(const qn_vm *vm, const qn_dict *d, uint32_t lanes)
{
    uint64_t reach = (uint64_t)lanes * (d->bank == QN_BANK_STR ? QN_CHUNK_STRINGS / 2 : QN_UNIT_ROWS / 2);
    uint64_t bytes = (uint64_t)d->count * (d->bank == QN_BANK_STR ? USUAL_TEXT_BYTES : qn_bank_bytes((qn_bank)d->bank));
    return exec_fits(vm->exec, bytes) && (d->count <= 512 || d->demand * 3 >= d->count || reach >= d->count);
}

qn_status dict_decode(qn_vm *vm, qn_dict *d)
{
    if (d->values)
        return QN_OK;
    size_t size = qn_bank_bytes((qn_bank)d->bank);
    char  *values = qn_arena_alloc(&vm->block, size * ((size_t)d->count + 1));
    if (!values)
        return qn_nomem(vm->err);
    memset(values, 0, size);
    if (d->count) {
        qn_status st = d->bank == QN_BANK_STR
                           ? qn_block_strings(d->block, d->column, 1, d->count, (qn_str *)(void *)(values + size),
                                              &vm->block, vm->err)
                           : qn_block_values(d->block, d->column, 1, d->count, values + size, &vm->block, vm->err);
        if (st != QN_OK)
            return st;
    }
    d->values = values;
    return QN_OK;
}

qn_status dict_hashes(qn_vm *vm, qn_dict *d)
{
    if (d->hashes)
        return QN_OK;
    if (!d->computed) {
        uint64_t rows = vm->scan.all ? vm->scan.rows : vm->scan.selected, all = (uint64_t)d->count * sizeof *d->hashes;
        qn_block_touch(rows * 64 < all ? rows * 64 : all); /* a line each, where few are looked at */
        return d->count ? qn_block_hashes(d->block, d->column, &d->hashes, vm->err) : QN_OK;
    }
    uint32_t      count = d->count + 1;
    qn_hash128   *hashes = qn_arena_alloc(&vm->block, sizeof(qn_hash128) * count);
    const qn_str *s = d->values;
    const char   *data[256];
    uint32_t      bytes[256];
    if (!hashes)
        return qn_nomem(vm->err);
    for (uint32_t i = 0; i < count; i += 256) {
        uint32_t n = count - i < 256 ? count - i : 256;
        for (uint32_t j = 0; j < n; j++) {
            bool null = dict_null(d, i + j);
            data[j] = null ? "" : qn_str_data(&s[i + j]);
            bytes[j] = null ? 0 : s[i + j].bytes;
        }
        qn_blake3_128_many(data, bytes, n, hashes + i);
    }
    d->hashes = hashes + 1;
    return QN_OK;
}

typedef struct code_lane {
    uint32_t code;
    uint32_t lane;
} code_lane;

/* Order at most QN_LANES lanes by code: a radix sort of two passes of 10 bits (codes are below 2^20). */
static void sort_by_code(code_lane *items, code_lane *spare, uint32_t n)
{
    enum { BITS = 10 };
    for (uint32_t shift = 0; shift <= BITS; shift += BITS) {
        uint32_t start[1 << BITS] = {0}, sum = 0;
        for (uint32_t i = 0; i < n; i++)
            start[items[i].code >> shift & ((1u << BITS) - 1)]++;
        for (uint32_t d = 0; d < 1u << BITS; d++) {
            uint32_t count = start[d];
            start[d] = sum;
            sum += count;
        }
        for (uint32_t i = 0; i < n; i++)
            spare[start[items[i].code >> shift & ((1u << BITS) - 1)]++] = items[i];
        code_lane *t = items;
        items = spare;
        spare = t;
    }
}

/* Values of the selected lanes' codes only, each distinct code once and in code order. */
static qn_status gather_codes(qn_vm *vm, qn_vec *v)
{
    qn_dict   *d = v->dict;
    size_t     size = qn_bank_bytes((qn_bank)d->bank);
    uint32_t   n = 0, unique = 0;
    code_lane *order = qn_arena_alloc(&vm->batch, 2 * QN_LANES * sizeof *order);
    uint32_t  *codes = qn_arena_alloc(&vm->batch, QN_LANES * sizeof *codes);
    char      *values = qn_arena_alloc(&vm->batch, QN_LANES * size);
    if (!order || !codes || !values)
        return qn_nomem(vm->err);
    FOR_LANES(vm, lane, {
        if (v->codes[lane])
            order[n++] = (code_lane){v->codes[lane], lane};
    });
    sort_by_code(order, order + QN_LANES, n);
    for (uint32_t i = 0; i < n; i++)
        if (!unique || codes[unique - 1] != order[i].code)
            codes[unique++] = order[i].code;
    qn_status st = qn_block_gather(d->block, d->column, codes, unique, values, &vm->batch, vm->err);
    if (st != QN_OK)
        return st;
    for (uint32_t i = 0, u = 0; i < n; i++) {
        if (codes[u] != order[i].code)
            u++;
        memcpy((char *)v->own + order[i].lane * size, values + u * size, size);
    }
    return QN_OK;
}

#define GATHER(T)                                                                                   \
    {                                                                                               \
        const T *from = values;                                                                     \
        T       *to = v->own;                                                                       \
        FOR_LANES(vm, lane, to[lane] = from[codes[lane]];);                                         \
    }

static void gather_values(qn_vm *vm, qn_vec *v, const void *values, size_t size)
{
    const uint32_t *codes = v->codes;
    switch (size) {
    case 1: GATHER(uint8_t) break;
    case 2: GATHER(uint16_t) break;
    case 4: GATHER(uint32_t) break;
    case 8: GATHER(uint64_t) break;
    default: GATHER(qn_i128) break;
    }
}

/* Null bits of a CODES vector's lanes into own_nulls; false when there is none. */
static bool code_nulls(qn_vm *vm, qn_vec *v)
{
    bool any = false;
    memset(v->own_nulls, 0, QN_LANES / 8);
    FOR_LANES(vm, lane, {
        if (dict_null(v->dict, v->codes[lane])) {
            bit_set(v->own_nulls, lane);
            any = true;
        }
    });
    return any;
}

static qn_status codes_to_flat(qn_vm *vm, qn_vec *v)
{
    qn_dict  *d = v->dict;
    size_t    size = qn_bank_bytes((qn_bank)d->bank);
    qn_status st = QN_OK;

    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    d->demand += vm_selected(vm);
    if (v->sequence && !d->values) {
        /* walking the dictionary itself: decode straight into the register */
        uint32_t from = v->codes[0] ? 0 : 1;
        memset(v->own, 0, size);
        if (vm->n > from) {
            char *out = (char *)v->own + from * size;
            st = d->bank == QN_BANK_STR ? qn_block_strings(d->block, d->column, v->codes[from], vm->n - from,
                                                           (qn_str *)(void *)out, &vm->batch, vm->err)
                                        : qn_block_values(d->block, d->column, v->codes[from], vm->n - from, out,
                                                          &vm->batch, vm->err);
        }
    } else if (d->values || worth_decoding(vm, d, vm_selected(vm))) {
        st = dict_decode(vm, d);
        if (st == QN_OK)
            gather_values(vm, v, d->values, size);
    } else {
        st = gather_codes(vm, v);
    }
    if (st != QN_OK)
        return st;
    bool any = code_nulls(vm, v);
    v->form = QN_FORM_FLAT;
    v->lazy = false;
    v->data = v->own;
    v->nulls = any ? v->own_nulls : NULL;
    return QN_OK;
}

qn_status lazy_resolve(const qn_table *table, qn_str *slots, const uint64_t *nulls, const uint16_t *sel, uint32_t n,
                       qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  count = 0;
    /* Order by block, column and code, so that each chunk of strings is decoded once. */
    struct item {
        uint64_t place;
        uint32_t code, lane;
    } *items = qn_arena_array(arena, struct item, n ? n : 1);
    uint32_t *codes = qn_arena_array(arena, uint32_t, n ? n : 1);
    qn_str   *strings = qn_arena_array(arena, qn_str, n ? n : 1);
    if (!items || !codes || !strings)
        return qn_nomem(err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t lane = sel ? sel[i] : i;
        if (bit_get(nulls, lane) || slots[lane].bytes != QN_STR_LAZY)
            continue;
        qn_lazy_str lazy;
        memcpy(&lazy, &slots[lane], sizeof lazy);
        items[count++] = (struct item){(uint64_t)lazy.block << 32 | lazy.column, lazy.code, lane};
    }
    /* shell sort: nearly ordered, at most 2048 */
    for (uint32_t gap = count / 2; gap; gap /= 2)
        for (uint32_t i = gap; i < count; i++) {
            struct item x = items[i];
            uint32_t    j = i;
            while (j >= gap && (items[j - gap].place > x.place ||
                                (items[j - gap].place == x.place && items[j - gap].code > x.code))) {
                items[j] = items[j - gap];
                j -= gap;
            }
            items[j] = x;
        }
    for (uint32_t i = 0; i < count;) {
        uint32_t j = i;
        while (j < count && items[j].place == items[i].place) {
            codes[j - i] = items[j].code;
            j++;
        }
        uint32_t block = (uint32_t)(items[i].place >> 32), column = (uint32_t)items[i].place;
        QN_ASSERT(table && block < table->block_count);
        st = qn_block_gather(table->blocks[block].block, column, codes, j - i, strings, arena, err);
        if (st != QN_OK)
            return st;
        for (uint32_t k = i; k < j; k++)
            slots[items[k].lane] = strings[k - i];
        i = j;
    }
    return QN_OK;
}

static qn_status codes_to_lazy(qn_vm *vm, qn_vec *v)
{
    qn_dict *d = v->dict;
    if (d->bank != QN_BANK_STR || d->computed || d->values || v->sequence)
        return codes_to_flat(vm, v);
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    qn_str *out = v->own;
    FOR_LANES(vm, lane, {
        qn_lazy_str lazy = {QN_STR_LAZY, d->block_index, d->column, v->codes[lane]};
        memcpy(&out[lane], &lazy, sizeof lazy);
    });
    bool any = code_nulls(vm, v);
    v->form = QN_FORM_FLAT;
    v->lazy = true;
    v->data = v->own;
    v->nulls = any ? v->own_nulls : NULL;
    return QN_OK;
}

const qn_table *source_table(const qn_vm *vm)
{
    const pipeline_state *pl = vm->pl;
    return pl->table ? pl->table : pl->source_groups ? pl->source_groups->table : pl->source_rows ? pl->source_rows->table : NULL;
}

static qn_status resolve_lazy(qn_vm *vm, qn_vec *v)
{
    if (v->data != v->own) {
        if (!vec_own(vm, v))
            return qn_nomem(vm->err);
        memcpy(v->own, v->data, (size_t)vm->n * sizeof(qn_str));
        v->data = v->own;
    }
    qn_status st = lazy_resolve(source_table(vm), v->own, v->nulls, vm->sel, vm_selected(vm), &vm->batch, vm->err);
    if (st == QN_OK)
        v->lazy = false;
    return st;
}

/* A register stays flat for the rest of the batch, so it must be right for every lane that may still be selected:
 * inside conditions that is the selection outside all of them. */
static qn_status flatten(qn_vm *vm, qn_vec *v, bool keep_lazy)
{
    const uint16_t *sel = vm->sel;
    uint32_t        sel_n = vm->sel_n;
    qn_status       st = QN_OK;
    if (vm->sel_depth) {
        vm->sel = vm->sel_stack[0].sel;
        vm->sel_n = vm->sel_stack[0].n;
    }
    if (v->form == QN_FORM_SOURCE)
        st = source_compute(vm, v);
    if (st == QN_OK && v->form == QN_FORM_CODES)
        st = keep_lazy ? codes_to_lazy(vm, v) : codes_to_flat(vm, v);
    if (st == QN_OK && !keep_lazy && v->form == QN_FORM_FLAT && v->lazy)
        st = resolve_lazy(vm, v);
    vm->sel = sel;
    vm->sel_n = sel_n;
    return st;
}

qn_status vec_flat_lazy(qn_vm *vm, qn_vec *v)
{
    return v->form == QN_FORM_CODES || v->form == QN_FORM_SOURCE ? flatten(vm, v, true) : QN_OK;
}

qn_status vec_flat(qn_vm *vm, qn_vec *v)
{
    bool done = v->form == QN_FORM_CONST || (v->form == QN_FORM_FLAT && !v->lazy);
    return done ? QN_OK : flatten(vm, v, false);
}

qn_status vec_ready(qn_vm *vm, qn_vec *v) { return v->form == QN_FORM_SOURCE ? flatten(vm, v, true) : QN_OK; }

qn_status vec_result(qn_vm *vm, qn_vec *v, qn_bank bank)
{
    size_t size = qn_bank_bytes(bank);
    if (!vec_own(vm, v))
        return qn_nomem(vm->err);
    if (v->form == QN_FORM_FLAT && v->data == v->own) {
        if (!v->nulls)
            memset(v->own_nulls, 0, QN_LANES / 8);
        else if (v->nulls != v->own_nulls)
            memcpy(v->own_nulls, v->nulls, QN_LANES / 8);
    } else if (v->form == QN_FORM_CONST) {
        for (uint32_t i = 0; i < vm->n; i++)
            memcpy((char *)v->own + i * size, v->data, size);
        memset(v->own_nulls, v->nulls ? 0xff : 0, QN_LANES / 8);
    } else {
        /* lanes outside the selection are copied too: they may matter to a later MERGE or AND */
        qn_status st = vec_flat(vm, v);
        if (st != QN_OK)
            return st;
        if (v->data != v->own)
            memcpy(v->own, v->data, (size_t)vm->n * size);
        if (v->nulls && v->nulls != v->own_nulls)
            memcpy(v->own_nulls, v->nulls, QN_LANES / 8);
        else if (!v->nulls)
            memset(v->own_nulls, 0, QN_LANES / 8);
    }
    v->form = QN_FORM_FLAT;
    v->lazy = false;
    v->data = v->own;
    v->nulls = v->own_nulls;
    v->bank = (uint8_t)bank;
    return QN_OK;
}

static bool vec_all_null(const qn_vec *v) { return v->form == QN_FORM_CONST && v->nulls; }

qn_status vec_operands(qn_vm *vm, qn_vec *dst, qn_vec *src, operands *o)
{
    qn_status st = vec_flat(vm, dst);
    if (st == QN_OK && src)
        st = vec_flat(vm, src);
    if (st != QN_OK)
        return st;
    if (!vec_own(vm, dst))
        return qn_nomem(vm->err);
    *o = (operands){.a = dst->data, .sa = dst->form != QN_FORM_CONST};
    o->all_null = vec_all_null(dst) || (src && vec_all_null(src));
    const uint64_t *na = dst->form == QN_FORM_FLAT ? dst->nulls : NULL;
    const uint64_t *nb = NULL;
    if (src) {
        o->b = src->data;
        o->sb = src->form != QN_FORM_CONST;
        nb = src->form == QN_FORM_FLAT ? src->nulls : NULL;
    }
    if (o->all_null) {
        memset(dst->own_nulls, 0xff, QN_LANES / 8);
        o->any_null = true;
    } else if (na || nb) {
        uint32_t words = (vm->n + 63) / 64;
        for (uint32_t i = 0; i < words; i++)
            dst->own_nulls[i] = (na ? na[i] : 0) | (nb ? nb[i] : 0);
        o->any_null = true;
    }
    return QN_OK;
}

void vec_finish(qn_vec *dst, qn_bank bank, const operands *o)
{
    dst->form = QN_FORM_FLAT;
    dst->bank = (uint8_t)bank;
    dst->type = QN_TYPE_UNKNOWN;
    dst->lazy = false;
    dst->data = dst->own;
    dst->nulls = o->any_null ? dst->own_nulls : NULL;
}
