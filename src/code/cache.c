/* The program cache: see cache.h.
 *
 * An entry stores, for each literal of its text, either which constants it fills and as what type, or that it must
 * be equal to this text.  Equal literals are the trap: the binder and the generator merge equal expressions, so
 * of `GROUP BY a + 1` and `SELECT a + 1` one constant may serve both.  Therefore
 *
 *   - literals that had equal values of one type must have equal values again (their "class");
 *   - a literal that fills no constant, and could have been merged into one that does, makes that one fixed too.
 *
 * Literals in VALUES rows are never merged with anything and belong to no class.
 *
 * Invariants
 *   - Entries are on one hash chain and on the list of use, both under the latch.
 *   - An entry is never changed after it is linked; it is freed when unlinked and no lookup reads it.
 *   - A lookup compares the key in full; the hash only finds the chain.
 *
 * Not here: which statements are worth keeping, and re-planning when data has outgrown a plan. */
#include "code/cache.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/thread.h"
#include "code/token.h"
#include "type/numeric.h"

#define MAX_VARIANTS 8u /* entries of one key looked at: they differ in fixed literals or in classes */
#define MAX_LITERALS 2048u
#define MAX_CLASSES 128u     /* a lookup compares each with each */
#define MAX_COMPARISONS 20000u /* of unfilled literals with filled ones, at insertion */
#define NO_CLASS UINT32_MAX

typedef struct fill { /* a literal's value goes into a constant */
    uint32_t literal, constant;
    uint32_t class;
} fill;

typedef struct entry {
    struct entry     *chain;
    struct entry     *newer, *older;
    qn_arena          arena;
    uint64_t          hash, bytes;
    uint32_t          readers; /* lookups at work, and 1 while linked */
    bool              linked;
    qn_code_key       key;
    char             *normal;
    size_t            normal_bytes;
    uint32_t         *starts;
    uint32_t          token_count;
    const char      **fixed;   /* per literal: the text it must have, NULL: it fills constants */
    uint32_t         *fixed_bytes;
    uint32_t          literal_count;
    fill             *fills;
    uint32_t          fill_count;
    uint32_t          class_count;
    const qn_program *program;
    void             *owner;
} entry;

struct qn_code_cache {
    qn_mem              *mem;
    qn_code_cache_limits limits;
    void               (*ref)(void *);
    void               (*unref)(void *);
    qn_latch             latch;
    /* under the latch */
    entry              **chains;
    uint32_t             chain_count; /* a power of two */
    entry               *newest, *oldest;
    qn_code_cache_stats  stats;
};

qn_status qn_code_cache_new(qn_mem *mem, const qn_code_cache_limits *limits, void (*ref)(void *), void (*unref)(void *),
                            qn_code_cache **out, qn_error *err)
{
    qn_code_cache *c = qn_alloc0(mem, sizeof *c);
    if (!c)
        return qn_nomem(err);
    c->mem = mem;
    c->limits = *limits;
    c->ref = ref;
    c->unref = unref;
    for (c->chain_count = 16; c->chain_count < limits->max_entries && c->chain_count < 1u << 20;)
        c->chain_count *= 2;
    c->chains = qn_alloc0(mem, c->chain_count * sizeof *c->chains);
    if (!c->chains) {
        qn_free(mem, c, sizeof *c);
        return qn_nomem(err);
    }
    qn_latch_init(&c->latch);
    *out = c;
    return QN_OK;
}

/* ---- lists (under the latch) ---------------------------------------------------------------------- */

static void use_unlink(qn_code_cache *c, entry *e)
{
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
}

static void use_link(qn_code_cache *c, entry *e)
{
    e->newer = NULL;
    e->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
}

/* Take e out of the cache; true when the caller must free it. */
static bool entry_unlink_locked(qn_code_cache *c, entry *e)
{
    QN_ASSERT(qn_latch_held(&c->latch));
    entry **at = &c->chains[e->hash & (c->chain_count - 1)];
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    use_unlink(c, e);
    c->stats.entries--;
    c->stats.bytes -= e->bytes;
    e->linked = false;
    return --e->readers == 0;
}

static void entry_free(qn_code_cache *c, entry *e)
{
    c->unref(e->owner);
    qn_arena_deinit(&e->arena);
    qn_free(c->mem, e, sizeof *e);
}

static void entry_release(qn_code_cache *c, entry *e)
{
    qn_latch_take(&c->latch);
    bool last = --e->readers == 0;
    qn_latch_drop(&c->latch);
    if (last)
        entry_free(c, e);
}

void qn_code_cache_clear(qn_code_cache *c)
{
    for (;;) {
        qn_latch_take(&c->latch);
        entry *e = c->oldest;
        bool   last = e && entry_unlink_locked(c, e);
        qn_latch_drop(&c->latch);
        if (!e)
            return;
        if (last)
            entry_free(c, e);
    }
}

void qn_code_cache_free(qn_code_cache *c)
{
    if (!c)
        return;
    qn_code_cache_clear(c);
    qn_latch_deinit(&c->latch);
    qn_free(c->mem, c->chains, c->chain_count * sizeof *c->chains);
    qn_free(c->mem, c, sizeof *c);
}

void qn_code_cache_read_stats(qn_code_cache *c, qn_code_cache_stats *stats)
{
    qn_latch_take(&c->latch);
    *stats = c->stats;
    qn_latch_drop(&c->latch);
}

/* ---- keys ------------------------------------------------------------------------------------------ */

static uint64_t key_hash(const qn_code_key *k, const qn_tokens *t)
{
    uint64_t h = qn_hash64(t->normal, t->normal_bytes, k->schema_version);
    for (uint32_t i = 0; i < k->param_count; i++)
        h = qn_mix64(h ^ k->param_types[i].id ^ (uint64_t)(uint32_t)k->param_types[i].typmod << 8);
    return qn_mix64(h ^ k->settings_hash ^ k->param_count);
}

static bool key_equal(const entry *e, const qn_code_key *k, uint64_t hash, const qn_tokens *t)
{
    if (e->hash != hash || e->key.schema_version != k->schema_version || e->key.settings_hash != k->settings_hash ||
        e->key.param_count != k->param_count || e->normal_bytes != t->normal_bytes ||
        memcmp(e->normal, t->normal, t->normal_bytes) != 0)
        return false;
    for (uint32_t i = 0; i < k->param_count; i++)
        if (e->key.param_types[i].id != k->param_types[i].id || e->key.param_types[i].typmod != k->param_types[i].typmod)
            return false;
    QN_ASSERT(e->literal_count == t->literal_count && e->token_count == t->count);
    return true;
}

static bool fixed_equal(const entry *e, const char *sql, const qn_tokens *t)
{
    for (uint32_t i = 0; i < e->literal_count; i++)
        if (e->fixed[i] && (e->fixed_bytes[i] != t->literals[i].bytes ||
                            memcmp(e->fixed[i], sql + t->literals[i].start, e->fixed_bytes[i]) != 0))
            return false;
    return true;
}

/* ---- lookup ----------------------------------------------------------------------------------------- */

/* The constants of e with the literals of this text; *ok is false when the text needs a program of its own. */
static qn_status fill_constants(const entry *e, const char *sql, const qn_tokens *t, const qn_text_settings *set,
                                qn_arena *arena, const qn_program **out, bool *ok, qn_error *err)
{
    qn_status   st = QN_OK;
    qn_program *p;
    qn_datum   *constants;
    uint32_t   *seen; /* per class: the fill whose value it has, plus one */
    qn_error    ignored;

    *ok = false;
    QN_ALLOC(err, p = qn_arena_dup(arena, e->program, sizeof *p));
    QN_ALLOC(err, constants = qn_arena_alloc(arena, (e->program->constant_count + 1) * sizeof *constants));
    QN_ALLOC(err, seen = qn_arena_array(arena, uint32_t, e->class_count + 1));
    if (e->program->constant_count)
        memcpy(constants, e->program->constants, e->program->constant_count * sizeof *constants);
    for (uint32_t i = 0; i < e->fill_count; i++) {
        const fill *f = &e->fills[i];
        qn_type     type = e->program->constant_info[f->constant].type;
        size_t      bytes;
        const char *text;
        QN_ALLOC(err, text = qn_literal_text(sql, &t->literals[f->literal], arena, &bytes));
        memset(&constants[f->constant], 0, sizeof *constants);
        memset(&ignored, 0, sizeof ignored);
        qn_status parsed = qn_value_parse(type, text, bytes, set, arena, &constants[f->constant], &ignored);
        if (parsed == QN_NOMEM)
            return qn_nomem(err);
        if (parsed != QN_OK)
            return QN_OK;
        if (f->class == NO_CLASS)
            continue;
        if (!seen[f->class]) {
            seen[f->class] = i + 1;
            /* what was different must stay different: the key holds which literals are equal */
            for (uint32_t c = 0; c < e->class_count; c++) {
                const fill *g = c != f->class && seen[c] ? &e->fills[seen[c] - 1] : NULL;
                qn_type     other = g ? e->program->constant_info[g->constant].type : type;
                if (g && other.id == type.id && other.typmod == type.typmod &&
                    qn_value_compare_stored((qn_sql_type)type.id, &constants[g->constant], &constants[f->constant]) == 0)
                    return QN_OK;
            }
        } else if (qn_value_compare_stored((qn_sql_type)type.id, &constants[e->fills[seen[f->class] - 1].constant],
                                           &constants[f->constant]) != 0) {
            return QN_OK;
        }
    }
    p->constants = constants;
    *out = p;
    *ok = true;
done:
    return st;
}

qn_status qn_code_cache_lookup(qn_code_cache *c, const qn_code_key *key, const char *sql, size_t bytes,
                               const qn_text_settings *set, qn_arena *arena, qn_code_hit *hit, qn_error *err)
{
    qn_tokens t;
    bool      cacheable, ok = false;
    entry    *found[MAX_VARIANTS];
    uint32_t  n = 0, won = 0;

    memset(hit, 0, sizeof *hit);
    if (bytes > UINT32_MAX / 2)
        return QN_OK;
    qn_status st = qn_tokens_read(sql, bytes, arena, &t, &cacheable, err);
    if (st != QN_OK || !cacheable)
        return st;
    uint64_t hash = key_hash(key, &t);
    qn_latch_take(&c->latch);
    for (entry *e = c->chains[hash & (c->chain_count - 1)]; e && n < MAX_VARIANTS; e = e->chain)
        if (key_equal(e, key, hash, &t) && fixed_equal(e, sql, &t)) {
            e->readers++;
            found[n++] = e;
        }
    qn_latch_drop(&c->latch);
    for (uint32_t i = 0; i < n && !ok && st == QN_OK; i++) {
        won = i;
        st = fill_constants(found[i], sql, &t, set, arena, &hit->program, &ok, err);
    }
    if (st == QN_OK && ok) {
        entry *e = found[won];
        c->ref(e->owner);
        hit->owner = e->owner;
        hit->consumed = t.consumed;
        hit->starts = t.starts;
        hit->token_count = t.count;
        hit->bytes = (uint32_t)bytes;
        hit->compiled_starts = qn_arena_dup(arena, e->starts, t.count * sizeof *e->starts);
        if (!hit->compiled_starts) {
            c->unref(e->owner);
            memset(hit, 0, sizeof *hit);
            st = qn_nomem(err);
            ok = false;
        }
    }
    qn_latch_take(&c->latch);
    c->stats.hits += ok;
    c->stats.misses += !ok;
    if (ok && found[won]->linked) { /* now the newest */
        use_unlink(c, found[won]);
        use_link(c, found[won]);
    }
    qn_latch_drop(&c->latch);
    for (uint32_t i = 0; i < n; i++)
        entry_release(c, found[i]);
    return st;
}

int32_t qn_code_hit_locate(const qn_code_hit *hit, int32_t location)
{
    uint32_t lo = 0, hi = hit->token_count;
    if (location < 0 || !hi || (uint32_t)location < hit->compiled_starts[0])
        return location < 0 ? -1 : 0;
    while (hi - lo > 1) { /* the token that begins at or before location */
        uint32_t mid = lo + (hi - lo) / 2;
        if (hit->compiled_starts[mid] <= (uint32_t)location)
            lo = mid;
        else
            hi = mid;
    }
    uint32_t inside = (uint32_t)location - hit->compiled_starts[lo];
    uint32_t end = lo + 1 < hit->token_count ? hit->starts[lo + 1] : hit->bytes;
    uint32_t there = hit->starts[lo] + inside;
    return (int32_t)(there < end ? there : hit->starts[lo]);
}

/* ---- insertion --------------------------------------------------------------------------------------- */

static bool is_number_type(qn_sql_type id) { return qn_type_category(id, NULL) == 'N'; }

/* A string whose meaning depends on when it is read. */
static bool names_a_time(const char *s, size_t n)
{
    static const char *const words[] = {"now", "today", "tomorrow", "yesterday"};
    for (size_t w = 0; w < QN_COUNTOF(words); w++) {
        size_t m = strlen(words[w]);
        for (size_t i = 0; i + m <= n; i++) {
            size_t j = 0;
            while (j < m && (s[i + j] | 0x20) == words[w][j])
                j++;
            if (j == m)
                return true;
        }
    }
    return false;
}

/* Numeric value of a literal or of a constant; false when it has none.  Scratch memory comes from arena. */
static bool number_of_text(const char *text, size_t bytes, const qn_text_settings *set, qn_arena *arena, qn_numeric *out)
{
    qn_error ignored = {.status = QN_OK};
    qn_datum v;
    if (qn_value_parse(QN_TYPE(NUMERIC), text, bytes, set, arena, &v, &ignored) != QN_OK)
        return false;
    *out = v.num;
    return true;
}

static bool number_of_constant(const qn_program *p, uint32_t k, const qn_text_settings *set, qn_arena *arena, qn_numeric *out)
{
    qn_buf text;
    qn_buf_init(&text, arena->mem);
    qn_value_print(p->constant_info[k].type, &p->constants[k], set, &text);
    bool ok = qn_buf_ok(&text) && text.data && number_of_text(text.data, text.bytes, set, arena, out);
    qn_buf_deinit(&text);
    return ok;
}

/* Could a fold or a merge have put this unfilled literal's value into constant k?  Answers yes when in doubt. */
static bool may_be_merged(const qn_program *p, uint32_t k, const char *text, size_t bytes, qn_arena *arena)
{
    const qn_text_settings set = {.extra_float_digits = 1};
    qn_type                type = p->constant_info[k].type;
    qn_error               ignored = {.status = QN_OK};
    qn_datum               v = {.words = {0, 0}};
    qn_status              st = qn_value_parse(type, text, bytes, &set, arena, &v, &ignored);
    if (st == QN_NOMEM || (st == QN_OK && qn_value_compare_stored((qn_sql_type)type.id, &v, &p->constants[k]) == 0))
        return true;
    qn_numeric a, b;
    if (is_number_type((qn_sql_type)type.id) && number_of_text(text, bytes, &set, arena, &a) &&
        number_of_constant(p, k, &set, arena, &b))
        return qn_numeric_compare(qn_numeric_abs(a, arena), qn_numeric_abs(b, arena)) == 0;
    return false;
}

static bool in_values_rows(const qn_program *p, uint32_t k)
{
    for (uint32_t i = 0; i < p->pipeline_count; i++) {
        const qn_code_pipeline *cp = &p->pipelines[i];
        const qn_source        *s = cp->plan ? &cp->plan->source : NULL;
        if (s && s->kind == QN_SOURCE_LIST && cp->first_argument != QN_NO_CONSTANT && k >= cp->first_argument &&
            k - cp->first_argument < (uint64_t)s->relation->row_count * s->relation->column_count)
            return true;
    }
    return false;
}

/* Which constants does each literal fill?  Unsorted input: constants in the order of their making. */
static qn_status find_fills(entry *e, const qn_tokens *t, qn_error *err)
{
    const qn_program *p = e->program;
    e->fills = qn_arena_array(&e->arena, fill, p->constant_count + 1);
    if (!e->fills)
        return qn_nomem(err);
    for (uint32_t k = 0; k < p->constant_count; k++) {
        const qn_constant_info *info = &p->constant_info[k];
        uint32_t                lo = 0, hi = t->literal_count;
        if (info->location < 0 || info->computed || info->param >= 0 || p->constant_nulls[k])
            continue;
        while (lo < hi) {
            uint32_t mid = lo + (hi - lo) / 2;
            if (t->literals[mid].start < (uint32_t)info->location)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo < t->literal_count && t->literals[lo].start == (uint32_t)info->location)
            e->fills[e->fill_count++] = (fill){lo, k, NO_CLASS};
    }
    return QN_OK;
}

/* Take back the fills of one literal. */
static void unfill(entry *e, uint32_t literal)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < e->fill_count; i++)
        if (e->fills[i].literal != literal)
            e->fills[n++] = e->fills[i];
    e->fill_count = n;
}

/* Literals that fill nothing are fixed, and so are those they might have been merged with. */
static qn_status settle_fixed(entry *e, const char *sql, const qn_tokens *t, qn_arena *scratch, bool *fits, qn_error *err)
{
    uint32_t comparisons = 0;
    bool *filled = qn_arena_array(scratch, bool, t->literal_count + 1);
    if (!filled)
        return qn_nomem(err);
    for (uint32_t i = 0; i < e->fill_count; i++)
        filled[e->fills[i].literal] = true;
    for (bool changed = true; changed;) { /* a literal fixed for another's sake is one more to compare with */
        changed = false;
        for (uint32_t i = 0; i < e->fill_count; i++) {
            const fill *f = &e->fills[i];
            bool        lone = in_values_rows(e->program, f->constant);
            bool        fix = t->literals[f->literal].string && t->other_strings && !lone;
            for (uint32_t l = 0; l < t->literal_count && !fix && !lone; l++) {
                size_t      bytes;
                const char *text;
                if (filled[l] || l == f->literal)
                    continue;
                if (++comparisons > MAX_COMPARISONS)
                    return QN_OK;
                text = qn_literal_text(sql, &t->literals[l], scratch, &bytes);
                if (!text)
                    return qn_nomem(err);
                fix = may_be_merged(e->program, f->constant, text, bytes, scratch);
            }
            if (fix) {
                filled[f->literal] = false;
                unfill(e, f->literal);
                changed = true;
                break;
            }
        }
    }
    e->literal_count = t->literal_count;
    e->fixed = qn_arena_array(&e->arena, const char *, t->literal_count + 1);
    e->fixed_bytes = qn_arena_array(&e->arena, uint32_t, t->literal_count + 1);
    if (!e->fixed || !e->fixed_bytes)
        return qn_nomem(err);
    for (uint32_t l = 0; l < t->literal_count; l++) {
        if (filled[l])
            continue;
        e->fixed_bytes[l] = t->literals[l].bytes;
        e->fixed[l] = qn_arena_strndup(&e->arena, sql + t->literals[l].start, t->literals[l].bytes);
        if (!e->fixed[l])
            return qn_nomem(err);
    }
    *fits = true;
    return QN_OK;
}

static void settle_classes(entry *e)
{
    const qn_program *p = e->program;
    for (uint32_t i = 0; i < e->fill_count; i++) {
        fill   *f = &e->fills[i];
        qn_type type = p->constant_info[f->constant].type;
        if (in_values_rows(p, f->constant))
            continue;
        for (uint32_t j = 0; j < i && f->class == NO_CLASS; j++) {
            qn_type other = p->constant_info[e->fills[j].constant].type;
            if (e->fills[j].class != NO_CLASS && other.id == type.id && other.typmod == type.typmod &&
                qn_value_compare_stored((qn_sql_type)type.id, &p->constants[f->constant], &p->constants[e->fills[j].constant]) == 0)
                f->class = e->fills[j].class;
        }
        if (f->class == NO_CLASS)
            f->class = e->class_count++;
        if (e->class_count > MAX_CLASSES)
            return;
    }
}

static qn_status entry_make(entry *e, const qn_code_key *key, const char *sql, const qn_tokens *t, qn_arena *scratch, bool *fits,
                            qn_error *err)
{
    qn_status st = QN_OK;
    e->key = *key;
    QN_ALLOC(err, e->key.param_types = qn_arena_dup(&e->arena, key->param_types ? key->param_types : &QN_TYPE(UNKNOWN),
                                                    key->param_types ? key->param_count * sizeof *key->param_types : sizeof(qn_type)));
    QN_ALLOC(err, e->normal = qn_arena_dup(&e->arena, t->normal, t->normal_bytes));
    QN_ALLOC(err, e->starts = qn_arena_dup(&e->arena, t->starts, t->count * sizeof *t->starts));
    e->normal_bytes = t->normal_bytes;
    e->token_count = t->count;
    QN_TRY(find_fills(e, t, err));
    QN_TRY(settle_fixed(e, sql, t, scratch, fits, err));
    if (*fits)
        settle_classes(e);
    *fits = *fits && e->class_count <= MAX_CLASSES;
done:
    return st;
}

static bool is_same_variant(const entry *a, const entry *b)
{
    if (a->fill_count != b->fill_count || a->class_count != b->class_count)
        return false;
    for (uint32_t i = 0; i < a->fill_count; i++)
        if (a->fills[i].literal != b->fills[i].literal || a->fills[i].class != b->fills[i].class)
            return false;
    return true;
}

/* Programs take an eighth of the memory limit at most: under a small one, statements would starve otherwise. */
static uint64_t most_bytes(const qn_code_cache *c)
{
    uint64_t limit = atomic_load_explicit(&c->mem->limit_bytes, memory_order_relaxed);
    return limit && limit / 8 < c->limits.max_bytes ? limit / 8 : c->limits.max_bytes;
}

/* Link e, and take out an older equal one and whatever is beyond the limits; those go to `out`, by `older`. */
static entry *entry_link_locked(qn_code_cache *c, entry *e, const char *sql, const qn_tokens *t)
{
    entry  *out = NULL;
    entry **chain = &c->chains[e->hash & (c->chain_count - 1)];
    for (entry *old = *chain; old; old = old->chain)
        if (key_equal(old, &e->key, e->hash, t) && fixed_equal(old, sql, t) && is_same_variant(old, e)) {
            if (entry_unlink_locked(c, old)) {
                old->older = out;
                out = old;
            }
            break;
        }
    e->chain = *chain;
    *chain = e;
    use_link(c, e);
    e->linked = true;
    c->stats.entries++;
    c->stats.bytes += e->bytes;
    c->stats.insertions++;
    while (c->oldest != e && (c->stats.entries > c->limits.max_entries || c->stats.bytes > most_bytes(c))) {
        entry *old = c->oldest;
        c->stats.evictions++;
        if (entry_unlink_locked(c, old)) {
            old->older = out;
            out = old;
        }
    }
    return out;
}

static bool worth_keeping(const qn_code_cache *c, const char *sql, const qn_tokens *t, const entry *e)
{
    for (uint32_t l = 0; l < t->literal_count; l++)
        if (e->fixed[l] && t->literals[l].string && names_a_time(sql + t->literals[l].start, t->literals[l].bytes))
            return false;
    return e->bytes <= most_bytes(c);
}

qn_status qn_code_cache_insert(qn_code_cache *c, const qn_code_key *key, const char *sql, size_t bytes, const qn_program *program,
                               void *owner, uint64_t owner_bytes, bool *stored, qn_error *err)
{
    qn_status st = QN_OK;
    qn_tokens t;
    qn_arena  scratch;
    bool      cacheable, fits = false;
    entry    *e = NULL;

    *stored = false;
    if (!c->limits.max_entries || bytes > UINT32_MAX / 2)
        return QN_OK;
    qn_arena_init(&scratch, c->mem);
    QN_TRY(qn_tokens_read(sql, bytes, &scratch, &t, &cacheable, err));
    if (!cacheable || t.literal_count > MAX_LITERALS ||
        (t.other_strings && names_a_time(sql, bytes))) /* an E'now' is somewhere in it, perhaps */
        goto done;
    QN_ALLOC(err, e = qn_alloc0(c->mem, sizeof *e));
    qn_arena_init(&e->arena, c->mem);
    e->program = program;
    QN_TRY(entry_make(e, key, sql, &t, &scratch, &fits, err));
    if (!fits)
        goto done;
    e->owner = owner;
    e->readers = 1;
    e->hash = key_hash(key, &t);
    e->bytes = owner_bytes + qn_arena_held_bytes(&e->arena) + sizeof *e;
    if (!worth_keeping(c, sql, &t, e))
        goto done;
    c->ref(owner);
    qn_latch_take(&c->latch);
    entry *out = entry_link_locked(c, e, sql, &t);
    qn_latch_drop(&c->latch);
    e = NULL;
    *stored = true;
    while (out) {
        entry *older = out->older;
        entry_free(c, out);
        out = older;
    }
done:
    if (e) {
        qn_arena_deinit(&e->arena);
        qn_free(c->mem, e, sizeof *e);
    }
    qn_arena_deinit(&scratch);
    return st;
}
