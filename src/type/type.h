/* SQL types, their physical representation, and single values.
 *
 * A SQL type is an id and a modifier, as in PostgreSQL.  Its values are stored in one of few physical
 * forms ("banks"): what differs between SQL types of one form comes from the opcode or the function.
 *
 *   bank       bytes  holds
 *   BOOL         1    boolean, 0 or 1
 *   I16 I32 I64 2 4 8 smallint; integer, date; bigint, time, timestamp, timestamptz
 *   F32 F64     4 8   real; double precision
 *   NUM         16    numeric: see type/numeric.h
 *   STR         16    text, varchar, char: qn_str, valid UTF-8 (char(n) is stored blank-padded)
 *   INTERVAL    16    qn_interval { micros, days, months }
 *   I128        16    accumulators only; no SQL type
 *
 * Dates count days and times microseconds from 2000-01-01 (UTC).  'infinity' and '-infinity' of date
 * and timestamps are the extreme values of the integer, as in PostgreSQL. */
#ifndef QN_TYPE_TYPE_H
#define QN_TYPE_TYPE_H

#include "base/str.h"
#include "quern.h"

typedef enum qn_bank {
    QN_BANK_NONE = 0,
    QN_BANK_BOOL,
    QN_BANK_I16,
    QN_BANK_I32,
    QN_BANK_I64,
    QN_BANK_F32,
    QN_BANK_F64,
    QN_BANK_NUM,
    QN_BANK_STR,
    QN_BANK_INTERVAL,
    QN_BANK_I128,
    QN_BANK_COUNT /* at most 16: four bits of the instruction's flags */
} qn_bank;

typedef __int128          qn_i128;
typedef unsigned __int128 qn_u128;

/* numeric: 16 bytes, laid out in type/numeric.h. */
typedef struct qn_numeric {
    uint64_t lo, hi;
} qn_numeric;

typedef union qn_datum {
    bool        b;
    int16_t     i16;
    int32_t     i32;
    int64_t     i64;
    float       f32;
    double      f64;
    qn_numeric  num;
    qn_str      str;
    qn_interval interval;
    qn_i128     i128;
    uint64_t    words[2];
} qn_datum;
_Static_assert(sizeof(qn_datum) == 16, "constants are 16-byte slots");

/* typmod as in PostgreSQL: -1 none; varchar(n)/char(n): n + 4; numeric(p,s): ((p << 16) | (s & 0x7ff)) + 4;
 * time/timestamp/interval(p): p in the low 16 bits (interval fields restriction in the high 16). */
typedef struct qn_type {
    uint8_t id; /* qn_sql_type */
    int32_t typmod;
} qn_type;

#define QN_TYPE(idname) ((qn_type){QN_TYPE_##idname, -1})

qn_bank     qn_type_bank(qn_sql_type id);
size_t      qn_bank_bytes(qn_bank bank);
const char *qn_bank_name(qn_bank bank);
/* The canonical name: "bigint", "timestamp without time zone", "character varying". */
const char *qn_type_name(qn_sql_type id);
/* With modifier: "numeric(10,2)", "character varying(255)". */
const char *qn_type_format(qn_type type, char *buffer, size_t bytes);
/* Type category as in pg_type.typcategory: 'N' number, 'S' string, 'D' date/time, 'T' timespan,
 * 'B' boolean, 'X' unknown; *preferred is typispreferred. */
char        qn_type_category(qn_sql_type id, bool *preferred);
/* A type's internal name ("int8", "timestamptz", "bpchar") or SQL name; false when unknown. */
bool        qn_type_lookup(const char *name, qn_sql_type *id);

/* What session settings a text conversion depends on. */
struct qn_timezone;
typedef struct qn_text_settings {
    const struct qn_timezone *zone; /* NULL: UTC */
    int  extra_float_digits;        /* 1: shortest exact, as PostgreSQL's default */
    int64_t now_micros;             /* transaction time since 2000-01-01 UTC: 'now', 'today' */
} qn_text_settings;

/* Text to value: PostgreSQL's input functions.  Result pieces live in arena.  22P02, 22003, 22007, …
 * typmod is applied (varchar(n) too long: 22001 unless the excess is blanks). */
qn_status qn_value_parse(qn_type type, const char *text, size_t bytes, const qn_text_settings *set,
                         qn_arena *arena, qn_datum *out, qn_error *err);
/* Fit a value to its type's modifier: varchar(n), char(n), numeric(p,s), fractional seconds.  An explicit cast
 * cuts text silently, an assignment raises 22001 unless only blanks are lost. */
qn_status qn_value_fit(qn_type type, bool is_explicit, const qn_datum *value, qn_arena *arena, qn_datum *out,
                       qn_error *err);
/* Value to text: PostgreSQL's output functions, appended to buf. */
void qn_value_print(qn_type type, const qn_datum *value, const qn_text_settings *set, qn_buf *buf);

/* Total order of non-NULL values as ORDER BY sees it (NaN greatest and equal to itself; -0 = 0;
 * numeric by value; char(n) ignoring trailing blanks; interval by its 30-day-month length). */
int  qn_value_compare(qn_sql_type id, const qn_datum *a, const qn_datum *b);
bool qn_value_equal(qn_sql_type id, const qn_datum *a, const qn_datum *b);
/* Identity for grouping and hashing: two values are SQL-equal iff their 128-bit identities are equal
 * (exactly for fixed-width types, by BLAKE3 for text and long numerics). */
void qn_value_identity(qn_sql_type id, const qn_datum *value, uint64_t identity[2]);
/* Order of stored forms: refines qn_value_compare so that only bit-identical forms are equal. */
int  qn_value_compare_stored(qn_sql_type id, const qn_datum *a, const qn_datum *b);
/* Copy a value so that it lives in arena; false when memory is refused. */
bool qn_value_copy(qn_bank bank, const qn_datum *value, qn_arena *arena, qn_datum *out);

/* Element access in an array of a bank. */
static inline void qn_bank_get(qn_bank bank, const void *array, size_t i, qn_datum *out)
{
    out->words[0] = out->words[1] = 0;
    switch (qn_bank_bytes(bank)) {
    case 1: out->b = ((const uint8_t *)array)[i] != 0; break;
    case 2: out->i16 = ((const int16_t *)array)[i]; break;
    case 4: memcpy(out, (const char *)array + i * 4, 4); break;
    case 8: memcpy(out, (const char *)array + i * 8, 8); break;
    default: memcpy(out, (const char *)array + i * 16, 16); break;
    }
}
static inline void qn_bank_set(qn_bank bank, void *array, size_t i, const qn_datum *v)
{
    size_t n = qn_bank_bytes(bank);
    memcpy((char *)array + i * n, v, n);
}

#endif
