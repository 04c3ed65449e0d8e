/* A door for tests: a database over files, a clock and an account of memory that the test brings.
 *
 * Nothing else differs from qn_open.  The test can fail the n-th allocation (memory.fail_at counts through
 * children) or the n-th call of a vfs, and can see that everything was given back. */
#ifndef QN_API_API_TEST_H
#define QN_API_API_TEST_H

#include "base/env.h"
#include "os/vfs.h"
#include "quern.h"

typedef struct qn_world {
    qn_vfs  *vfs;      /* holds the database directory */
    qn_vfs  *file_vfs; /* what COPY reads and writes */
    qn_clock clock;
    qn_mem  *memory;   /* the database accounts into it; NULL: into nothing */
} qn_world;

/* qn_open in a world of the caller, which must outlive the database. */
qn_status qn_open_in(const qn_world *world, const char *path, const qn_options *options, qn_database **db,
                     qn_error *err);

#endif
