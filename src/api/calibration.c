/* CALIBRATION: a few lines of text with a checksum.
 *
 * Numbers are whole (picoseconds, megabytes a second), so that neither locale nor rounding touches them.  Names that
 * this program does not know are skipped: another version wrote them. */
#include "api/calibration.h"

#include <stdio.h>
#include <string.h>
#include "base/cpu.h"
#include "base/hash.h"

#define FIRST_LINE "quern calibration 1"
#define MOST_PS UINT64_C(1000000000000) /* a second for one row */
#define MOST_MBS UINT64_C(100000000)    /* 100 TB a second */

void calibration_init(qn_calibration *c)
{
    memset(c, 0, sizeof *c);
    c->costs = qn_cost_defaults;
    qn_cpu_name(c->cpu);
    snprintf(c->isa, sizeof c->isa, "%s", qn_isa_name(qn_isa_detect()));
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static uint64_t thousandths(double x, uint64_t most)
{
    return x >= (double)most / 1000 ? most : x * 1000 < 1 ? 1 : (uint64_t)(x * 1000 + 0.5);
}

void calibration_encode(const qn_calibration *c, qn_buf *out)
{
    qn_buf_puts(out, FIRST_LINE "\n");
    qn_buf_printf(out, "date %s\ncpu %s\nisa %s\nthreads %d\n", c->date, c->cpu, c->isa, c->threads);
    qn_buf_printf(out, "bandwidth_one_mbs %llu\n", (unsigned long long)thousandths(c->bandwidth_one, MOST_MBS));
    qn_buf_printf(out, "bandwidth_all_mbs %llu\n", (unsigned long long)thousandths(c->bandwidth_all, MOST_MBS));
    for (int i = 0; i < QN_COST_COUNT; i++)
        qn_buf_printf(out, "%s_ps %s %llu\n", c->known[i] ? "measured" : "scaled", qn_cost_name(i),
                      (unsigned long long)thousandths(*qn_cost_get(&c->costs, i), MOST_PS));
    if (qn_buf_ok(out))
        qn_buf_printf(out, "checksum %016llx\n", (unsigned long long)qn_checksum64(out->data, out->bytes));
}

/* ---- reading ----------------------------------------------------------------------------------------- */

typedef struct line { /* "name value", the value up to the end of the line */
    const char *name, *value;
    size_t      name_bytes, value_bytes;
} line;

/* The next line at *at; false at the end and where a line is none. */
static bool next_line(const char **at, const char *end, line *l)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    if (!stop)
        return false;
    const char *blank = memchr(*at, ' ', (size_t)(stop - *at));
    if (!blank)
        return false;
    *l = (line){*at, blank + 1, (size_t)(blank - *at), (size_t)(stop - blank - 1)};
    *at = stop + 1;
    return true;
}

static bool is(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && !memcmp(text, word, bytes);
}

/* Decimal digits and nothing else, 1 … most. */
static bool number(const char *text, size_t bytes, uint64_t most, uint64_t *out)
{
    uint64_t x = 0;
    if (!bytes || bytes > 15)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        x = x * 10 + (uint64_t)(text[i] - '0');
    }
    *out = x;
    return x >= 1 && x <= most;
}

static bool word(const line *l, char *out, size_t room)
{
    if (l->value_bytes >= room || memchr(l->value, 0, l->value_bytes))
        return false;
    memcpy(out, l->value, l->value_bytes);
    out[l->value_bytes] = 0;
    return true;
}

/* "NAME PICOSECONDS" */
static bool constant(const line *l, bool known, qn_calibration *c)
{
    const char *blank = memchr(l->value, ' ', l->value_bytes);
    uint64_t    ps;
    if (!blank || !number(blank + 1, l->value_bytes - (size_t)(blank + 1 - l->value), MOST_PS, &ps))
        return false;
    for (int i = 0; i < QN_COST_COUNT; i++)
        if (is(l->value, (size_t)(blank - l->value), qn_cost_name(i))) {
            *qn_cost_at(&c->costs, i) = (double)ps / 1000;
            c->known[i] = known;
        }
    return true;
}

static bool take(const line *l, qn_calibration *c)
{
    uint64_t x = 0;
    if (is(l->name, l->name_bytes, "date"))
        return word(l, c->date, sizeof c->date);
    if (is(l->name, l->name_bytes, "cpu"))
        return word(l, c->cpu, sizeof c->cpu);
    if (is(l->name, l->name_bytes, "isa"))
        return word(l, c->isa, sizeof c->isa);
    if (is(l->name, l->name_bytes, "measured_ps") || is(l->name, l->name_bytes, "scaled_ps"))
        return constant(l, l->name[0] == 'm', c);
    if (is(l->name, l->name_bytes, "threads")) {
        bool ok = number(l->value, l->value_bytes, 1 << 20, &x);
        c->threads = (int)x;
        return ok;
    }
    double *rate = is(l->name, l->name_bytes, "bandwidth_one_mbs")   ? &c->bandwidth_one
                   : is(l->name, l->name_bytes, "bandwidth_all_mbs") ? &c->bandwidth_all
                                                                     : NULL;
    if (!rate)
        return true;
    bool ok = number(l->value, l->value_bytes, MOST_MBS, &x);
    *rate = (double)x / 1000;
    return ok;
}

/* The checksum is of all bytes before its own line, which is the last. */
static bool read_lines(const char *text, size_t bytes, qn_calibration *c)
{
    const char *at = text, *end = text + bytes;
    char        sum[17];
    line        l;
    for (bool first = true;; first = false) {
        const char *begin = at;
        if (!next_line(&at, end, &l))
            return false;
        if (is(l.name, l.name_bytes, "checksum")) {
            snprintf(sum, sizeof sum, "%016llx", (unsigned long long)qn_checksum64(text, (size_t)(begin - text)));
            return at == end && !first && is(l.value, l.value_bytes, sum);
        }
        if (first ? !is(begin, (size_t)(at - begin), FIRST_LINE "\n") : !take(&l, c))
            return false;
    }
}

bool calibration_decode(const char *text, size_t bytes, qn_calibration *c)
{
    qn_calibration here;
    calibration_init(&here);
    calibration_init(c);
    c->measured = read_lines(text, bytes, c);
    if (!c->measured)
        snprintf(here.complaint, sizeof here.complaint, "it is damaged");
    else if (strcmp(c->cpu, here.cpu) || strcmp(c->isa, here.isa))
        snprintf(here.complaint, sizeof here.complaint, "it was made on another processor (%s, %s)", c->cpu, c->isa);
    else
        return true;
    *c = here;
    return false;
}

qn_status calibration_load(qn_store *store, qn_calibration *c, qn_error *err)
{
    void     *data = NULL;
    size_t    bytes = 0;
    qn_error  why = {.status = QN_OK};
    qn_status st = qn_store_read_side(store, QN_CALIBRATION_NAME, &data, &bytes, &why);
    calibration_init(c);
    if (st == QN_OK) {
        calibration_decode(data, bytes, c);
        qn_free(qn_store_env(store)->mem, data, bytes + 1);
    } else if (st == QN_NOMEM) {
        return qn_nomem(err);
    } else if (!qn_error_is(&why, QN_SQLSTATE_UNDEFINED_FILE)) {
        snprintf(c->complaint, sizeof c->complaint, "%.250s", why.message);
    }
    return QN_OK;
}
