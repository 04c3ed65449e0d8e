/* Session settings: SET, RESET, SHOW. */
#include "api/api_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "kern/kern.h"
#include "type/datetime.h"

#define LEAST_ROOM_BYTES ((uint64_t)1 << 20) /* beyond what is in use */

static const struct {
    const char *name, *meaning;
} table[] = {
#define X(id, name, meaning) {name, meaning},
    QN_SETTINGS(X)
#undef X
};

static const char *const codecs[] = {
#define X(id, text) text,
    QN_TEXT_CODECS(X)
#undef X
};

const char *setting_name(int i) { return table[i].name; }
const char *setting_meaning(int i) { return table[i].meaning; }

void session_init(session *s)
{
    memset(s, 0, sizeof *s);
    s->optimizer = true;
    s->text.extra_float_digits = 1;
    strcpy(s->zone_name, "UTC");
    strcpy(s->isa, "auto");
}

static int find(const char *name)
{
    if (qn_streq_ci(name, "time zone") || qn_streq_ci(name, "time_zone"))
        name = "timezone";
    for (int i = 0; i < QN_SETTING_COUNT; i++)
        if (qn_streq_ci(table[i].name, name))
            return i;
    return -1;
}

static qn_status unknown(const char *name, qn_error *err)
{
    return qn_fail(err, QN_SQLSTATE_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"", name);
}

static qn_status bad_value(const char *name, const char *value, const char *hint, qn_error *err)
{
    qn_status st = qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", name, value);
    if (hint)
        qn_error_hint(err, "%s", hint);
    return st;
}

static bool parse_bool(const char *v, bool *out)
{
    static const char *const yes[] = {"on", "true", "yes", "1"}, *const no[] = {"off", "false", "no", "0"};
    for (int i = 0; i < 4; i++) {
        if (qn_streq_ci(v, yes[i]))
            return *out = true, true;
        if (qn_streq_ci(v, no[i]))
            return *out = false, true;
    }
    return false;
}

static bool parse_integer(const char *v, int64_t lo, int64_t hi, int64_t *out)
{
    char *end;
    errno = 0;
    long long x = strtoll(v, &end, 10);
    if (errno || end == v || *end || x < lo || x > hi)
        return false;
    *out = x;
    return true;
}

/* A size: digits and B, kB, MB, GB, TB. */
static bool parse_size(const char *v, int64_t *out)
{
    static const struct {
        const char *unit;
        int         shift;
    } units[] = {{"", 0}, {"b", 0}, {"kb", 10}, {"mb", 20}, {"gb", 30}, {"tb", 40}};
    char *end;
    errno = 0;
    long long x = strtoll(v, &end, 10);
    if (errno || end == v || x < 0)
        return false;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (qn_streq_ci(end, units[i].unit) && x <= INT64_MAX >> units[i].shift) {
            *out = x << units[i].shift;
            return true;
        }
    return false;
}

static qn_status set_choice(const char *name, const char *value, const char *const *choices, int count, int *out, qn_error *err)
{
    for (int i = 0; i < count; i++)
        if (qn_streq_ci(value, choices[i])) {
            *out = i;
            return QN_OK;
        }
    char list[230] = ""; /* a hint holds 256 */
    for (int i = 0; i < count; i++) {
        strncat(list, i ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, choices[i], sizeof list - strlen(list) - 1);
    }
    qn_status st = qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "invalid value for parameter \"%s\": \"%s\"", name, value);
    qn_error_hint(err, "Available values: %s.", list);
    return st;
}

static qn_status set_isa(qn_connection *conn, const char *value, qn_error *err)
{
    static const char *const names[] = {"auto", "base", "avx2", "avx512"};
    int                      choice;
    qn_status                st = set_choice("quern.isa", value, names, 4, &choice, err);
    if (st != QN_OK)
        return st;
    qn_isa best = qn_isa_detect();
    qn_isa isa = choice ? (qn_isa)(choice - 1) : best;
    if (isa > best) {
        st = qn_fail(err, QN_SQLSTATE_INVALID_PARAMETER_VALUE, "this machine has no %s", names[choice]);
        qn_error_hint(err, "Its best level is %s.", qn_isa_name(best));
        return st;
    }
    qn_kernels_force(isa);
    strcpy(conn->session.isa, names[choice]);
    return QN_OK;
}

static qn_status set_fixed(const char *name, const char *value, const char *only, qn_error *err)
{
    if (!value || qn_streq_ci(value, only))
        return QN_OK;
    qn_status st = qn_fail(err, QN_SQLSTATE_FEATURE_NOT_SUPPORTED, "parameter \"%s\" cannot be \"%s\"", name, value);
    qn_error_hint(err, "quern supports only \"%s\".", only);
    return st;
}

static qn_status set_zone(session *s, const char *value, qn_error *err)
{
    const qn_timezone *zone = NULL;
    qn_status          st = qn_timezone_find(NULL, value, strlen(value), &zone, err);
    if (st != QN_OK)
        return st;
    if (!zone)
        return bad_value("TimeZone", value, NULL, err);
    s->text.zone = zone;
    snprintf(s->zone_name, sizeof s->zone_name, "%s", qn_timezone_name(zone));
    return QN_OK;
}

qn_status setting_set(qn_connection *conn, const char *name, const char *value, qn_error *err)
{
    static const char *const modes[] = {
#define X(id, text, meaning) text,
        QN_DISPATCH_MODES(X)
#undef X
    };
    static const char *const groups[] = {
#define X(id, text, meaning) text,
        QN_GROUP_MODES(X)
#undef X
    };
    session  *s = &conn->session;
    int       choice = 0, i = find(name);
    int64_t   n = 0;
    uint64_t  used;
    qn_status st;
    if (i < 0) {
        if (!value && qn_streq_ci(name, "all")) {
            session_init(s);
            qn_kernels_force(qn_isa_detect());
            return QN_OK;
        }
        return unknown(name, err);
    }
    switch ((qn_setting)i) {
    case QN_SETTING_THREADS:
        if (value && !parse_integer(value, 0, qn_sched_workers(conn->db->sched), &n)) {
            st = bad_value(name, value, NULL, err);
            qn_error_hint(err, "Use 0 to %d: the database was opened with so many workers.", qn_sched_workers(conn->db->sched));
            return st;
        }
        s->threads = (int)n;
        return QN_OK;
    case QN_SETTING_DISPATCH:
        st = set_choice(name, value ? value : "bare", modes, QN_DISPATCH_COUNT, &choice, err);
        if (st == QN_OK)
            s->dispatch = (qn_dispatch_mode)choice;
        return st;
    case QN_SETTING_GROUP_MODE:
        st = set_choice(name, value ? value : "auto", groups, QN_GROUP_MODE_COUNT, &choice, err);
        if (st == QN_OK)
            s->group_mode = (qn_group_mode)choice;
        return st;
    case QN_SETTING_TEXT_CODEC:
        st = set_choice(name, value ? value : codecs[0], codecs, QN_TEXT_CODEC_COUNT, &choice, err);
        if (st == QN_OK)
            s->text_codec = (qn_text_codec)choice;
        return st;
    case QN_SETTING_OPTIMIZER:
        return !value || parse_bool(value, &s->optimizer) ? (s->optimizer = value ? s->optimizer : true, QN_OK)
                                                          : bad_value(name, value, "Use on or off.", err);
    case QN_SETTING_ISA:
        return set_isa(conn, value ? value : "auto", err);
    case QN_SETTING_MEMORY_LIMIT:
        if (value && !parse_size(value, &n))
            return bad_value(name, value, "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".", err);
        /* Below what is in use no statement would run any more, not even the one that lifts the limit. */
        used = atomic_load(&conn->db->mem.used_bytes);
        if (n && (uint64_t)n < used + LEAST_ROOM_BYTES) { /* cached programs are no reason to refuse */
            qn_code_cache_clear(conn->db->cache);
            used = atomic_load(&conn->db->mem.used_bytes);
        }
        if (n && (uint64_t)n < used + LEAST_ROOM_BYTES) {
            st = bad_value(name, value, NULL, err);
            qn_error_hint(err, "The database uses %llu bytes at the moment, and statements need 1 MB more: use at least %llu kB.",
                          (unsigned long long)used, (unsigned long long)((used + LEAST_ROOM_BYTES + 1023) / 1024));
            return st;
        }
        atomic_store(&conn->db->mem.limit_bytes, (uint64_t)n);
        return QN_OK;
    case QN_SETTING_TEMP_LIMIT:
        n = 0;
        if (value && !parse_size(value, &n))
            return bad_value(name, value, "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".", err);
        atomic_store(&conn->db->temp_limit_bytes, (uint64_t)n);
        return QN_OK;
    case QN_SETTING_TIME_ZONE:
        if (!value) {
            s->text.zone = NULL;
            strcpy(s->zone_name, "UTC");
            return QN_OK;
        }
        return set_zone(s, value, err);
    case QN_SETTING_EXTRA_FLOAT_DIGITS:
        n = 1;
        if (value && !parse_integer(value, -15, 3, &n))
            return bad_value(name, value, "Use -15 to 3.", err);
        s->text.extra_float_digits = (int)n;
        return QN_OK;
    case QN_SETTING_DATE_STYLE:
        if (value && (qn_streq_ci(value, "ISO") || qn_streq_ci(value, "ISO,MDY")))
            return QN_OK;
        return set_fixed(name, value, "ISO, MDY", err);
    case QN_SETTING_INTERVAL_STYLE: return set_fixed(name, value, "postgres", err);
    case QN_SETTING_CLIENT_ENCODING:
        return value && (qn_streq_ci(value, "UTF-8") || qn_streq_ci(value, "UNICODE")) ? QN_OK : set_fixed(name, value, "UTF8", err);
    case QN_SETTING_STANDARD_STRINGS: return set_fixed(name, value, "on", err);
    case QN_SETTING_SEARCH_PATH: return set_fixed(name, value, "public", err);
    case QN_SETTING_CALIBRATION:
    case QN_SETTING_SERVER_ENCODING:
    case QN_SETTING_SERVER_VERSION:
        return qn_fail(err, QN_SQLSTATE_CANT_CHANGE_PARAM, "parameter \"%s\" cannot be changed", name);
    case QN_SETTING_APPLICATION_NAME:
        snprintf(s->application_name, sizeof s->application_name, "%s", value ? value : "");
        return QN_OK;
    case QN_SETTING_COUNT:
        break;
    }
    return unknown(name, err);
}

qn_status setting_show(qn_connection *conn, const char *name, qn_buf *out, qn_error *err)
{
    static const char *const modes[] = {
#define X(id, text, meaning) text,
        QN_DISPATCH_MODES(X)
#undef X
    };
    session *s = &conn->session;
    int      i = find(name);
    if (i < 0)
        return unknown(name, err);
    switch ((qn_setting)i) {
    case QN_SETTING_THREADS: qn_buf_printf(out, "%d", s->threads); break;
    case QN_SETTING_DISPATCH: qn_buf_puts(out, modes[s->dispatch]); break;
    case QN_SETTING_GROUP_MODE: qn_buf_puts(out, qn_group_mode_name(s->group_mode)); break;
    case QN_SETTING_TEXT_CODEC: qn_buf_puts(out, codecs[s->text_codec]); break;
    case QN_SETTING_OPTIMIZER: qn_buf_puts(out, s->optimizer ? "on" : "off"); break;
    case QN_SETTING_ISA: qn_buf_puts(out, s->isa); break;
    case QN_SETTING_MEMORY_LIMIT:
        qn_buf_printf(out, "%llu", (unsigned long long)atomic_load(&conn->db->mem.limit_bytes));
        break;
    case QN_SETTING_CALIBRATION:
        if (conn->calibration.measured)
            qn_buf_printf(out, "%s, %s, %s, %d threads", conn->calibration.date, conn->calibration.cpu, conn->calibration.isa,
                          conn->calibration.threads);
        else
            qn_buf_puts(out, "none");
        break;
    case QN_SETTING_TEMP_LIMIT:
        qn_buf_printf(out, "%llu", (unsigned long long)atomic_load(&conn->db->temp_limit_bytes));
        break;
    case QN_SETTING_TIME_ZONE: qn_buf_puts(out, s->zone_name); break;
    case QN_SETTING_EXTRA_FLOAT_DIGITS: qn_buf_printf(out, "%d", s->text.extra_float_digits); break;
    case QN_SETTING_DATE_STYLE: qn_buf_puts(out, "ISO, MDY"); break;
    case QN_SETTING_INTERVAL_STYLE: qn_buf_puts(out, "postgres"); break;
    case QN_SETTING_CLIENT_ENCODING:
    case QN_SETTING_SERVER_ENCODING: qn_buf_puts(out, "UTF8"); break;
    case QN_SETTING_SERVER_VERSION: qn_buf_puts(out, "15.0 (quern " QN_VERSION ")"); break;
    case QN_SETTING_STANDARD_STRINGS: qn_buf_puts(out, "on"); break;
    case QN_SETTING_SEARCH_PATH: qn_buf_puts(out, "public"); break;
    case QN_SETTING_APPLICATION_NAME: qn_buf_puts(out, s->application_name); break;
    case QN_SETTING_COUNT: break;
    }
    return qn_buf_ok(out) ? QN_OK : qn_nomem(err);
}
