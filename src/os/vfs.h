/* Every system call of storage goes through one struct of function pointers.
 *
 * Three implementations: posix; memory (keeps durable and unsynced state apart, so a crash can be
 * simulated); fault (stacked on either: fails, shortens, tears or drops the n-th call of a kind).
 * Nothing else in src/ opens, reads, maps or renames files; scripts/check-includes.py looks at the
 * imports of every object to make sure.
 *
 * All paths are as the user gave them, relative or absolute.  Calls fail with QN_IO: 58P01 when the
 * file does not exist, 53100 on a full disk, 58030 otherwise; messages name the path and the cause. */
#ifndef QN_OS_VFS_H
#define QN_OS_VFS_H

#include "base/alloc.h"

typedef enum qn_open_mode {
    QN_OPEN_READ,       /* must exist */
    QN_OPEN_WRITE,      /* must exist, read and write */
    QN_OPEN_CREATE,     /* read and write, created when missing */
    QN_OPEN_CREATE_NEW, /* read and write, must not exist */
    QN_OPEN_TRUNCATE,   /* read and write, created or emptied: for other programs to read */
    QN_OPEN_EXPORT_NEW, /* the same, must not exist */
    QN_OPEN_STREAM      /* a pipe or device, to be read at QN_STREAM after `wait` says that it can be */
} qn_open_mode;

typedef struct qn_file qn_file; /* opaque; owned by the vfs that opened it */

typedef struct qn_map { /* a read-only mapping of a whole file or a part */
    const void *data;
    size_t      bytes;
    void       *handle; /* private to the vfs */
    const _Atomic bool *damaged; /* private: see qn_map_damaged */
} qn_map;

/* A page of the mapping could not be read and was replaced by zeros (os/sigbus.h).  To be asked after
 * the bytes were used and before the result is believed; once true it stays true. */
static inline bool qn_map_damaged(const qn_map *map)
{
    return map->damaged && atomic_load_explicit(map->damaged, memory_order_acquire);
}

typedef struct qn_stat {
    uint64_t bytes;
    bool     is_directory;
    bool     is_regular;
    bool     is_private; /* nobody but its owner may read or write it */
    bool     is_alias;   /* the path is a symbolic link, or the file has other names too */
    uint64_t modified_ns;
} qn_stat;

/* Kinds of call, for fault plans and counting. */
#define QN_VFS_OPS(X)                                                                              \
    X(OPEN) X(READ) X(WRITE) X(SYNC) X(SYNC_DIR) X(TRUNCATE) X(ALLOCATE) X(RENAME) X(UNLINK)       \
    X(STAT) X(LIST) X(MKDIR) X(RMDIR) X(MAP) X(LOCK)
typedef enum qn_vfs_op {
#define X(name) QN_VFS_##name,
    QN_VFS_OPS(X)
#undef X
    QN_VFS_OP_COUNT
} qn_vfs_op;

typedef struct qn_vfs qn_vfs;
struct qn_vfs {
    void  *self;        /* the implementation's state */
    size_t small_bytes; /* files up to this size are better read than mapped; 0: none */
    qn_status (*open)(qn_vfs *, const char *path, qn_open_mode mode, qn_file **file, qn_error *err);
    void (*close)(qn_vfs *, qn_file *file); /* NULL is allowed */
    /* Reads up to `bytes`; *got is less only at the end of the file (0: at the end).  Works on pipes
     * and devices too when offset is QN_STREAM: then it reads on from the current position, and of a file
     * opened as QN_OPEN_STREAM what is there. */
    qn_status (*read)(qn_vfs *, qn_file *file, uint64_t offset, void *buffer, size_t bytes,
                      size_t *got, qn_error *err);
    qn_status (*write)(qn_vfs *, qn_file *file, uint64_t offset, const void *data, size_t bytes,
                       qn_error *err); /* all or an error */
    qn_status (*sync)(qn_vfs *, qn_file *file, qn_error *err);
    qn_status (*sync_dir)(qn_vfs *, const char *path, qn_error *err);
    qn_status (*truncate)(qn_vfs *, qn_file *file, uint64_t bytes, qn_error *err);
    qn_status (*allocate)(qn_vfs *, qn_file *file, uint64_t bytes, qn_error *err);
    qn_status (*rename)(qn_vfs *, const char *from, const char *to, qn_error *err);
    qn_status (*unlink)(qn_vfs *, const char *path, qn_error *err); /* missing file: QN_OK */
    qn_status (*stat)(qn_vfs *, const char *path, qn_stat *out, qn_error *err);
    /* Names in a directory without "." and "..", in byte order; the callback returns false to stop. */
    qn_status (*list)(qn_vfs *, const char *path, bool (*fn)(void *arg, const char *name), void *arg,
                      qn_error *err);
    qn_status (*mkdir)(qn_vfs *, const char *path, qn_error *err); /* existing directory: QN_OK */
    qn_status (*rmdir)(qn_vfs *, const char *path, qn_error *err);
    qn_status (*map)(qn_vfs *, qn_file *file, uint64_t bytes, qn_map *out, qn_error *err);
    void (*unmap)(qn_vfs *, qn_map *map);
    /* This part will be read soon: begin to bring it in, do not wait.  A hint, which cannot fail. */
    void (*expect)(qn_vfs *, const qn_map *map, uint64_t offset, uint64_t bytes);
    /* Whole-file lock that dies with the process (OFD lock).  55006 when another holder has it. */
    qn_status (*lock)(qn_vfs *, qn_file *file, bool exclusive, qn_error *err);
    qn_status (*file_bytes)(qn_vfs *, qn_file *file, uint64_t *bytes, qn_error *err);
    /* Wait up to wait_ms until something can be read from a file opened as QN_OPEN_STREAM, or it has ended.  NULL:
     * not offered, and neither is QN_OPEN_STREAM. */
    qn_status (*wait)(qn_vfs *, qn_file *file, int wait_ms, bool *ready, qn_error *err);
    /* The path as it is found from anywhere: a relative one means another file once the process changes its
     * directory.  False when that cannot be told or does not fit.  NULL: paths mean the same everywhere. */
    bool (*absolute)(qn_vfs *, const char *path, char *out, size_t bytes);
};

#define QN_STREAM UINT64_MAX /* offset for sequential reads and appends */

/* The real thing; a shared constant object, never freed. */
qn_vfs *qn_vfs_posix(void);

/* In memory.  Files are contiguous; maps point into them and stay valid until unmap.
 * qn_vfs_memory_crash(vfs, seed): turn the state into what a power loss may leave: synced bytes stay,
 * each unsynced write, rename, create or unlink survives or not by the seed, the last write may tear
 * at 512 bytes; all files are closed. */
qn_status qn_vfs_memory_new(qn_mem *mem, qn_vfs **vfs, qn_error *err);
void      qn_vfs_memory_free(qn_vfs *vfs);
void      qn_vfs_memory_crash(qn_vfs *vfs, uint64_t seed);

typedef enum qn_fault_effect {
    QN_FAULT_EIO,
    QN_FAULT_ENOSPC,
    QN_FAULT_SHORT,      /* a read returns fewer bytes; a write stores half and fails */
    QN_FAULT_TORN,       /* a write stores a prefix cut at 512 bytes and reports success */
    QN_FAULT_DROP,       /* a write or sync does nothing and reports success */
    QN_FAULT_BIT_FLIP,   /* one bit of what is read differs */
    QN_FAULT_CRASH       /* this and all later calls fail */
} qn_fault_effect;

typedef struct qn_fault_plan {
    int             op;      /* qn_vfs_op, or -1 for any */
    uint64_t        nth;     /* counted from 1 among calls of that kind; 0: no fault */
    bool            persist; /* from there on, instead of once */
    qn_fault_effect effect;
    uint64_t        seed;
} qn_fault_plan;

/* Stacked on base, which must outlive it. */
qn_status qn_vfs_fault_new(qn_mem *mem, qn_vfs *base, qn_vfs **vfs, qn_error *err);
void      qn_vfs_fault_free(qn_vfs *vfs);
void      qn_vfs_fault_plan(qn_vfs *vfs, qn_fault_plan plan); /* restarts the counters */
uint64_t  qn_vfs_fault_calls(qn_vfs *vfs, int op);            /* since the last plan; -1: all */
bool      qn_vfs_fault_hit(qn_vfs *vfs);

/* Helpers over any vfs. */
qn_status qn_vfs_read_file(qn_vfs *vfs, const char *path, qn_mem *mem, uint64_t limit_bytes,
                           void **data, size_t *bytes, qn_error *err); /* qn_free(mem, data, bytes + 1); NUL added */
/* Write path.tmp, sync it, rename it over path, sync the directory: the rename is the commit point. */
qn_status qn_vfs_publish(qn_vfs *vfs, const char *dir, const char *name, const void *data,
                         size_t bytes, qn_error *err);
/* The same, telling a failure that surely left the old file in charge (*unsure = false: the disk was
 * full, the temporary could not be created) from one after which either file may be found (a failed
 * sync or rename): whoever relies on the file must then stop writing. */
qn_status qn_vfs_publish_sure(qn_vfs *vfs, const char *dir, const char *name, const void *data,
                              size_t bytes, bool *unsure, qn_error *err);

#endif
