/* Time zones: named ones from the system's TZif files, POSIX rules, and the abbreviations of input.
 *
 * A zone is immutable once found and lives as long as the process: the cache is a list that only grows,
 * by at most a few hundred entries of a few kilobytes.  NULL stands for UTC everywhere.
 * Instants are seconds since 1970-01-01 UTC; offsets are seconds east of Greenwich. */
#ifndef QN_TYPE_TIMEZONE_H
#define QN_TYPE_TIMEZONE_H

#include "type/type.h"

struct qn_vfs;
typedef struct qn_timezone qn_timezone;

/* Find a zone by name: "Europe/Berlin" (any case), "UTC", "EST5EDT", "<+03>-3".  *zone is NULL when there is
 * none of that name (with QN_OK: the caller words the error).  Files are read below /usr/share/zoneinfo
 * through vfs; NULL means qn_vfs_posix().  Only QN_NOMEM is an error; unreadable files are absent ones.
 * Thread-safe. */
qn_status   qn_timezone_find(struct qn_vfs *vfs, const char *name, size_t bytes, const qn_timezone **zone,
                             qn_error *err);
/* As SHOW timezone prints it. */
const char *qn_timezone_name(const qn_timezone *zone);

typedef struct qn_zone_moment {
    int32_t     offset;
    bool        dst;
    const char *abbreviation; /* lives as long as the zone */
} qn_zone_moment;

/* What applies at an instant. */
qn_zone_moment qn_timezone_at(const qn_timezone *zone, int64_t seconds);
/* What applies at a wall clock reading, given as if it were UTC.  A reading that a spring transition
 * skips is taken by the offset before it, an ambiguous one in autumn by the offset after it. */
qn_zone_moment qn_timezone_at_local(const qn_timezone *zone, int64_t local_seconds);
/* The one offset of a zone that never changes; false when it does. */
bool qn_timezone_fixed(const qn_timezone *zone, int32_t *offset);
/* The meaning of an abbreviation (upper case) in a zone nearest before the instant, else after it. */
bool qn_timezone_abbreviation(const qn_timezone *zone, const char *abbreviation, int64_t seconds,
                              int32_t *offset, bool *dst);

/* Abbreviations understood in date and time input, whatever the session's zone. */
typedef struct qn_abbreviation {
    char        name[8];
    int32_t     offset;
    bool        dst;
    const char *zone; /* not NULL: the meaning changed over time, look it up in this zone */
} qn_abbreviation;
/* name in lower case; NULL when unknown. */
const qn_abbreviation *qn_abbreviation_find(const char *name);

#endif
