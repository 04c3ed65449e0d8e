/* Shared by packed*.c only. */
#ifndef QN_VM_PACKED_INT_H
#define QN_VM_PACKED_INT_H

#include "vm/packed.h"

#define PACKED_MAX_KEYS 8u
#define BEST_MAX 4096u          /* rows a LIMIT takes at most for its last count to be kept track of */
#define PACKED_CACHE 2048u      /* tuples a worker holds back, hoping for their key's next row */

typedef struct packed_field { /* bits 0: absent */
    uint8_t word, shift, bits;
} packed_field;

/* Identities of numbers have few bits that differ: mixed without loss, so that shards and slots are all used. */
static inline qn_hash128 packed_spread(qn_hash128 identity)
{
    return (qn_hash128){qn_mix64(identity.lo), qn_mix64(identity.hi ^ identity.lo ^ 1)};
}

static inline uint64_t field_mask(const packed_field *f) { return f->bits == 64 ? UINT64_MAX : (1ull << f->bits) - 1; }
static inline uint64_t field_get(const packed_field *f, const uint64_t *tuple)
{
    return f->bits ? tuple[f->word] >> f->shift & field_mask(f) : 0;
}

typedef struct packed_key {
    packed_field value;
    packed_field null;  /* one bit, set for NULL (whose value is 0); absent: there are no NULLs */
    bool         by_id; /* the value is an id of maps[map], else an integer minus base */
    uint8_t      type, bank;
    uint32_t     map;
    int64_t      base;
} packed_key;

typedef struct packed_argument { /* of one or several aggregates */
    uint32_t     reg;           /* after the first key's */
    uint8_t      bank;
    packed_field count;         /* of its non-NULL values; absent: it has no NULLs */
    packed_field sum;           /* of value - base */
    int64_t      base;
    uint32_t     largest, smallest; /* word of the tuple, 0: not wanted */
} packed_argument;

typedef struct packed_distinct {
    uint32_t     agg, reg;
    packed_key   value;         /* in a pair: the group's key words, where it may use what is free in them, then more */
    uint32_t     words;         /* of a pair */
    packed_field result;        /* in the group's tuple */
} packed_distinct;

typedef struct tuple_cache { /* direct-mapped, in front of parts */
    uint64_t *tuples;
    uint64_t *hashes;
    uint8_t  *used;
    uint64_t  asked, met; /* since the last decision */
    uint64_t  bypass;     /* tuples to let through unseen: keys do not repeat */
} tuple_cache;

typedef struct packed_local { /* one worker's */
    tuple_parts  parts;
    tuple_cache  cache;
    tuple_parts *pairs;       /* per DISTINCT */
    tuple_cache *pair_caches;
    uint64_t    *lanes[TUPLE_MAX_WORDS]; /* words of the batch's tuples, one array a word */
    uint64_t    *hashes;      /* of the batch's tuples */
    int64_t     *integers;    /* of one register, by integers() */
    uint8_t     *null;
    bool         some_null;
    uint32_t    *index;       /* of the batch's lanes into the block's code array */
    uint16_t    *all, *fresh;
    spill_chain *chains;      /* per part: what of it is on disk; NULL: nothing */
    spill_chain **pair_chains; /* per DISTINCT, likewise */
    /* the block at hand */
    bool         decided, coded, by_code; /* keys are codes whose product has 32 bits; and index the states */
    uint32_t     radix[PACKED_MAX_KEYS];
    qn_dict     *dicts[PACKED_MAX_KEYS];
    void        *tables[PACKED_MAX_KEYS]; /* key fields by code; ids are filled in when first met */
    const qn_dict *table_dicts[PACKED_MAX_KEYS];
    uint64_t    *states;      /* code array: adds and maxima by code */
    size_t       states_bytes;
    uint32_t     product;
    uint32_t   **last;        /* per DISTINCT and value code: the group's index + 1 it was last seen with */
    const qn_dict **last_dicts;
    /* folding */
    uint64_t    *tuples;
    uint32_t    *heads;
    uint64_t     tuples_room, heads_room, tuple_count; /* words; entries; tuples */
    uint64_t    *best;        /* top-N: a heap of the largest counts this worker saw */
    uint64_t     best_count;
    bool         used_codes, used_rows;
    qn_arena     arena;       /* text that ids show */
} packed_local;

typedef struct packed_fixed packed_fixed; /* groups that LIMIT takes, known before rows are folded */

struct qn_packed {
    qn_mem          *mem;
    int              workers;
    const qn_table  *table;
    tuple_shape      shape;
    uint32_t         words;
    uint32_t         key_count;
    packed_key       keys[PACKED_MAX_KEYS];
    packed_field     rows;
    uint32_t         argument_count;
    packed_argument *arguments;
    int32_t         *agg_arguments; /* per aggregate, -1: none */
    int32_t         *agg_distinct;
    agg_state       *states;        /* per aggregate, at offset 0 */
    uint32_t         distinct_count;
    packed_distinct *distinct;
    uint32_t         first_row;     /* word, 0: not kept */
    uint32_t         map_count;
    id_map          *maps;
    uint64_t         map_budget;    /* bytes for a map; UINT64_MAX: no limit */
    uint64_t        *map_values;    /* ids in each, at most */
    bool            *map_known;     /* and about so many if all rows are folded */
    qn_latch         prepare_latch; /* of bits and maps, settled when the first rows have come through the filters */
    _Atomic bool     prepared;
    uint32_t         bits;          /* of the partition number */
    uint32_t         together;      /* 1 << together neighbouring parts are read as one */
    packed_local    *locals;
    const group_layout *layout;
    _Atomic uint64_t groups, floor;
    packed_fixed    *fixed;         /* NULL: all groups matter */
};

qn_status packed_layout(qn_exec *exec, qn_groups *g, const pipeline_state *pl, qn_packed *p, bool *fits, qn_error *err);

qn_status packed_local_parts(qn_packed *p, packed_local *l, qn_error *err);

/* packed_fixed.c.  finding: the first groups are being looked for, nothing is folded. */
bool      packed_fixed_finding(const qn_packed *p);
qn_status packed_fixed_note(qn_vm *vm, qn_packed *p, uint32_t n);
/* Of n lanes whose key words are in lanes[][], keep those of fixed groups: they move to the front, kept[] lists them. */
uint32_t  packed_fixed_keep(const qn_packed *p, packed_local *l, const uint16_t *lanes, uint16_t *kept, uint32_t n);
void      packed_fixed_free(packed_fixed *f);

/* packed_spill.c: give a worker's tuples to the disk if memory is short, pairs too unless others are reading them; read
 * those of a part back to `out`. */
qn_status packed_spill(qn_exec *exec, qn_packed *p, int worker, bool pairs, qn_error *err);
qn_status packed_read_back(qn_exec *exec, qn_packed *p, spill_chain *chain, uint32_t words, uint64_t *out, qn_error *err);
void      packed_chains_free(qn_packed *p, packed_local *l);

/* Add one tuple (key, adds, maxima words) to a worker's cache or partitions. */
bool packed_insert(tuple_cache *cache, tuple_parts *parts, const tuple_shape *shape, const uint64_t *tuple);
bool packed_cache_flush(tuple_cache *cache, tuple_parts *parts, const tuple_shape *shape);

#endif
