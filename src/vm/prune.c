/* Patterns over a text column: which distinct values need to be looked at.
 *
 * `LIKE 'abc%'` is a range of codes, found by search.  Otherwise the pattern's literal parts are looked up in the
 * block's trigram index, and only strings of chunks that have them all are visited, within the range of the prefix if
 * there is one.  For NOT LIKE and !~ the strings that are not visited are those that pass.  When fewer rows are left
 * than chunks would have to be read, rows are tested one by one instead. */
#include "vm/machine.h"

#include "type/pattern.h"

/* The codes of values that begin with the prefix, first … end-1. */
static qn_status prefix_codes(qn_vm *vm, uint32_t column, const qn_str *prefix, bool exact, uint32_t *first, uint32_t *end)
{
    qn_datum  lo = {.str = *prefix}, hi;
    uint32_t  ignored;
    qn_status st = qn_block_search(vm->scan.block, column, &lo, first, end, vm->err);
    if (st != QN_OK || exact)
        return st;
    /* the least text that is greater than all with this prefix: its last byte, which is never 255 in UTF-8, plus one */
    char *above = qn_arena_dup(&vm->block, qn_str_data(prefix), prefix->bytes);
    if (!above)
        return qn_nomem(vm->err);
    above[prefix->bytes - 1]++;
    hi.str = qn_str_of(above, prefix->bytes);
    return qn_block_search(vm->scan.block, column, &hi, end, &ignored, vm->err);
}

/* Chunks that have the literal in any case, by the spellings of each of its trigrams; *all: the index cannot tell. */
static qn_status any_case_chunks(qn_vm *vm, uint32_t column, const qn_str *literal, uint32_t words, uint64_t *chunks, bool *all)
{
    enum { TRIGRAMS = 6 }; /* more hardly narrow further */
    const char *s = qn_str_data(literal);
    uint64_t   *mine = qn_arena_alloc(&vm->block, 2 * words * sizeof *mine), *one = mine + words;
    *all = true;
    if (!mine)
        return qn_nomem(vm->err);
    for (uint32_t at = 0, done = 0; at + 3 <= literal->bytes && done < TRIGRAMS; at++) {
        bool unknown = false;
        memset(mine, 0, words * sizeof *mine);
        for (unsigned variant = 0; variant < 8 && !unknown; variant++) {
            char text[3];
            bool same = false; /* as another variant */
            for (int i = 0; i < 3; i++) {
                bool letter = s[at + (uint32_t)i] >= 'a' && s[at + (uint32_t)i] <= 'z';
                bool upper = variant >> i & 1;
                same = same || (upper && !letter);
                text[i] = upper ? (char)(s[at + (uint32_t)i] - 32) : s[at + (uint32_t)i];
            }
            if (same)
                continue;
            memset(one, 0, words * sizeof *one);
            qn_status st = qn_block_trigrams(vm->scan.block, column, text, 3, one, &unknown, vm->err);
            if (st != QN_OK)
                return st;
            for (uint32_t w = 0; w < words; w++)
                mine[w] |= one[w];
        }
        if (unknown)
            continue;
        for (uint32_t w = 0; w < words; w++)
            chunks[w] = *all ? mine[w] : chunks[w] & mine[w];
        *all = false;
        done++;
    }
    return QN_OK;
}

/* Chunks that have every literal; *chunks NULL: all of them. */
static qn_status literal_chunks(qn_vm *vm, uint32_t column, const qn_pattern_facts *f, uint32_t words, uint64_t **chunks)
{
    uint64_t *both = qn_arena_alloc0(&vm->block, 2 * words * sizeof *both), *one = both + words;
    bool      none = true;
    *chunks = NULL;
    if (!both)
        return qn_nomem(vm->err);
    for (size_t i = 0; i < f->literal_count; i++) {
        const qn_str *l = &f->literals[i];
        bool          all = true;
        memset(one, 0, words * sizeof *one);
        qn_status st = f->icase ? any_case_chunks(vm, column, l, words, one, &all)
                                : qn_block_trigrams(vm->scan.block, column, qn_str_data(l), l->bytes, one, &all, vm->err);
        if (st != QN_OK)
            return st;
        for (uint32_t w = 0; w < words && !all; w++)
            both[w] = none ? one[w] : both[w] & one[w];
        none = none && all;
    }
    *chunks = none ? NULL : both;
    return QN_OK;
}

/* What is not visited passes. */
static void pass_unvisited(slot_state *state, uint32_t distinct)
{
    uint32_t next = state->next ? state->next : 1;
    bits_set_range(state->set.bits, 1, next);
    bits_set_range(state->set.bits, state->last + 1, distinct + 1);
    for (uint32_t chunk = 0; state->chunks && chunk * QN_CHUNK_STRINGS < distinct; chunk++) {
        uint32_t first = chunk * QN_CHUNK_STRINGS + 1, end = first + QN_CHUNK_STRINGS;
        if (bit_get(state->chunks, chunk))
            continue;
        first = first > next ? first : next;
        end = end <= state->last ? end : state->last + 1;
        bits_set_range(state->set.bits, first, end);
    }
}

/* How many chunks will be read. */
static uint32_t chunks_to_visit(const slot_state *state)
{
    uint32_t n = 0, first = state->next ? (state->next - 1) / QN_CHUNK_STRINGS : 0;
    if (state->next > state->last || !state->last)
        return 0;
    for (uint32_t chunk = first; chunk <= (state->last - 1) / QN_CHUNK_STRINGS; chunk++)
        n += !state->chunks || bit_get(state->chunks, chunk);
    return n;
}

/* The set is codes first … end-1, or for NOT the others. */
static qn_status settle_range(slot_state *state, uint32_t first, uint32_t end, uint32_t distinct, bool negated)
{
    if (negated) {
        bits_set_range(state->set.bits, 1, first);
        bits_set_range(state->set.bits, end, distinct + 1);
    } else {
        state->set = (qn_codeset){.is_range = true, .lo = first, .hi = end - 1};
    }
    state->next = state->last + 1; /* nothing to visit */
    return QN_OK;
}

qn_status slot_prune(qn_vm *vm, uint32_t w)
{
    const uint32_t        *x = qn_operands(vm->program, w);
    const qn_slot         *slot = &vm->program->slots[x[0]];
    slot_state            *state = &vm->slots[x[0]];
    const qn_block_column *c = qn_block_column_at(vm->scan.block, slot->column);
    bool                   negated = x[2] & QN_PATTERN_NOT;
    uint32_t               chunks = (c->distinct + QN_CHUNK_STRINGS - 1) / QN_CHUNK_STRINGS, words = (chunks + 63) / 64;
    qn_pattern_facts       f;
    if (vm->constant_nulls[x[1]] || !c->distinct)
        return QN_OK;
    qn_status st = qn_pattern_learn((int)x[2], &vm->constants[x[1]].str, &vm->block, &f, vm->err);
    if (st != QN_OK)
        return st;
    if (f.known && (f.prefix.bytes || f.exact)) {
        uint32_t first, end;
        st = prefix_codes(vm, slot->column, &f.prefix, f.exact, &first, &end);
        if (st != QN_OK)
            return st;
        if (f.exact || f.only)
            return settle_range(state, first, end, c->distinct, negated);
        state->next = first; /* NULL neither matches nor does not */
        state->last = end - 1;
    }
    if (f.known && f.literal_count) {
        st = literal_chunks(vm, slot->column, &f, words, &state->chunks);
        if (st != QN_OK)
            return st;
    }
    if (vm->pl->code->plan->source.kind == QN_SOURCE_TABLE && vm->scan.selected < chunks_to_visit(state)) {
        state->by_row = true;
        return QN_OK;
    }
    if (negated && (state->next > 1 || state->last < c->distinct || state->chunks))
        pass_unvisited(state, c->distinct);
    return QN_OK;
}
