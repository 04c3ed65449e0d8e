/* What was measured of this machine: the cost model's constants and memory bandwidth.
 *
 * A database directory may hold a file CALIBRATION (docs/format.md) that quern_calibrate() wrote; it is read when the
 * database is opened.  A file that is damaged or comes from another processor is not used, and every connection is
 * told once.  It decides how fast a statement runs and never what it answers. */
#ifndef QN_API_CALIBRATION_H
#define QN_API_CALIBRATION_H

#include "plan/cost.h"
#include "store/table/store.h"

typedef struct qn_calibration {
    bool   measured;             /* else all below is by default, and the rates are 0 */
    char   date[11];             /* 2026-11-25 */
    char   cpu[64], isa[8];
    int    threads;              /* of the second rate */
    double bandwidth_one, bandwidth_all; /* bytes per nanosecond read from memory */
    qn_cost_constants costs;
    bool   known[QN_COST_COUNT]; /* measured, not merely scaled */
    char   complaint[256];       /* why the file was not used, or "" */
} qn_calibration;

/* By default, for this processor. */
void calibration_init(qn_calibration *c);
/* From the file's bytes; false and a complaint when they are not to be used, *c being the default then. */
bool calibration_decode(const char *text, size_t bytes, qn_calibration *c);
void calibration_encode(const qn_calibration *c, qn_buf *out);
/* From the database directory.  Fails only for lack of memory. */
qn_status calibration_load(qn_store *store, qn_calibration *c, qn_error *err);

#endif
