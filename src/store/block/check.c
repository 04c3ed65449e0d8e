/* The slow, full check of a block: every section, and everything that must agree with something
 * else.
 *
 * Opening and reading prove that a block can be read safely.  This proves that it tells the truth:
 * values sorted and within the bounds, codes agreeing with counts, zones exact, hashes, lengths and
 * trigrams agreeing with the strings. */
#include "store/block/read.h"

typedef struct checker {
    qn_block     *block;
    uint32_t      column;
    column_state *c;
    qn_arena      arena;
    uint32_t     *seen; /* rows per code, distinct + 1 entries */
} checker;

static qn_status wrong(const checker *k, qn_fmt_section_kind kind, const char *what, qn_error *err)
{
    return qn_block_damaged(k->block, k->column, kind, 0, what, err);
}

static qn_status check_counts(checker *k, qn_error *err)
{
    uint32_t distinct = k->c->pub.distinct, counts[QN_UNIT_ROWS], most = 0, histogram[20] = {0};
    if (k->seen[0] != k->c->pub.null_count)
        return wrong(k, QN_SECTION_CODES, "the number of NULLs disagrees with the codes", err);
    for (uint32_t first = 1; first <= distinct; first += QN_UNIT_ROWS) {
        uint32_t  n = distinct - first + 1 < QN_UNIT_ROWS ? distinct - first + 1 : QN_UNIT_ROWS;
        qn_status st = qn_block_counts(k->block, k->column, first, n, counts, err);
        if (st != QN_OK)
            return st;
        for (uint32_t i = 0; i < n; i++) {
            if (counts[i] != k->seen[first + i])
                return wrong(k, QN_SECTION_COUNTS, "a count disagrees with the codes", err);
            most = counts[i] > most ? counts[i] : most;
            histogram[(qn_bits32(counts[i]) - 1) % 20]++; /* a count is 1 .. 2^19 */
        }
    }
    if (most != k->c->pub.max_count || (distinct && k->seen[k->c->pub.max_count_code] != most) ||
        memcmp(histogram, k->c->pub.count_log2, sizeof histogram) != 0)
        return wrong(k, QN_SECTION_COUNTS, "the statistics disagree with the counts", err);
    return QN_OK;
}

static qn_status check_codes(checker *k, qn_error *err)
{
    const section_state *s = &k->c->section[QN_SECTION_CODES];
    uint32_t             codes[QN_UNIT_ROWS], forms[4] = {0};
    for (uint32_t row = 0; row < k->block->rows; row += QN_UNIT_ROWS) {
        uint32_t n = k->block->rows - row < QN_UNIT_ROWS ? k->block->rows - row : QN_UNIT_ROWS, lo,
                 hi, runs;
        qn_status st = qn_block_codes(k->block, k->column, row, n, codes, err);
        if (st != QN_OK)
            return st;
        for (uint32_t i = 0; i < n; i++)
            k->seen[codes[i]]++;
        if (!s->p)
            continue;
        uint64_t word = qn_get64(s->p + row / QN_UNIT_ROWS * 8);
        qn_kernels_get()->shape32(codes, n, &lo, &hi, &runs);
        if (lo != QN_FMT_UNIT_LO(word) || hi != QN_FMT_UNIT_HI(word))
            return wrong(k, QN_SECTION_CODES, "the bounds of a unit are not exact", err);
        forms[QN_FMT_UNIT_FORM(word)]++;
    }
    if (forms[QN_UNIT_PACKED] != k->c->pub.units_packed ||
        forms[QN_UNIT_RUNS] != k->c->pub.units_run ||
        forms[QN_UNIT_EXCEPTION] != k->c->pub.units_exception ||
        forms[QN_UNIT_LOCAL] != k->c->pub.units_local)
        return wrong(k, QN_SECTION_CODES, "the forms of the units are not as stated", err);
    return QN_OK;
}

static bool same_value(qn_bank bank, const qn_datum *a, const qn_datum *b, qn_sql_type id)
{
    return bank == QN_BANK_NUM ? qn_value_compare_stored(id, a, b) == 0
                               : memcmp(a, b, sizeof *a) == 0;
}

/* Sorted strictly by stored form; first and last are the bounds. */
static qn_status check_values(checker *k, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_sql_type id = (qn_sql_type)k->c->pub.type.id;
    qn_bank     bank = k->c->pub.bank;
    uint32_t    distinct = k->c->pub.distinct, step = QN_CHUNK_STRINGS;
    qn_datum    before, d;
    uint8_t     slots[QN_CHUNK_STRINGS * 16];
    qn_arena    arenas[2]; /* the last value of a step is compared with the first of the next */
    qn_arena_init(&arenas[0], k->block->env->mem);
    qn_arena_init(&arenas[1], k->block->env->mem);
    for (uint32_t first = 1, turn = 0; first <= distinct; first += step, turn ^= 1) {
        uint32_t n = distinct - first + 1 < step ? distinct - first + 1 : step;
        qn_arena_reset(&arenas[turn]);
        QN_TRY(qn_block_values(k->block, k->column, first, n, slots, &arenas[turn], err));
        for (uint32_t i = 0; i < n; i++) {
            qn_bank_get(bank, slots, i, &d);
            if (first + i > 1 && qn_value_compare_stored(id, &before, &d) >= 0)
                QN_TRY(wrong(k, bank == QN_BANK_STR ? QN_SECTION_TEXT : QN_SECTION_VALUES,
                             "values are not sorted", err));
            if (bank != QN_BANK_STR &&
                ((first + i == 1 && !same_value(bank, &d, &k->c->pub.min, id)) ||
                 (first + i == distinct && !same_value(bank, &d, &k->c->pub.max, id))))
                QN_TRY(wrong(k, QN_SECTION_VALUES, "the bounds are not the first and last value",
                             err));
            before = d;
        }
    }
done:
    qn_arena_deinit(&arenas[0]);
    qn_arena_deinit(&arenas[1]);
    return st;
}

/* Every trigram of a string leads to its chunk. */
static qn_status check_trigrams(checker *k, const qn_str *s, uint32_t chunk, qn_error *err)
{
    uint64_t    bits[QN_BLOCK_ROWS / QN_CHUNK_STRINGS / 64];
    const char *p = qn_str_data(s);
    for (uint32_t at = 0; at + 3 <= s->bytes; at++) {
        bool      all;
        qn_status st = qn_block_trigrams(k->block, k->column, p + at, 3, bits, &all, err);
        if (st != QN_OK)
            return st;
        if (!all && !(bits[chunk / 64] >> (chunk % 64) & 1))
            return wrong(k, QN_SECTION_TRIGRAMS, "the index misses a chunk", err);
    }
    return QN_OK;
}

static qn_status check_text(checker *k, qn_error *err)
{
    qn_status st = QN_OK;
    uint32_t  distinct = k->c->pub.distinct, chars[QN_CHUNK_STRINGS], bytes[QN_CHUNK_STRINGS];
    qn_str    s[QN_CHUNK_STRINGS];
    const qn_hash128 *hashes;
    bool              index = k->c->section[QN_SECTION_TRIGRAMS].p != NULL;
    QN_TRY(qn_block_hashes(k->block, k->column, &hashes, err));
    if (index)
        QN_TRY(qn_block_section(k->block, k->column, QN_SECTION_TRIGRAMS, err));
    for (uint32_t first = 1; first <= distinct; first += QN_CHUNK_STRINGS) {
        uint32_t n =
            distinct - first + 1 < QN_CHUNK_STRINGS ? distinct - first + 1 : QN_CHUNK_STRINGS;
        qn_arena_reset(&k->arena);
        QN_TRY(qn_block_strings(k->block, k->column, first, n, s, &k->arena, err));
        QN_TRY(qn_block_lengths(k->block, k->column, first, n, chars, err));
        QN_TRY(qn_block_byte_lengths(k->block, k->column, first, n, bytes, err));
        for (uint32_t i = 0; i < n; i++) {
            qn_hash128 h = qn_blake3_128(qn_str_data(&s[i]), s[i].bytes);
            if (memcmp(&h, &hashes[first - 1 + i], sizeof h) != 0)
                QN_TRY(wrong(k, QN_SECTION_HASHES, "a hash disagrees with its string", err));
            if (bytes[i] != s[i].bytes || chars[i] != qn_utf8_count(qn_str_data(&s[i]), s[i].bytes))
                QN_TRY(wrong(k, QN_SECTION_LENGTHS, "a length disagrees with its string", err));
            if (index)
                QN_TRY(check_trigrams(k, &s[i], (first - 1) / QN_CHUNK_STRINGS, err));
        }
    }
done:
    return st;
}

/* RAW: every value within its unit's bounds and the column's; the column's are reached. */
static qn_status check_raw(checker *k, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_sql_type id = (qn_sql_type)k->c->pub.type.id;
    uint8_t     slots[QN_UNIT_ROWS * 16];
    uint64_t    nulls[QN_UNIT_ROWS / 64];
    bool        least = false, most = false;
    qn_datum    d;
    QN_TRY(qn_block_section(k->block, k->column, QN_SECTION_RAW, err));
    for (uint32_t row = 0; row < k->block->rows; row += QN_UNIT_ROWS) {
        uint32_t n = k->block->rows - row < QN_UNIT_ROWS ? k->block->rows - row : QN_UNIT_ROWS;
        QN_TRY(qn_block_raw(k->block, k->column, row, n, slots, nulls, &k->arena, err));
        for (uint32_t i = 0; i < n; i++) {
            if (nulls[i / 64] >> (i & 63) & 1)
                continue;
            qn_bank_get(k->c->pub.bank, slots, i, &d);
            int lo = qn_value_compare_stored(id, &d, &k->c->pub.min),
                hi = qn_value_compare_stored(id, &d, &k->c->pub.max);
            if (lo < 0 || hi > 0)
                QN_TRY(wrong(k, QN_SECTION_RAW, "a value lies outside the bounds", err));
            least |= lo == 0;
            most |= hi == 0;
        }
    }
    if (!least || !most)
        QN_TRY(wrong(k, QN_SECTION_RAW, "the bounds are not reached", err));
done:
    return st;
}

static qn_status check_column(checker *k, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    seen_bytes = ((size_t)k->c->pub.distinct + 1) * 4;
    if (k->c->pub.kind == QN_COL_RAW)
        return check_raw(k, err);
    QN_ALLOC(err, k->seen = qn_alloc0(k->block->env->mem, seen_bytes));
    QN_TRY(check_codes(k, err));
    QN_TRY(check_counts(k, err));
    QN_TRY(check_values(k, err));
    if (k->c->pub.bank == QN_BANK_STR && k->c->pub.distinct)
        QN_TRY(check_text(k, err));
done:
    if (k->seen)
        qn_free(k->block->env->mem, k->seen, seen_bytes);
    return st;
}

qn_status qn_block_check(qn_block *block, qn_error *err)
{
    qn_status st = QN_OK;
    for (uint32_t i = 0; i < block->column_count && st == QN_OK; i++) {
        checker k = {.block = block, .column = i, .c = &block->columns[i]};
        qn_arena_init(&k.arena, block->env->mem);
        st = check_column(&k, err);
        qn_arena_deinit(&k.arena);
    }
    return st;
}
