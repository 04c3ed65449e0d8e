/* Memory an execution may not have, on disk: a temporary file of extents in chains.  See spill.c for the design. */
#ifndef QN_VM_SPILL_H
#define QN_VM_SPILL_H

#include "base/env.h"
#include "os/vfs.h"
#include "base/thread.h"
#include "type/type.h"

struct qn_exec;

/* The temporary file of an execution, made when something is first written. */
typedef struct spill_file {
    qn_vfs          *vfs;   /* NULL: nothing can be spilled */
    const char      *folder;
    uint64_t         limit; /* bytes; 0: none */
    qn_latch         latch; /* of making the file */
    _Atomic(qn_file *) file;
    _Atomic uint64_t end;   /* where the next extent goes */
    char             path[512];
} spill_file;

void spill_init(spill_file *f, qn_vfs *vfs, const char *folder, uint64_t limit_bytes);
void spill_deinit(spill_file *f);
/* Bytes written so far. */
uint64_t spill_bytes(const spill_file *f);

/* Extents of rows, each naming the one written before it: only the last is remembered. */
typedef struct spill_chain {
    uint64_t last;       /* offset of the last extent */
    uint32_t last_bytes; /* its payload; 0: the chain is empty */
    uint32_t extents;
    uint64_t rows, bytes;
} spill_chain;

/* Rows on their way into chains, one chain at a time. */
typedef struct spill_writer {
    spill_file  *file;
    qn_mem      *mem;
    spill_chain *chain;
    uint8_t     *buffer; /* room for the extent's header, then payload */
    size_t       capacity, used;
    uint32_t     rows;
} spill_writer;

qn_status spill_writer_init(spill_writer *w, spill_file *file, qn_mem *mem, qn_error *err);
void      spill_writer_deinit(spill_writer *w);
/* Room for one row of `bytes` in the chain; the caller fills it before the next call. */
qn_status spill_writer_row(spill_writer *w, spill_chain *chain, size_t bytes, uint8_t **row, qn_error *err);
/* What is in the buffer goes to the file; to be called before the chain is read. */
qn_status spill_writer_flush(spill_writer *w, qn_error *err);

/* The extents of a chain, last first. */
typedef struct spill_reader {
    spill_file    *file;
    uint64_t       next;
    uint32_t       next_bytes;
    uint32_t       rows; /* of the extent read */
    const uint8_t *at, *end; /* its payload */
} spill_reader;

void      spill_reader_init(spill_reader *r, spill_file *file, const spill_chain *chain);
/* Read the next extent into memory of the arena; *more false: there is none. */
qn_status spill_reader_next(spill_reader *r, qn_arena *arena, bool *more, qn_error *err);
/* The next `bytes` of the payload; damage when it ends before. */
qn_status spill_reader_take(spill_reader *r, size_t bytes, const uint8_t **data, qn_error *err);

/* What a 16-byte slot of a bank has outside itself: long text, long numerics.  Text refers to the extent afterwards,
 * numerics go to the arena. */
size_t    spill_value_bytes(qn_bank bank, const void *slot);
uint8_t  *spill_value_pack(qn_bank bank, const void *slot, uint8_t *out); /* returns the end */
qn_status spill_value_unpack(qn_bank bank, void *slot, spill_reader *r, qn_arena *arena, qn_error *err);

/* An extent of its own, by offset: */
qn_status spill_write(spill_file *f, uint8_t *buffer, size_t bytes, uint32_t rows, const spill_chain *previous, uint64_t *offset,
                      qn_error *err); /* buffer begins with SPILL_HEADER bytes of room, payload after it */
qn_status spill_read(spill_file *f, uint64_t offset, uint32_t bytes, qn_arena *arena, spill_reader *r, qn_error *err);
#define SPILL_HEADER 48u /* payloads stay aligned to 16 */

#endif
