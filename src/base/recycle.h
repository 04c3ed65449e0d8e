/* Recycled memory behind the allocation door: medium pieces in areas of 2 MB, large ones in regions.
 *
 * For base/alloc.c only; everybody else asks for memory by qn_alloc.  Thread-safe. */
#ifndef QN_BASE_RECYCLE_H
#define QN_BASE_RECYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RECYCLE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define RECYCLE_SANITIZED 1
#endif
#endif
#ifndef RECYCLE_SANITIZED
#define RECYCLE_SANITIZED 0
#endif

/* Whether pieces of this size come from here (never under a sanitizer, which has to see each piece).  The same for
 * the same size all the time, so that a free knows where a piece came from. */
bool  recycle_serves(size_t bytes);
/* room_bytes is what the caller's limit leaves for memory that waits here: when fresh memory is needed, waiting
 * memory beyond that is given back to the system first.  *clear tells that the piece is known to be zero.  NULL when
 * the system has no more. */
void *recycle_take(size_t bytes, uint64_t room_bytes, bool *clear);
/* keep_bytes: how much may wait here afterwards. */
void  recycle_give(void *p, size_t bytes, uint64_t keep_bytes);
/* Move a piece's pages instead of copying them; both sizes are served from here.  NULL: not possible, p is as it was. */
void *recycle_resize(void *p, size_t old_bytes, size_t new_bytes);
/* Give memory back to the system until at most keep_bytes wait. */
void  recycle_trim(uint64_t keep_bytes);
/* Memory held from the system without being in use. */
uint64_t recycle_waiting(void);

#endif
