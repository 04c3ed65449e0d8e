/* Time zones: TZif files (RFC 8536), POSIX TZ rules, abbreviations, and the process-wide cache.
 *
 * A zone is a sorted array of transitions, each naming the local time type from there on, followed by a
 * rule (the file's footer, or a POSIX string that is the whole zone) that goes on for ever.  Questions
 * beyond the array are answered from the rule, year by year; nothing is expanded in advance.
 *
 * Invariants
 *   - A zone never changes after it is published; its bytes are one allocation.
 *   - The cache only grows, up to CACHE_LIMIT zones.  Readers follow the bucket's list without a latch:
 *     the release store of a bucket's head pairs with the acquire load of every reader.  Two threads may
 *     load the same zone at once; both copies are good and both stay.
 *
 * Not here: leap seconds.  Files that list any are treated as absent. */
#include "type/timezone.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include "base/assert.h"
#include "base/hash.h"
#include "os/vfs.h"
#include "type/datetime.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define CACHE_LIMIT 4096
#define NAME_LIMIT 255
#define ABBREVIATION_LIMIT 47

typedef struct zone_type {
    int32_t offset;
    bool    dst;
    uint8_t abbreviation; /* byte offset in the zone's characters */
} zone_type;

/* One of the two yearly changes of a POSIX rule. */
typedef struct zone_change {
    char    kind; /* 'J' Julian day without 29 February, 'N' day of year from 0, 'M' month.week.day */
    int     month, week, day;
    int32_t time; /* seconds after local midnight; may be negative or beyond a day */
} zone_change;

typedef struct zone_rule {
    bool        present, has_dst;
    int32_t     offset, dst_offset;
    char        name[ABBREVIATION_LIMIT + 1], dst_name[ABBREVIATION_LIMIT + 1];
    zone_change start, end; /* of daylight saving time */
} zone_rule;

struct qn_timezone {
    struct qn_timezone *next; /* in its bucket; set before publication */
    char             name[NAME_LIMIT + 1]; /* canonical spelling */
    char             key[NAME_LIMIT + 1];  /* lower case, as looked up */
    uint32_t         transition_count, type_count, char_count;
    const int64_t   *at;
    const uint8_t   *type_of;
    const zone_type *types;
    const char      *chars;
    zone_rule        rule;
};

/* ---- rules --------------------------------------------------------------------------------- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static char to_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static bool rule_name(const char **p, char *out)
{
    const char *s = *p;
    size_t      n = 0;
    bool        quoted = *s == '<';
    if (quoted)
        s++;
    while (*s && (quoted ? *s != '>' : !is_digit(*s) && *s != ',' && *s != '-' && *s != '+')) {
        if (n >= ABBREVIATION_LIMIT)
            return false;
        out[n++] = *s++;
    }
    out[n] = '\0';
    if (quoted && *s++ != '>')
        return false;
    *p = s;
    return true;
}
static bool rule_number(const char **p, int min, int max, int *out)
{
    int v = 0;
    if (!is_digit(**p))
        return false;
    while (is_digit(**p)) {
        v = v * 10 + (*(*p)++ - '0');
        if (v > max)
            return false;
    }
    *out = v;
    return v >= min;
}
static bool rule_seconds(const char **p, int32_t *out)
{
    int  h, m = 0, s = 0;
    bool negative = **p == '-';
    if (**p == '-' || **p == '+')
        (*p)++;
    if (!rule_number(p, 0, 24 * 7 - 1, &h))
        return false;
    if (**p == ':') {
        (*p)++;
        if (!rule_number(p, 0, 59, &m))
            return false;
        if (**p == ':') {
            (*p)++;
            if (!rule_number(p, 0, 60, &s))
                return false;
        }
    }
    *out = (h * 3600 + m * 60 + s) * (negative ? -1 : 1);
    return true;
}
static bool rule_change(const char **p, zone_change *out)
{
    memset(out, 0, sizeof *out);
    if (**p == 'M') {
        (*p)++;
        out->kind = 'M';
        if (!rule_number(p, 1, 12, &out->month) || *(*p)++ != '.' || !rule_number(p, 1, 5, &out->week) ||
            *(*p)++ != '.' || !rule_number(p, 0, 6, &out->day))
            return false;
    } else if (**p == 'J') {
        (*p)++;
        out->kind = 'J';
        if (!rule_number(p, 1, 365, &out->day))
            return false;
    } else {
        out->kind = 'N';
        if (!rule_number(p, 0, 365, &out->day))
            return false;
    }
    out->time = 7200;
    if (**p == '/') {
        (*p)++;
        return rule_seconds(p, &out->time);
    }
    return true;
}

/* std offset [dst [offset] [,start,end]]; POSIX counts offsets west of Greenwich. */
static bool rule_parse(const char *s, zone_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    if (!rule_name(&s, rule->name) || !*s || !rule_seconds(&s, &rule->offset))
        return false;
    rule->offset = -rule->offset;
    rule->present = true;
    if (!*s)
        return true;
    if (!rule_name(&s, rule->dst_name) || !rule->dst_name[0])
        return false;
    rule->has_dst = true;
    rule->dst_offset = rule->offset + 3600;
    if (*s && *s != ',' && *s != ';') {
        if (!rule_seconds(&s, &rule->dst_offset))
            return false;
        rule->dst_offset = -rule->dst_offset;
    }
    if (!*s)
        s = ",M3.2.0,M11.1.0"; /* what the United States do, as everybody takes it */
    if (*s != ',' && *s != ';')
        return false;
    s++;
    if (!rule_change(&s, &rule->start) || *s++ != ',' || !rule_change(&s, &rule->end))
        return false;
    return *s == '\0';
}

/* The instant of a yearly change; `offset` applies before it. */
static int64_t change_at(const zone_change *c, int64_t year, int32_t offset)
{
    int64_t day;
    if (c->kind == 'M') {
        int64_t first = qn_days_from_civil(year, c->month, 1);
        int     skip = (c->day - qn_day_of_week(first) + 7) % 7 + (c->week - 1) * 7;
        while (skip >= qn_days_in_month(year, c->month))
            skip -= 7;
        day = first + skip;
    } else {
        day = qn_days_from_civil(year, 1, 1) + c->day;
        if (c->kind == 'J' && (c->day < 60 || qn_days_in_month(year, 2) == 28))
            day--;
    }
    return day * 86400 + QN_EPOCH_UNIX + c->time - offset;
}

static qn_zone_moment rule_moment(const zone_rule *r, bool dst)
{
    return dst ? (qn_zone_moment){r->dst_offset, true, r->dst_name}
               : (qn_zone_moment){r->offset, false, r->name};
}
static int64_t rule_year(const zone_rule *r, int64_t seconds)
{
    int64_t year, local = seconds - QN_EPOCH_UNIX + r->offset;
    int     month, day;
    qn_civil_from_days(local >= 0 ? local / 86400 : -((86399 - local) / 86400), &year, &month, &day);
    return year;
}
/* The last change at or before the instant and the first after it. */
static qn_zone_moment rule_at(const zone_rule *r, int64_t seconds, int64_t *next, bool *next_dst)
{
    bool    dst = false;
    int64_t last = INT64_MIN, first = INT64_MAX, year;
    if (!r->has_dst) {
        *next = INT64_MAX;
        return rule_moment(r, false);
    }
    year = rule_year(r, seconds);
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t change[2] = {change_at(&r->end, y, r->dst_offset), change_at(&r->start, y, r->offset)};
        for (int to_dst = 0; to_dst < 2; to_dst++) {
            if (change[to_dst] <= seconds && change[to_dst] >= last) {
                last = change[to_dst];
                dst = to_dst;
            }
            if (change[to_dst] > seconds && change[to_dst] < first) {
                first = change[to_dst];
                *next_dst = to_dst;
            }
        }
    }
    *next = first;
    return rule_moment(r, dst);
}

/* ---- questions ------------------------------------------------------------------------------ */

static qn_zone_moment type_moment(const qn_timezone *z, uint32_t type)
{
    const zone_type *t = &z->types[type];
    return (qn_zone_moment){t->offset, t->dst, z->chars + t->abbreviation};
}
/* Index of the first transition after the instant. */
static uint32_t transition_after(const qn_timezone *z, int64_t seconds)
{
    uint32_t lo = 0, hi = z->transition_count;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (z->at[mid] > seconds)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}
/* What applies now, and from *next on (INT64_MAX: never) something else. */
static qn_zone_moment zone_at(const qn_timezone *z, int64_t seconds, int64_t *next, qn_zone_moment *then)
{
    bool     next_dst = false;
    uint32_t i = transition_after(z, seconds);
    if (i < z->transition_count) {
        *next = z->at[i];
        *then = type_moment(z, z->type_of[i]);
        return type_moment(z, i ? z->type_of[i - 1] : 0);
    }
    if (!z->rule.present) {
        *next = INT64_MAX;
        return type_moment(z, i ? z->type_of[i - 1] : 0);
    }
    qn_zone_moment now = rule_at(&z->rule, seconds, next, &next_dst);
    *then = rule_moment(&z->rule, next_dst);
    return now;
}

static const qn_zone_moment utc_moment = {0, false, "UTC"};

qn_zone_moment qn_timezone_at(const qn_timezone *zone, int64_t seconds)
{
    int64_t        next;
    qn_zone_moment then;
    return zone ? zone_at(zone, seconds, &next, &then) : utc_moment;
}

qn_zone_moment qn_timezone_at_local(const qn_timezone *zone, int64_t local_seconds)
{
    int64_t        boundary;
    qn_zone_moment before, after;
    if (!zone)
        return utc_moment;
    /* Offsets stay under a day, and changes lie further apart than two: the first change after
     * yesterday is the only one that can matter. */
    before = zone_at(zone, local_seconds - 86400, &boundary, &after);
    if (boundary == INT64_MAX)
        return before;
    int64_t by_before = local_seconds - before.offset, by_after = local_seconds - after.offset;
    if (by_before < boundary && by_after < boundary)
        return before;
    if (by_before > boundary && by_after >= boundary)
        return after;
    return by_before > by_after ? before : after;
}

bool qn_timezone_fixed(const qn_timezone *zone, int32_t *offset)
{
    *offset = 0;
    if (!zone)
        return true;
    if (!zone->type_count) {
        *offset = zone->rule.offset;
        return !zone->rule.has_dst;
    }
    *offset = zone->types[0].offset;
    for (uint32_t i = 1; i < zone->type_count; i++) {
        if (zone->types[i].offset != *offset)
            return false;
    }
    return true;
}

bool qn_timezone_abbreviation(const qn_timezone *zone, const char *abbreviation, int64_t seconds,
                              int32_t *offset, bool *dst)
{
    if (!zone)
        return false;
    uint32_t cut = transition_after(zone, seconds);
    for (uint32_t n = 0; n < zone->transition_count; n++) {
        uint32_t         i = n < cut ? cut - 1 - n : n;
        const zone_type *t = &zone->types[zone->type_of[i]];
        if (strcmp(zone->chars + t->abbreviation, abbreviation) == 0) {
            *offset = t->offset;
            *dst = t->dst;
            return true;
        }
    }
    return false;
}

const char *qn_timezone_name(const qn_timezone *zone) { return zone ? zone->name : "UTC"; }

/* ---- loading ------------------------------------------------------------------------------- */

static uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static int64_t get_time(const uint8_t *p, size_t width)
{
    if (width == 4)
        return (int32_t)get_u32(p);
    return (int64_t)((uint64_t)get_u32(p) << 32 | get_u32(p + 4));
}

typedef struct tzif_header {
    uint32_t ut_count, std_count, leap_count, time_count, type_count, char_count;
} tzif_header;

static bool tzif_header_read(const uint8_t *p, size_t bytes, tzif_header *h)
{
    if (bytes < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    h->ut_count = get_u32(p + 20);
    h->std_count = get_u32(p + 24);
    h->leap_count = get_u32(p + 28);
    h->time_count = get_u32(p + 32);
    h->type_count = get_u32(p + 36);
    h->char_count = get_u32(p + 40);
    return h->time_count <= 4096 && h->type_count >= 1 && h->type_count <= 256 && h->char_count >= 1 &&
           h->char_count <= 256 && h->leap_count <= 256 && h->ut_count <= 256 && h->std_count <= 256;
}
static size_t tzif_body_bytes(const tzif_header *h, size_t width)
{
    return h->time_count * (width + 1) + h->type_count * 6 + h->char_count + h->leap_count * (width + 4) +
           h->std_count + h->ut_count;
}

/* Read a TZif file's bytes.  *zone stays NULL when they are not a usable file. */
static qn_status tzif_read(qn_mem *mem, const uint8_t *p, size_t bytes, qn_timezone **zone, qn_error *err)
{
    tzif_header h;
    size_t      width = 4;
    if (!tzif_header_read(p, bytes, &h))
        return QN_OK;
    if (p[4] >= '2') {
        size_t skip = 44 + tzif_body_bytes(&h, 4);
        if (skip > bytes || !tzif_header_read(p + skip, bytes - skip, &h))
            return QN_OK;
        p += skip;
        bytes -= skip;
        width = 8;
    }
    size_t body = tzif_body_bytes(&h, width);
    if (bytes - 44 < body || h.leap_count)
        return QN_OK;

    size_t at_bytes = h.time_count * sizeof(int64_t), type_bytes = h.type_count * sizeof(zone_type);
    size_t total = sizeof(qn_timezone) + at_bytes + type_bytes + h.time_count + h.char_count + 1;
    char  *block = qn_alloc0(mem, total);
    if (!block)
        return qn_nomem(err);
    qn_timezone *z = (qn_timezone *)block;
    int64_t     *at = (int64_t *)(block + sizeof *z);
    zone_type   *types = (zone_type *)(block + sizeof *z + at_bytes);
    uint8_t     *type_of = (uint8_t *)types + type_bytes;
    char        *chars = (char *)type_of + h.time_count;
    const uint8_t *q = p + 44;
    bool           good = true;
    for (uint32_t i = 0; i < h.time_count; i++) {
        at[i] = get_time(q + i * width, width);
        good = good && (i == 0 || at[i] > at[i - 1]);
    }
    q += h.time_count * width;
    for (uint32_t i = 0; i < h.time_count; i++) {
        type_of[i] = q[i];
        good = good && q[i] < h.type_count;
    }
    q += h.time_count;
    for (uint32_t i = 0; i < h.type_count; i++, q += 6) {
        types[i] = (zone_type){(int32_t)get_u32(q), q[4] != 0, q[5]};
        good = good && types[i].offset > -90000 && types[i].offset < 94000 && q[5] < h.char_count;
    }
    memcpy(chars, q, h.char_count); /* the zero behind them ends the last abbreviation */
    z->transition_count = h.time_count;
    z->type_count = h.type_count;
    z->char_count = h.char_count;
    z->at = at;
    z->types = types;
    z->type_of = type_of;
    z->chars = chars;
    if (width == 8) { /* the footer: newline, rule, newline */
        const char *footer = (const char *)p + 44 + body;
        size_t      left = bytes - 44 - body;
        char        text[256];
        const char *end = left > 2 ? memchr(footer + 1, '\n', left - 1) : NULL;
        if (end && end - footer - 1 > 0 && (size_t)(end - footer) <= sizeof text) {
            memcpy(text, footer + 1, (size_t)(end - footer - 1));
            text[end - footer - 1] = '\0';
            if (!rule_parse(text, &z->rule))
                z->rule.present = false;
        }
    }
    if (!good) {
        qn_free(mem, block, total);
        return QN_OK;
    }
    *zone = z;
    return QN_OK;
}

typedef struct name_search {
    const char *wanted; /* one path component, any case */
    size_t      bytes;
    char        found[NAME_LIMIT + 1];
    bool        hit;
} name_search;

static bool same_ci(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (to_lower(a[i]) != to_lower(b[i]))
            return false;
    }
    return true;
}
static bool search_name(void *arg, const char *name)
{
    name_search *s = arg;
    if (strlen(name) == s->bytes && same_ci(name, s->wanted, s->bytes)) {
        memcpy(s->found, name, s->bytes + 1);
        s->hit = true;
        return false;
    }
    return true;
}

/* Find the file's spelling component by component: names are matched in any case. */
static bool canonical_name(qn_vfs *vfs, const char *name, char *canonical)
{
    char   path[sizeof ZONE_DIRECTORY + NAME_LIMIT + 2] = ZONE_DIRECTORY;
    size_t path_bytes = strlen(path), out = 0;
    while (*name) {
        name_search search = {.wanted = name, .bytes = strcspn(name, "/")};
        if (search.bytes == 0 || search.bytes > NAME_LIMIT || name[0] == '.')
            return false;
        if (vfs->list(vfs, path, search_name, &search, NULL) != QN_OK || !search.hit)
            return false;
        path[path_bytes++] = '/';
        memcpy(path + path_bytes, search.found, search.bytes + 1);
        path_bytes += search.bytes;
        if (out)
            canonical[out++] = '/';
        memcpy(canonical + out, search.found, search.bytes + 1);
        out += search.bytes;
        name += search.bytes;
        if (*name == '/' && !*++name)
            return false;
    }
    return out > 0;
}

static qn_status zone_from_file(qn_vfs *vfs, qn_mem *mem, const char *key, qn_timezone **zone, qn_error *err)
{
    char      canonical[NAME_LIMIT + 1], path[sizeof ZONE_DIRECTORY + NAME_LIMIT + 2];
    void     *data = NULL;
    size_t    bytes = 0;
    qn_stat   info;
    qn_error  local = {0};
    if (!canonical_name(vfs, key, canonical))
        return QN_OK;
    snprintf(path, sizeof path, "%s/%s", ZONE_DIRECTORY, canonical);
    if (vfs->stat(vfs, path, &info, NULL) != QN_OK || !info.is_regular)
        return QN_OK;
    qn_status st = qn_vfs_read_file(vfs, path, mem, 1 << 20, &data, &bytes, &local);
    if (st != QN_OK)
        return st == QN_NOMEM ? qn_nomem(err) : QN_OK;
    st = tzif_read(mem, data, bytes, zone, err);
    qn_free(mem, data, bytes + 1);
    if (*zone)
        memcpy((*zone)->name, canonical, strlen(canonical) + 1);
    return st;
}

/* Names without digits or signs cannot be rules: "foo" is an unknown zone, "foo+3" a known one. */
static qn_status zone_from_rule(qn_mem *mem, const char *name, qn_timezone **zone, qn_error *err)
{
    zone_rule rule;
    if (!rule_parse(name, &rule))
        return QN_OK;
    qn_timezone *z = qn_alloc0(mem, sizeof *z);
    if (!z)
        return qn_nomem(err);
    z->rule = rule;
    snprintf(z->name, sizeof z->name, "%s", name);
    *zone = z;
    return QN_OK;
}

/* ---- cache --------------------------------------------------------------------------------- */

static struct {
    pthread_once_t       once;
    qn_mem               mem;
    _Atomic uint32_t     count;
    _Atomic(qn_timezone *) buckets[256];
} cache = {.once = PTHREAD_ONCE_INIT};

static void cache_start(void) { qn_mem_init(&cache.mem, NULL, 64u << 20); }

qn_status qn_timezone_find(struct qn_vfs *vfs, const char *name, size_t bytes, const qn_timezone **zone,
                           qn_error *err)
{
    char         key[NAME_LIMIT + 1], exact[NAME_LIMIT + 1];
    qn_timezone *z = NULL;
    *zone = NULL;
    if (bytes == 0 || bytes > NAME_LIMIT || memchr(name, '\0', bytes))
        return QN_OK;
    memcpy(exact, name, bytes);
    exact[bytes] = '\0';
    for (size_t i = 0; i <= bytes; i++)
        key[i] = to_lower(exact[i]);
    pthread_once(&cache.once, cache_start);

    _Atomic(qn_timezone *) *bucket = &cache.buckets[qn_hash64(key, bytes, 0) & 255];
    for (z = atomic_load_explicit(bucket, memory_order_acquire); z; z = z->next) {
        if (strcmp(z->key, key) == 0) {
            *zone = z;
            return QN_OK;
        }
    }
    if (atomic_load_explicit(&cache.count, memory_order_relaxed) >= CACHE_LIMIT)
        return qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "too many different time zones (limit %d)",
                       CACHE_LIMIT);
    /* UTC and GMT work on a machine without zone files. */
    qn_status st = strcmp(key, "utc") == 0   ? zone_from_rule(&cache.mem, "UTC0", &z, err)
                   : strcmp(key, "gmt") == 0 ? zone_from_rule(&cache.mem, "GMT0", &z, err)
                                             : zone_from_file(vfs ? vfs : qn_vfs_posix(), &cache.mem, key, &z, err);
    if (st == QN_OK && !z)
        st = zone_from_rule(&cache.mem, exact, &z, err);
    if (st != QN_OK || !z)
        return st;
    if (z->name[3] == '0' && bytes == 3)
        z->name[3] = '\0';
    memcpy(z->key, key, bytes + 1);
    atomic_fetch_add_explicit(&cache.count, 1, memory_order_relaxed);
    z->next = atomic_load_explicit(bucket, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(bucket, &z->next, z, memory_order_release,
                                                  memory_order_relaxed)) {
    }
    *zone = z;
    return QN_OK;
}

/* ---- abbreviations -------------------------------------------------------------------------- */

/* The abbreviations that PostgreSQL's default set accepts.  Sorted. */
static const qn_abbreviation abbreviations[] = {
    {"acdt", 37800, true, NULL}, {"acsst", 37800, true, NULL}, {"acst", 34200, false, NULL},
    {"act", -18000, false, NULL}, {"acwst", 31500, false, NULL}, {"adt", -10800, true, NULL},
    {"aedt", 39600, true, NULL}, {"aesst", 39600, true, NULL}, {"aest", 36000, false, NULL},
    {"aft", 16200, false, NULL}, {"akdt", -28800, true, NULL}, {"akst", -32400, false, NULL},
    {"almst", 25200, true, NULL}, {"almt", 21600, false, NULL}, {"amst", 0, false, "Asia/Yerevan"},
    {"amt", -14400, false, NULL}, {"anast", 0, false, "Asia/Anadyr"}, {"anat", 0, false, "Asia/Anadyr"},
    {"arst", 0, false, "America/Argentina/Buenos_Aires"},
    {"art", 0, false, "America/Argentina/Buenos_Aires"}, {"ast", -14400, false, NULL},
    {"awsst", 32400, true, NULL}, {"awst", 28800, false, NULL}, {"azost", 0, true, NULL},
    {"azot", -3600, false, NULL}, {"azst", 0, false, "Asia/Baku"}, {"azt", 0, false, "Asia/Baku"},
    {"bdst", 7200, true, NULL}, {"bdt", 21600, false, NULL}, {"bnt", 28800, false, NULL},
    {"bort", 28800, false, NULL}, {"bot", -14400, false, NULL}, {"bra", -10800, false, NULL},
    {"brst", -7200, true, NULL}, {"brt", -10800, false, NULL}, {"bst", 3600, true, NULL},
    {"btt", 21600, false, NULL}, {"cadt", 37800, true, NULL}, {"cast", 34200, false, NULL},
    {"cct", 28800, false, NULL}, {"cdt", -18000, true, NULL}, {"cest", 7200, true, NULL},
    {"cet", 3600, false, NULL}, {"cetdst", 7200, true, NULL}, {"chadt", 49500, true, NULL},
    {"chast", 45900, false, NULL}, {"chut", 36000, false, NULL}, {"ckt", 0, false, "Pacific/Rarotonga"},
    {"clst", -10800, true, NULL}, {"clt", 0, false, "America/Santiago"}, {"cot", -18000, false, NULL},
    {"cst", -21600, false, NULL}, {"cxt", 25200, false, NULL}, {"davt", 0, false, "Antarctica/Davis"},
    {"ddut", 36000, false, NULL}, {"easst", 0, false, "Pacific/Easter"},
    {"east", 0, false, "Pacific/Easter"}, {"eat", 10800, false, NULL}, {"edt", -14400, true, NULL},
    {"eest", 10800, true, NULL}, {"eet", 7200, false, NULL}, {"eetdst", 10800, true, NULL},
    {"egst", 0, true, NULL}, {"egt", -3600, false, NULL}, {"est", -18000, false, NULL},
    {"fet", 10800, false, NULL}, {"fjst", 46800, true, NULL}, {"fjt", 43200, false, NULL},
    {"fkst", 0, false, "Atlantic/Stanley"}, {"fkt", 0, false, "Atlantic/Stanley"},
    {"fnst", -3600, true, NULL}, {"fnt", -7200, false, NULL}, {"galt", -21600, false, NULL},
    {"gamt", -32400, false, NULL}, {"gest", 0, false, "Asia/Tbilisi"},
    {"get", 0, false, "Asia/Tbilisi"}, {"gft", -10800, false, NULL}, {"gilt", 43200, false, NULL},
    {"gmt", 0, false, NULL}, {"gyt", 0, false, "America/Guyana"}, {"hkt", 28800, false, NULL},
    {"hst", -36000, false, NULL}, {"ict", 25200, false, NULL}, {"idt", 10800, true, NULL},
    {"iot", 0, false, "Indian/Chagos"}, {"irkst", 0, false, "Asia/Irkutsk"},
    {"irkt", 0, false, "Asia/Irkutsk"}, {"irt", 12600, false, NULL}, {"ist", 7200, false, NULL},
    {"jayt", 32400, false, NULL}, {"jst", 32400, false, NULL}, {"kdt", 36000, true, NULL},
    {"kgst", 21600, true, NULL}, {"kgt", 0, false, "Asia/Bishkek"},
    {"kost", 0, false, "Pacific/Kosrae"}, {"krast", 0, false, "Asia/Krasnoyarsk"},
    {"krat", 0, false, "Asia/Krasnoyarsk"}, {"kst", 32400, false, NULL},
    {"lhdt", 0, false, "Australia/Lord_Howe"}, {"lhst", 37800, false, NULL},
    {"ligt", 36000, false, NULL}, {"lint", 0, false, "Pacific/Kiritimati"},
    {"lkt", 0, false, "Asia/Colombo"}, {"magst", 0, false, "Asia/Magadan"},
    {"magt", 0, false, "Asia/Magadan"}, {"mart", -34200, false, NULL},
    {"mawt", 0, false, "Antarctica/Mawson"}, {"mdt", -21600, true, NULL}, {"mest", 7200, true, NULL},
    {"mesz", 7200, true, NULL}, {"met", 3600, false, NULL}, {"metdst", 7200, true, NULL},
    {"mez", 3600, false, NULL}, {"mht", 43200, false, NULL}, {"mmt", 23400, false, NULL},
    {"mpt", 36000, false, NULL}, {"msd", 14400, true, NULL}, {"msk", 0, false, "Europe/Moscow"},
    {"mst", -25200, false, NULL}, {"must", 18000, true, NULL}, {"mut", 14400, false, NULL},
    {"mvt", 18000, false, NULL}, {"myt", 28800, false, NULL}, {"ndt", -9000, true, NULL},
    {"nft", -12600, false, NULL}, {"novst", 0, false, "Asia/Novosibirsk"},
    {"novt", 0, false, "Asia/Novosibirsk"}, {"npt", 20700, false, NULL}, {"nst", -12600, false, NULL},
    {"nut", 0, false, "Pacific/Niue"}, {"nzdt", 46800, true, NULL}, {"nzst", 43200, false, NULL},
    {"nzt", 43200, false, NULL}, {"omsst", 0, false, "Asia/Omsk"}, {"omst", 0, false, "Asia/Omsk"},
    {"pdt", -25200, true, NULL}, {"pet", -18000, false, NULL}, {"petst", 0, false, "Asia/Kamchatka"},
    {"pett", 0, false, "Asia/Kamchatka"}, {"pgt", 36000, false, NULL}, {"pht", 28800, false, NULL},
    {"pkst", 21600, true, NULL}, {"pkt", 18000, false, NULL}, {"pmdt", -7200, true, NULL},
    {"pmst", -10800, false, NULL}, {"pont", 39600, false, NULL}, {"pst", -28800, false, NULL},
    {"pwt", 32400, false, NULL}, {"pyst", -10800, true, NULL}, {"pyt", 0, false, "America/Asuncion"},
    {"ret", 14400, false, NULL}, {"sadt", 37800, true, NULL}, {"sast", 7200, false, NULL},
    {"sct", 14400, false, NULL}, {"sgt", 0, false, "Asia/Singapore"}, {"taht", -36000, false, NULL},
    {"tft", 18000, false, NULL}, {"tjt", 18000, false, NULL}, {"tkt", 0, false, "Pacific/Fakaofo"},
    {"tmt", 0, false, "Asia/Ashgabat"}, {"tot", 46800, false, NULL}, {"trut", 36000, false, NULL},
    {"tvt", 43200, false, NULL}, {"uct", 0, false, NULL}, {"ulast", 32400, true, NULL},
    {"ulat", 0, false, "Asia/Ulaanbaatar"}, {"ut", 0, false, NULL}, {"utc", 0, false, NULL},
    {"uyst", -7200, true, NULL}, {"uyt", -10800, false, NULL}, {"uzst", 21600, true, NULL},
    {"uzt", 18000, false, NULL}, {"vet", 0, false, "America/Caracas"},
    {"vlast", 0, false, "Asia/Vladivostok"}, {"vlat", 0, false, "Asia/Vladivostok"},
    {"volt", 0, false, "Europe/Volgograd"}, {"vut", 39600, false, NULL}, {"wadt", 28800, true, NULL},
    {"wakt", 43200, false, NULL}, {"wast", 25200, false, NULL}, {"wat", 3600, false, NULL},
    {"wdt", 32400, true, NULL}, {"wet", 0, false, NULL}, {"wetdst", 3600, true, NULL},
    {"wft", 43200, false, NULL}, {"wgst", -7200, true, NULL}, {"wgt", -10800, false, NULL},
    {"xjt", 21600, false, NULL}, {"yakst", 0, false, "Asia/Yakutsk"},
    {"yakt", 0, false, "Asia/Yakutsk"}, {"yapt", 36000, false, NULL}, {"yekst", 21600, true, NULL},
    {"yekt", 0, false, "Asia/Yekaterinburg"}, {"z", 0, false, NULL}, {"zulu", 0, false, NULL},
};

const qn_abbreviation *qn_abbreviation_find(const char *name)
{
    size_t lo = 0, hi = QN_COUNTOF(abbreviations);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int    c = strcmp(name, abbreviations[mid].name);
        if (c == 0)
            return &abbreviations[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}
