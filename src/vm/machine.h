/* The inside of the machine, shared by the files of vm/: vectors, registers, scan state, group tables, sinks.
 *
 * A batch has n <= 2048 lanes.  `sel` lists the selected lanes ascending, or is NULL when all are.  Lanes outside
 * the selection hold garbage; operations that can fail look at selected lanes only. */
#ifndef QN_VM_MACHINE_H
#define QN_VM_MACHINE_H

#include "base/hash.h"
#include "base/thread.h"
#include "code/program.h"
#include "load/reader.h"
#include "store/block/block.h"
#include "vm/agg.h"
#include "vm/rows.h"
#include "vm/spill.h"
#include "vm/vm.h"

#define LANE_WORDS (QN_LANES / 64)
#define NO_BLOCK UINT32_MAX

/* ---- vectors --------------------------------------------------------------------------------- */

typedef enum qn_form {
    QN_FORM_FLAT,  /* data[lane], nulls bit per lane or NULL */
    QN_FORM_CONST, /* data[0]; nulls != NULL: NULL in every lane */
    QN_FORM_CODES, /* codes[lane] into dict */
    QN_FORM_SOURCE /* column `column` of the source, not computed yet: made flat for the lanes selected then */
} qn_form;

/* Values by code of one column of one block, or of a slot computed from it.  Filled when first needed. */
typedef struct qn_dict {
    qn_block       *block;
    uint32_t        block_index; /* in the table */
    uint32_t        column;
    uint8_t         type;        /* qn_sql_type of the values */
    uint8_t         bank;
    bool            computed;    /* a slot's results: values[] is complete, `block` only tells the source */
    uint32_t        count;       /* codes 0 … count */
    void           *values;      /* by code; NULL: not decoded */
    uint64_t       *nulls;       /* by code; NULL: only code 0 is NULL */
    const qn_hash128 *hashes;    /* STR: of code c at [c - 1], code 0 only if computed; NULL: not fetched */
    uint64_t       (*identities)[2]; /* by code, for keys of types that need two words; NULL: not made */
    uint64_t        demand;      /* lanes asked for one by one so far */
} qn_dict;

typedef struct qn_vec {
    uint8_t         form, bank;
    uint8_t         type; /* qn_sql_type where it is known (columns, keys), else UNKNOWN */
    bool            lazy; /* FLAT STR: slots may be lazy */
    bool            sequence; /* CODES: codes[i] = codes[0] + i, but lane 0 may be code 0 */
    const void     *data;
    const uint64_t *nulls;
    qn_dict        *dict;
    const uint32_t *codes;
    uint32_t        column; /* SOURCE */
    void           *own;  /* QN_LANES × 16 bytes; made when first needed */
    uint64_t       *own_nulls;
    uint32_t       *own_codes;
} qn_vec;

/* ---- scan ------------------------------------------------------------------------------------ */

typedef struct slot_state { /* a slot over the current block */
    bool       prepared;   /* results are in dict, or the filter's codes in set */
    bool       applied;    /* BLOCK_SELECT used it */
    bool       by_row;     /* this block evaluates per row */
    uint32_t   next, last; /* codes still to visit */
    uint32_t   batch_first;
    uint32_t   resume;     /* where SLOT_NEXT stands: an error continues there and finds the loop done */
    uint64_t  *chunks;     /* string chunks worth visiting, or NULL: all */
    qn_dict    dict;
    qn_codeset set;
} slot_state;

typedef struct qn_scan {
    const qn_table *table;
    uint32_t        block_index;
    qn_block       *block;
    uint32_t        rows;
    uint64_t        first_row;
    bool            all;       /* every row is selected; bits[] is not filled */
    bool            nothing;   /* some filter's set of codes is empty: the others need no search */
    uint64_t       *bits;      /* QN_BLOCK_ROWS bits */
    uint32_t        selected;
    uint32_t        cursor;
    qn_dict        *columns;   /* per table column; block NULL: untouched in this block */
    /* VALUES */
    uint32_t        value_column;
    bool            in_values, extremes;
    qn_codeset      value_set; /* codes that the filters left */
    uint32_t        value_next;
    uint32_t        weights[QN_LANES];
} qn_scan;

/* ---- groups ---------------------------------------------------------------------------------- */

typedef struct group_key {
    uint8_t  type, bank;
    uint8_t  words;       /* of identity: 1 or 2 */
    uint16_t identity;    /* offset in the row */
    uint16_t payload;     /* offset of a 16-byte value, 0: the identity is the value */
} group_key;

typedef struct group_layout {
    uint32_t   key_count, agg_count;
    group_key *keys;
    agg_state *aggs;      /* with offsets */
    uint32_t   nulls;     /* offset of the key null mask, one word per 64 keys */
    uint32_t   null_words;
    uint32_t   key_begin, key_end; /* bytes compared for equality: null mask and identities */
    uint32_t   first_row; /* offset, 0: not kept */
    uint32_t   row_bytes;
    bool       owns_memory;       /* some state has memory outside the row: see agg_release */
    bool       refers;            /* keys or states may refer to something outside the row */
    bool       has_text_extremes; /* min/max over text: resolved at block boundaries */
} group_layout;

#define BUFFER_CHUNK 256u /* rows a chunk of a partition's buffer holds */

/* Rows of fixed size in chunks, with an open-addressing index over their hashes. */
#define GROUP_CHUNK BUFFER_CHUNK /* pieces of one size: what partitions give back serves the merged tables */
typedef struct group_table {
    qn_mem   *mem;
    uint32_t  row_bytes;
    uint8_t **chunks;
    uint32_t  chunk_count, chunk_capacity;
    uint32_t  count;
    uint32_t *heads; /* row number + 1; 0: empty */
    uint32_t  mask;
} group_table;

static inline uint8_t *group_row(const group_table *t, uint32_t i)
{
    return t->chunks[i / GROUP_CHUNK] + (size_t)(i % GROUP_CHUNK) * t->row_bytes;
}
static inline uint64_t *group_hash(uint8_t *row) { return (uint64_t *)row; }

void      group_table_init(group_table *t, qn_mem *mem, uint32_t row_bytes);
void      group_table_deinit(group_table *t);
void      group_table_clear(group_table *t); /* keeps memory */
/* Find the row with this hash whose bytes begin…end equal key's, or append one (zeroed, hash and key bytes
 * copied).  *fresh tells.  NULL when memory is refused. */
uint8_t  *group_table_find(group_table *t, const uint8_t *key_row, uint32_t begin, uint32_t end, bool *fresh);
uint8_t  *group_table_lookup(const group_table *t, uint64_t hash, const uint8_t *key, uint32_t begin, uint32_t end);

#define GROUP_PARTITIONS 256u
#define GROUP_LOCAL_ROWS 32768u /* what a worker's table holds at most: about the cache */
static inline uint32_t group_partition(uint64_t hash) { return (uint32_t)(hash >> 56); }

typedef struct row_buffer { /* rows of fixed size in chunks, append only */
    uint8_t **chunks;
    uint32_t  chunk_count, chunk_capacity;
    uint64_t  count;
} row_buffer;

static inline uint8_t *buffer_row(const row_buffer *b, uint64_t i, uint32_t row_bytes)
{
    return b->chunks[i / BUFFER_CHUNK] + (size_t)(i % BUFFER_CHUNK) * row_bytes;
}
void buffer_free(row_buffer *b, qn_mem *mem, uint32_t row_bytes);

typedef struct distinct_layout { /* the set of (group, value) of one DISTINCT aggregate */
    uint32_t agg;
    uint32_t group_hash;          /* offset of the group's hash */
    uint32_t key_begin, key_end;  /* group key bytes copied from the group row */
    uint32_t value, value_words, value_null;
    uint32_t compare_end;
    uint32_t payload;             /* 16-byte value for sum and avg, 0: none */
    uint32_t row_bytes;
} distinct_layout;

typedef struct distinct_set { /* per worker and DISTINCT aggregate */
    spill_chain *chains; /* per partition: what went to disk; NULL: nothing */
    group_table table;
    row_buffer  parts[GROUP_PARTITIONS];
    bool        flushed;
    bool        direct;      /* the table removed next to no duplicates: rows go straight to parts */
    uint64_t    asked;       /* lanes looked up since the last spill */
    uint8_t   **last_group;  /* by code of the argument: the group it was last seen with in this block */
    uint32_t    last_count;  /* 0: not in use for this block */
    const void *last_dict;   /* whose codes those are */
} distinct_set;

/* One worker's side of an aggregation. */
typedef struct group_local {
    group_table   table;
    row_buffer    parts[GROUP_PARTITIONS];
    bool          flushed; /* something is in parts */
    bool          direct;  /* the table merged next to no rows: they go straight to parts */
    uint64_t      asked;   /* lanes looked up since the last spill */
    uint8_t     **memo;    /* group by code where states stay in the table (DISTINCT), or NULL */
    uint32_t      memo_count;
    uint8_t      *code_rows; /* code array: (product of codes) × row_bytes */
    size_t        code_bytes;
    uint32_t      code_count; /* 0: no code array for this block */
    uint32_t      code_radix[4];
    qn_dict      *code_dicts[4];
    bool          block_decided;
    qn_dict     **text_dicts; /* per aggregate: whose codes its min/max states hold */
    distinct_set *sets; /* per DISTINCT aggregate */
    qn_arena      arena; /* strings and other things states point to */
    uint8_t      *key_row; /* scratch row */
    bool          used_codes, used_hash;
    /* what went to disk, and the partition being read back: group_spill.c */
    spill_chain  *chains; /* per partition; NULL: nothing */
    bool          loading;
    group_table   loaded;
    qn_arena      loaded_arena, extent_arena;
    uint32_t      pass, passes;
} group_local;

/* An aggregation shared by the pipelines that feed it. */
typedef struct qn_groups {
    const qn_aggregation *plan;
    qn_mem               *mem;
    group_layout          layout;
    uint32_t              distinct_count;
    distinct_layout      *distinct;
    group_local          *locals; /* per worker */
    int                   workers;
    group_table           parts[GROUP_PARTITIONS]; /* merged */
    uint32_t              part_count;
    qn_latch              latch;
    uint64_t              total;
    qn_group_mode         mode;
    const qn_table       *table; /* whose blocks lazy text in the rows means */
    bool                  thresholded; /* only candidates for the top are folded */
    struct qn_packed     *packed; /* its groups are packed tuples (packed.h), or NULL: they are rows */
    qn_exec              *exec;
    uint32_t              local_rows; /* a worker's table is handed to the partitions beyond this */
    _Atomic bool          spilled;    /* partitions are on disk: each is merged when it is read */
    _Atomic uint64_t      loaded;     /* groups read back so far */
} qn_groups;

/* ---- output ---------------------------------------------------------------------------------- */

typedef struct output_segment {
    uint64_t morsel;
    uint32_t first_chunk, chunk_count;
} output_segment;

typedef struct output_local { /* per worker */
    qn_rows        *rows;
    output_segment *segments; /* without sort: which chunks belong to which morsel */
    uint32_t        segment_count, segment_capacity;
    bool            fresh_segment;
    struct sort_run *runs; /* with sort: what went to disk */
    uint32_t        run_count, run_capacity;
    uint64_t        emitted;
    bool            has_boundary; /* top-N: rows behind it cannot win */
    uint64_t        boundary;     /* prefix of the last row kept */
    uint64_t        boundary_tie;
    qn_datum        boundary_value; /* its first sort key, not NULL if boundary_known */
    bool            boundary_known;
    uint64_t        boundary_version; /* grows with each cut */
    uint64_t        code_version;     /* of the code limits below */
    const qn_dict  *code_dict;        /* the block's column they belong to */
    uint32_t        code_block;
    uint32_t        code_lo, code_hi; /* codes that may still win, besides 0 */
} output_local;

typedef struct qn_sink {
    const qn_output *plan;
    uint64_t         limit, offset; /* UINT64_MAX: none */
    uint64_t         keep;          /* limit + offset, UINT64_MAX: all */
    output_local    *locals;
    qn_rows         *result;
    qn_type         *types;
    _Atomic uint64_t early_tie;     /* LIMIT without ORDER BY: rows above it are not needed */
    _Atomic uint64_t failed_morsel; /* lowest so far whose rows raised an error, or UINT64_MAX */
} qn_sink;

typedef struct file_dict { /* FILE: a dictionary of the part that a cursor is on */
    uint64_t id;
    qn_dict *dict; /* NULL: none yet */
} file_dict;

/* ---- the machine ------------------------------------------------------------------------------ */

typedef struct qn_vm qn_vm;
typedef qn_status (*qn_handler)(qn_vm *vm, uint32_t w);

typedef struct in_set { /* constants of an IN list, NULLs apart, in order */
    uint32_t *order;
    uint32_t  count;
    bool      has_null;
} in_set;
void in_set_sort(in_set *set, qn_bank bank, const qn_datum *constants);

typedef struct pipeline_state { /* shared by workers */
    qn_exec                *exec;
    const qn_code_pipeline *code;
    qn_groups              *groups; /* the aggregation it feeds */
    qn_groups              *source_groups;
    qn_rows                *source_rows;
    qn_sink                *sink;
    const qn_table         *table;
    uint64_t                morsels;
    uint64_t                ns;
    uint64_t                bytes; /* of column sections that were read: qn_block_touched */
    qn_reader              *file;        /* FILE, while it runs */
    uint32_t               *file_places; /* column to vector of the cursor */
    struct qn_list_top      *top;      /* only candidates for the top are folded, or NULL */
    struct qn_list_distinct *distinct; /* value lists are counted as wholes, or NULL */
    bool                    owns_source_rows; /* made by system_rows_make */
} pipeline_state;

struct qn_exec {
    qn_env                 *env;
    qn_mem                  mem;
    qn_arena                arena;
    qn_sched               *sched;
    const qn_program       *program;
    const qn_snapshot      *snapshot;
    qn_exec_settings        settings;
    spill_file              spill;
    const qn_mem           *limiter;    /* whose limit is the strictest, or NULL: none */
    qn_datum               *constants;
    bool                   *constant_nulls;
    pipeline_state         *pipelines;
    qn_vm                  *main; /* runs the prologue; its arena holds computed constants */
    qn_vm                 **vms; /* per worker, made when it first takes part */
    int                     workers;
    qn_profile_entry       *profile;
    qn_latch                latch;
    const uint8_t         **call_types; /* per instruction */
    in_set                 *sets;       /* NULL while the prologue runs */
    uint64_t                trace_lines;
    uint64_t                seed;       /* of the workers' generators */
};

struct qn_vm {
    /* the loop */
    const qn_program       *program;
    const uint32_t         *code;
    uint32_t                pc, end, begin;
    const qn_handler       *const *tables; /* by bank */
    qn_error               *err;
    bool                    halted;
    uint32_t                calls[QN_MAX_CALL_DEPTH];
    uint32_t                call_depth;
    /* scalars */
    qn_datum               *stack; /* QN_MAX_STACK; the main range's machine only */
    bool                   *stack_nulls;
    uint32_t                depth;
    qn_datum               *constants;
    bool                   *constant_nulls;
    /* batch */
    qn_vec                 *regs;
    uint32_t                n;
    const uint16_t         *sel;
    uint32_t                sel_n;
    uint16_t               *sel_buffers[QN_MAX_SELECTIONS + 1]; /* narrowing at depth d writes buffer d; see vm_sel_buffer */
    struct { const uint16_t *sel; uint32_t n; } sel_stack[QN_MAX_SELECTIONS + 1];
    uint32_t                sel_depth;
    struct { /* see replay_batch() in dispatch.c */
        bool                armed, active; /* the batch may be taken again row by row; it is */
        bool                by_rows;       /* the block's values failed: its rows are read instead */
        bool                dense;         /* all lanes were selected at first, else */
        uint16_t           *lanes;         /* these */
        uint32_t            pc, n, sel_n, next;
        qn_error           *first;         /* what the whole batch raised */
        qn_arena_mark       mark;          /* of the batch arena */
    } replay;
    const uint32_t         *weights;       /* VALUES sources; NULL: 1 each */
    uint32_t                row_base;      /* batch = rows row_base … row_base+n-1 of the block, or */
    const uint32_t         *row_list;      /* these rows */
    uint32_t                row_list_buffer[QN_LANES];
    uint64_t                batch_first;   /* row number of lane 0 for sources without blocks */
    uint8_t                *compare_buffer;/* QN_LANES bytes */
    uint8_t               **groups;        /* group row of each lane, or */
    uint8_t                *single;        /* the one group of all lanes */
    uint64_t               *ties;          /* group sources: identity of each lane, else NULL */
    /* context */
    qn_exec                *exec;
    pipeline_state         *pl;
    int                     worker;
    uint64_t                morsel;
    uint64_t                source_cursor;
    bool                    source_started; /* GROUPS on disk: the morsel's partition has been loaded */
    uint8_t               **source_group_rows; /* GROUPS: row of each lane */
    uint64_t               *tie_buffer;
    qn_datum                series;        /* next value of a series */
    bool                    series_started, series_done;
    void                   *series_values;
    void                  **source_values; /* BUFFER: columns of the current batch */
    uint64_t              **source_nulls;
    qn_reader_cursor       *cursor;        /* FILE: kept from morsel to morsel */
    bool                    cursor_begun;  /* it is on this morsel's part */
    uint64_t                polled_ns;     /* when progress was last told within a part */
    qn_reader_vector       *file_vectors;
    file_dict              *file_dicts;    /* per vector: its dictionary, made when first met in a part */
    qn_scan                 scan;
    slot_state             *slots;
    uint32_t                guard_slot;    /* slot + 1 whose values are being evaluated: errors make it by_row */
    qn_mem                  mem; /* of this worker's arenas and scratch */
    qn_arena                batch, block, lasting; /* reset per batch, per block, at the end */
    qn_call                 call;
    void                  **call_caches;   /* per instruction */
    qn_random               random;
    qn_profile_entry       *profile;
    uint64_t                bytes_touched;
};

#define REG(vm, r) (&(vm)->regs[r])

/* Where a selection made at this depth goes: made when first needed (depth 0 at once), NULL when memory is refused. */
static inline uint16_t *vm_sel_buffer(qn_vm *vm, uint32_t depth)
{
    if (!vm->sel_buffers[depth])
        vm->sel_buffers[depth] = qn_arena_alloc(&vm->lasting, QN_LANES * sizeof(uint16_t));
    return vm->sel_buffers[depth];
}

/* Run `body` for each selected lane. */
#define FOR_LANES(vm, lane, ...)                                                                    \
    do {                                                                                            \
        if (!(vm)->sel) {                                                                           \
            for (uint32_t lane = 0; lane < (vm)->n; lane++) { __VA_ARGS__ }                         \
        } else {                                                                                    \
            for (uint32_t k_ = 0; k_ < (vm)->sel_n; k_++) {                                         \
                uint32_t lane = (vm)->sel[k_];                                                      \
                __VA_ARGS__                                                                         \
            }                                                                                       \
        }                                                                                           \
    } while (0)

static inline uint32_t vm_selected(const qn_vm *vm) { return vm->sel ? vm->sel_n : vm->n; }
static inline bool     bit_get(const uint64_t *bits, uint32_t i) { return bits && (bits[i / 64] >> (i % 64) & 1); }
static inline void     bit_set(uint64_t *bits, uint32_t i) { bits[i / 64] |= 1ull << (i % 64); }
static inline void     bits_set_range(uint64_t *bits, uint32_t first, uint32_t end) /* first … end-1 */
{
    for (; first < end && first % 64; first++)
        bit_set(bits, first);
    for (; first + 64 <= end; first += 64)
        bits[first / 64] = UINT64_MAX;
    for (; first < end; first++)
        bit_set(bits, first);
}

static inline bool     codeset_has(const qn_codeset *set, uint32_t code)
{
    return set->is_range ? code >= set->lo && code <= set->hi : bit_get(set->bits, code);
}

/* Whether a code means NULL: code 0, unless the values were computed (then any code may, and code 0 need not). */
static inline bool dict_null(const qn_dict *d, uint32_t code) { return d->nulls ? bit_get(d->nulls, code) : code == 0; }

/* vector.c */
bool      vec_own(qn_vm *vm, qn_vec *v);                 /* make own buffers; false: no memory */
qn_status vec_flat(qn_vm *vm, qn_vec *v);                /* FLAT or CONST; text resolved */
qn_status vec_flat_lazy(qn_vm *vm, qn_vec *v);           /* the same, text may stay lazy */
qn_status vec_ready(qn_vm *vm, qn_vec *v);               /* anything but SOURCE: vec_null works */
static inline bool vec_null(const qn_vec *v, uint32_t lane)
{
    return v->form == QN_FORM_CONST ? v->nulls != NULL
           : v->form == QN_FORM_FLAT ? bit_get(v->nulls, lane)
                                     : dict_null(v->dict, v->codes[lane]);
}
static inline void vec_get(const qn_vec *v, uint32_t lane, qn_datum *out) /* FLAT or CONST */
{
    qn_bank_get((qn_bank)v->bank, v->data, v->form == QN_FORM_CONST ? 0 : lane, out);
}
/* An own FLAT result that keeps the old values of lanes outside the selection. */
qn_status vec_result(qn_vm *vm, qn_vec *v, qn_bank bank);
/* Two operands of a register operation made flat, and the result's nulls: dst gets its own buffer, and own_nulls
 * holds the union of the operands' (vec_finish then installs them). */
typedef struct operands {
    const void *a, *b;
    uint32_t    sa, sb; /* 0: the same element in every lane */
    bool        any_null, all_null;
} operands;
qn_status vec_operands(qn_vm *vm, qn_vec *dst, qn_vec *src, operands *o);
void      vec_finish(qn_vec *dst, qn_bank bank, const operands *o);
qn_status dict_decode(qn_vm *vm, qn_dict *d);            /* all values */
qn_status dict_hashes(qn_vm *vm, qn_dict *d);
qn_status lazy_resolve(const qn_table *table, qn_str *slots, const uint64_t *nulls, const uint16_t *sel, uint32_t n,
                       qn_arena *arena, qn_error *err);

/* scan.c */
bool      replay_batch(qn_vm *vm);
/* exec.c */
qn_status exec_run_pipeline(qn_vm *vm, uint32_t w);
/* Rows that the pipeline reading this one's groups keeps by LIMIT and OFFSET; 0: all, or too many to count on. */
uint64_t  exec_rows_kept(const qn_exec *exec, const pipeline_state *pl);
qn_status exec_run_morsel(pipeline_state *pl, uint64_t morsel, qn_error *err); /* one of them, on the calling thread */
qn_status exec_run_morsels(qn_exec *exec, pipeline_state *pl, qn_error *err); /* the pipeline's range over all of them */
/* Row id within the table (or row number of the source) of a lane. */
static inline uint64_t vm_row_id(const qn_vm *vm, uint32_t lane)
{
    if (!vm->scan.block)
        return vm->batch_first + lane;
    return vm->scan.first_row + (vm->row_list ? vm->row_list[lane] : vm->row_base + lane);
}
/* What tells rows apart that nothing else orders: the row id; rows of groups come in no order of their own and have
 * their group's identity. */
static inline uint64_t vm_tie(const qn_vm *vm, uint32_t lane) { return vm->ties ? vm->ties[lane] : vm_row_id(vm, lane); }
static inline bool     pipeline_is_loose(const pipeline_state *pl)
{
    return pl->source_groups || (pl->source_rows && pl->source_rows->loose);
}
/* The table whose blocks lazy text of the current batch means. */
const qn_table *source_table(const qn_vm *vm);
/* scan.c */
/* Keep the block's rows whose code of `column` is in the set; *none: none is left. */
qn_status scan_select(qn_vm *vm, uint32_t column, const qn_codeset *set, bool *none);
qn_dict  *scan_column(qn_vm *vm, uint32_t column);
qn_status scan_load(qn_vm *vm, qn_vec *v, uint32_t column);
void      scan_fill_bits(qn_scan *scan); /* every row's bit, instead of `all` */
qn_status slot_prune(qn_vm *vm, uint32_t w); /* prune.c: of SLOT_PRUNE */
qn_status block_top(qn_vm *vm, uint32_t w); /* top.c: the handler of BLOCK_TOP */
/* source.c */
qn_status source_prepare(qn_exec *exec, pipeline_state *pl, qn_error *err); /* counts morsels */
qn_status system_rows_make(qn_exec *exec, pipeline_state *pl, qn_error *err); /* fills pl->source_rows */
qn_status source_next(qn_vm *vm, bool *more);
qn_status source_load(qn_vm *vm, qn_vec *v, uint32_t column);
/* source_file.c */
qn_status source_file_prepare(qn_exec *exec, pipeline_state *pl, qn_error *err);
uint64_t  source_file_rows(const pipeline_state *pl); /* about */
void      source_file_finish(qn_exec *exec, pipeline_state *pl); /* no worker is at work any more */
qn_status source_file_next(qn_vm *vm);                   /* sets vm->n, 0 at the end of the part */
qn_status source_file_load(qn_vm *vm, qn_vec *v, uint32_t column);
/* source.c */
qn_status source_compute(qn_vm *vm, qn_vec *v);          /* SOURCE to FLAT for the selected lanes */
/* Select `lanes` until selection_end; what is made flat meanwhile is right for the outer selection too. */
static inline void selection_begin(qn_vm *vm, const uint16_t *lanes, uint32_t n)
{
    vm->sel_stack[vm->sel_depth].sel = vm->sel;
    vm->sel_stack[vm->sel_depth++].n = vm->sel_n;
    vm->sel = lanes;
    vm->sel_n = n;
}
static inline void selection_end(qn_vm *vm)
{
    vm->sel_depth--;
    vm->sel = vm->sel_stack[vm->sel_depth].sel;
    vm->sel_n = vm->sel_stack[vm->sel_depth].n;
}
/* groups.c */
qn_status groups_new(qn_exec *exec, const qn_pipeline *plan, const pipeline_state *pl, qn_groups **out, qn_error *err);
void      groups_free(qn_groups *g);
/* Fold a batch: keys in registers first …, then one register per aggregate (any where it has no argument). */
qn_status groups_fold(qn_vm *vm, qn_groups *g, uint32_t first);
uint64_t  groups_hash(const uint8_t *key, uint32_t bytes); /* of null mask and identities */
/* Identities of the selected lanes at keys + lane × stride, 1 or 2 words each; NULLs have 0. */
qn_status groups_identities(qn_vm *vm, qn_vec *v, qn_sql_type type, uint32_t words, uint8_t *keys, uint32_t stride);
/* Without keys: so much more for a count. */
qn_status groups_add_count(qn_groups *g, uint32_t agg, uint64_t count, qn_error *err);
void      groups_begin_block(qn_groups *g, int worker);
qn_status groups_find(qn_vm *vm, qn_groups *g, uint32_t first_key, uint32_t count);
qn_status groups_distinct(qn_vm *vm, qn_groups *g, uint32_t agg, qn_vec *v);
qn_status groups_flush_block(qn_vm *vm, qn_groups *g);
qn_status groups_merge(qn_exec *exec, qn_groups *g, qn_error *err);
qn_status groups_merge_row(qn_groups *g, group_table *t, uint8_t *from, qn_arena *arena, qn_error *err);
void      groups_release_row(const qn_groups *g, uint8_t *row);
void      groups_release_table(const qn_groups *g, const group_table *t);
/* exec.c: the budget; see spill.c */
bool      exec_over_budget(const qn_exec *exec);
bool      exec_would_exceed(const qn_exec *exec, uint64_t more_bytes);
uint64_t  exec_budget(const qn_exec *exec); /* bytes in use beyond which to spill; UINT64_MAX: no limit */
uint64_t  exec_share(const qn_exec *exec);  /* what one worker may still take for something that it soon gives back */
/* group_spill.c */
bool      groups_can_spill(const qn_exec *exec, const qn_groups *g);
qn_status groups_spill_local(qn_exec *exec, qn_groups *g, int worker, qn_error *err); /* all of a worker's rows to disk */
qn_status groups_spill_finish(qn_exec *exec, qn_groups *g, qn_error *err); /* of all workers, at the breaker */
/* Merge one partition for a worker, which drops what it had: locals[].loaded.  With locals[].passes > 1 those with the
 * pass's hash bits only. */
qn_status groups_load(qn_exec *exec, qn_groups *g, int worker, uint32_t part, uint32_t pass, qn_error *err);
void      groups_unload(qn_groups *g, int worker);
/* A partition too large for memory is read in passes, each taking the rows with its value of some hash bits. */
typedef struct spill_pass {
    uint32_t number, count; /* a power of two */
    uint32_t group_hash;    /* of pairs: the offset of their group's hash, which `of_groups` looks at */
    const struct spill_pass *of_groups;
} spill_pass;
#define SPILL_PASS_SHIFT 40 /* bits below those of the partition; tables use the lowest ones */
extern const spill_pass spill_one_pass;
static inline bool spill_pass_wants(const spill_pass *p, uint64_t hash)
{
    return ((hash >> SPILL_PASS_SHIFT) & (p->count - 1)) == p->number;
}
/* Rows do better to go to disk than to these partition buffers. */
static inline bool spill_instead(const qn_exec *exec, const row_buffer *parts, uint32_t row_bytes)
{
    /* the buffers begin with a chunk each */
    uint64_t first = parts[0].chunk_count ? 0 : (uint64_t)GROUP_PARTITIONS * BUFFER_CHUNK * row_bytes;
    return exec_over_budget(exec) || first > exec_share(exec);
}
typedef qn_status (*pair_fn)(const qn_groups *g, uint32_t d, group_table *unique, const uint8_t *pair, qn_error *err);
bool      groups_set_to_disk(const qn_exec *exec, const qn_groups *g, const distinct_layout *layout, const distinct_set *set);
qn_status groups_spill_set(qn_exec *exec, qn_groups *g, int worker, uint32_t d, qn_error *err);
uint32_t  groups_pair_passes(const qn_groups *g, uint32_t d, uint32_t part, uint32_t group_passes);
qn_status groups_read_pairs(qn_groups *g, uint32_t d, const spill_chain *chain, const spill_pass *pass, group_table *unique,
                            qn_arena *arena, pair_fn fn, qn_error *err);
qn_status groups_fold_distinct(qn_groups *g, uint32_t d, uint32_t part, group_table *groups, const spill_pass *of_groups, qn_arena *arena,
                               qn_error *err);
uint64_t  exec_left(const qn_exec *exec);   /* what may be taken at once, to the last eighth of the limit */
bool      exec_fits(const qn_exec *exec, uint64_t bytes); /* a worker may hold so much by value of a block */
/* sink.c */
qn_status sink_new(qn_exec *exec, const qn_code_pipeline *cp, qn_sink **out, qn_error *err);
void      sink_free(qn_sink *s, qn_mem *mem);
qn_status sink_emit(qn_vm *vm, qn_sink *s, uint32_t first, uint32_t count);
/* This worker has put out all that LIMIT can take of its rows, whatever comes after them. */
bool      sink_is_full(const qn_vm *vm, const qn_sink *s);
bool      sink_takes_first_rows(const qn_vm *vm, const qn_sink *s); /* LIMIT in the order of the source */
bool      sink_had_enough(const qn_exec *exec, const qn_sink *s);   /* before the rows that failed */
/* The first sort key of the last row that this worker will keep of those it holds, NULL while it holds too few or the
 * key is NULL: rows behind it lose. */
qn_status sink_last(qn_vm *vm, qn_sink *s, const qn_datum **last);
qn_status sink_finish(qn_exec *exec, qn_sink *s, qn_error *err);
void      sink_abandon(qn_exec *exec, qn_sink *s); /* after an error: frees what the workers hold */
/* dispatch.c */
const qn_handler *const *dispatch_tables(qn_dispatch_mode mode);
qn_status                dispatch_run(qn_vm *vm, uint32_t begin, uint32_t end);
void                     dispatch_register_all(qn_handler (*tables)[256]);
void register_control(qn_handler (*tables)[256]);
void register_load(qn_handler (*tables)[256]);
void register_arithmetic(qn_handler (*tables)[256]);
void register_comparison(qn_handler (*tables)[256]);
void register_logical(qn_handler (*tables)[256]);
void register_aggregation(qn_handler (*tables)[256]);
void register_batch(qn_handler (*tables)[256]);
void register_calls(qn_handler (*tables)[256]);
void register_pipeline(qn_handler (*tables)[256]);
/* The same handler in every bank. */
static inline void register_op(qn_handler (*tables)[256], int op, qn_handler h)
{
    for (int b = 0; b < QN_BANK_COUNT; b++)
        tables[b][op] = h;
}

#endif
