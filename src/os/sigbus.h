/* A page of a mapped file that cannot be read must fail one query, not the process.
 *
 * The kernel reports it by SIGBUS at the instruction that touched the page.  A watched mapping then gets
 * a page of zeros in that place and is marked as damaged for good; the reader goes on and whoever
 * finishes the work asks qn_map_damaged() (os/vfs.h) before anything is believed.  No jump out of the
 * handler: the interrupted code may hold latches.
 *
 * The handler is installed once, with the first watched mapping; faults elsewhere go to the handler that
 * was there before.  A program that installs its own later takes this protection away. */
#ifndef QN_OS_SIGBUS_H
#define QN_OS_SIGBUS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QN_SIGBUS_MAPS 65536 /* about as many maps as Linux gives a process; those beyond are not watched */

typedef struct qn_watch qn_watch;

/* Watch a page-aligned mapping; NULL when there is no room.  Unwatch before it is unmapped. */
qn_watch *qn_sigbus_watch(const void *data, size_t bytes);
void      qn_sigbus_unwatch(qn_watch *watch); /* NULL is allowed */
const atomic_bool *qn_sigbus_damaged(const qn_watch *watch);

#endif
