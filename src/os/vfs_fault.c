/* A vfs that misbehaves on order, stacked on another.
 *
 * Calls are counted by kind; the call that the plan names fails, or does less than it says.  An effect
 * that makes no sense for a kind of call (tearing a rename) is an EIO there, so that plans can be
 * enumerated without a table of exceptions.  Close and unmap cannot fail and are not counted;
 * file_bytes counts as STAT.
 *
 * Invariants
 *   - Files and maps are those of the base, except maps with a flipped bit, which are private copies
 *     kept in a list until they are unmapped.
 *   - After QN_FAULT_CRASH has struck, nothing reaches the base until the next plan. */
#include "os/vfs_int.h"

#include <errno.h>
#include <string.h>

#include "base/env.h"
#include "base/assert.h"
#include "base/thread.h"

typedef struct flipped { /* a private copy of a map */
    struct flipped *next;
    qn_map          original;
    char            data[];
} flipped;

typedef struct fault {
    qn_vfs   vfs;
    qn_mem  *mem;
    qn_vfs  *base;
    qn_latch latch; /* guards all below */
    qn_fault_plan plan;
    uint64_t      calls[QN_VFS_OP_COUNT];
    uint64_t      all_calls;
    bool          hit, crashed;
    qn_random     random;
    flipped      *flips;
} fault;

#define NO_FAULT (-1)

static fault *fault_of(qn_vfs *vfs)
{
    return vfs->self;
}

/* Count a call; the effect it must suffer, or NO_FAULT.  *draw is a random number for the effect. */
static int strike(fault *f, qn_vfs_op op, uint64_t *draw)
{
    int effect = NO_FAULT;
    qn_latch_take(&f->latch);
    f->calls[op]++;
    f->all_calls++;
    const qn_fault_plan *plan = &f->plan;
    if (f->crashed) {
        effect = QN_FAULT_CRASH;
    } else if (plan->nth != 0 && (plan->op < 0 || plan->op == (int)op)) {
        uint64_t nth = plan->op < 0 ? f->all_calls : f->calls[op];
        if (nth == plan->nth || (plan->persist && nth > plan->nth)) {
            effect     = plan->effect;
            f->hit     = true;
            f->crashed = effect == QN_FAULT_CRASH;
        }
    }
    *draw = effect == NO_FAULT ? 0 : qn_random_next(&f->random);
    qn_latch_drop(&f->latch);
    return effect;
}

static qn_status struck(int effect, const char *what, const char *path, qn_error *err)
{
    return qn_vfs_errno(err, effect == QN_FAULT_ENOSPC ? ENOSPC : EIO, what, path);
}

#define OPEN_FILE "(open file)"

static qn_status fault_open(qn_vfs *vfs, const char *path, qn_open_mode mode, qn_file **file, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_OPEN, &draw);
    *file           = NULL;
    if (effect != NO_FAULT)
        return qn_vfs_open_failed(err, effect == QN_FAULT_ENOSPC ? ENOSPC : EIO, mode, path);
    return f->base->open(f->base, path, mode, file, err);
}

static void fault_close(qn_vfs *vfs, qn_file *file)
{
    fault *f = fault_of(vfs);
    f->base->close(f->base, file);
}

static void flip_bit(void *data, size_t bytes, uint64_t draw)
{
    if (bytes)
        ((unsigned char *)data)[(draw >> 3) % bytes] ^= (unsigned char)(1u << (draw & 7));
}

static qn_status fault_read(qn_vfs *vfs, qn_file *file, uint64_t offset, void *buffer, size_t bytes,
                            size_t *got, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_READ, &draw);
    *got            = 0;
    if (effect == NO_FAULT)
        return f->base->read(f->base, file, offset, buffer, bytes, got, err);
    if (effect != QN_FAULT_SHORT && effect != QN_FAULT_BIT_FLIP)
        return struck(effect, "read file", OPEN_FILE, err);
    qn_status st = f->base->read(f->base, file, offset, buffer,
                                 effect == QN_FAULT_SHORT ? bytes / 2 : bytes, got, err);
    if (st == QN_OK && effect == QN_FAULT_BIT_FLIP)
        flip_bit(buffer, *got, draw);
    return st;
}

static qn_status fault_write(qn_vfs *vfs, qn_file *file, uint64_t offset, const void *data, size_t bytes,
                             qn_error *err)
{
    fault    *f = fault_of(vfs);
    uint64_t  draw;
    int       effect = strike(f, QN_VFS_WRITE, &draw);
    qn_status st;
    switch (effect) {
    case NO_FAULT: return f->base->write(f->base, file, offset, data, bytes, err);
    case QN_FAULT_DROP: return QN_OK;
    case QN_FAULT_SHORT:
        st = f->base->write(f->base, file, offset, data, bytes / 2, err);
        return st == QN_OK ? qn_vfs_errno(err, ENOSPC, "write to file", OPEN_FILE) : st;
    case QN_FAULT_TORN: return f->base->write(f->base, file, offset, data, draw % (bytes / 512 + 1) * 512, err);
    default: return struck(effect, "write to file", OPEN_FILE, err);
    }
}

static qn_status fault_sync(qn_vfs *vfs, qn_file *file, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_SYNC, &draw);
    if (effect == QN_FAULT_DROP)
        return QN_OK;
    return effect == NO_FAULT ? f->base->sync(f->base, file, err)
                              : struck(effect, "sync file", OPEN_FILE, err);
}

static qn_status fault_sync_dir(qn_vfs *vfs, const char *path, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_SYNC_DIR, &draw);
    if (effect == QN_FAULT_DROP)
        return QN_OK;
    return effect == NO_FAULT ? f->base->sync_dir(f->base, path, err)
                              : struck(effect, "sync directory", path, err);
}

static qn_status fault_truncate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_TRUNCATE, &draw);
    return effect == NO_FAULT ? f->base->truncate(f->base, file, bytes, err)
                              : struck(effect, "truncate file", OPEN_FILE, err);
}

static qn_status fault_allocate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_ALLOCATE, &draw);
    return effect == NO_FAULT ? f->base->allocate(f->base, file, bytes, err)
                              : struck(effect, "allocate space for file", OPEN_FILE, err);
}

static qn_status fault_rename(qn_vfs *vfs, const char *from, const char *to, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_RENAME, &draw);
    return effect == NO_FAULT ? f->base->rename(f->base, from, to, err)
                              : struck(effect, "rename file", from, err);
}

static qn_status fault_unlink(qn_vfs *vfs, const char *path, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_UNLINK, &draw);
    return effect == NO_FAULT ? f->base->unlink(f->base, path, err)
                              : struck(effect, "remove file", path, err);
}

static qn_status fault_stat(qn_vfs *vfs, const char *path, qn_stat *out, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_STAT, &draw);
    return effect == NO_FAULT ? f->base->stat(f->base, path, out, err)
                              : struck(effect, "stat file", path, err);
}

static qn_status fault_list(qn_vfs *vfs, const char *path, bool (*fn)(void *arg, const char *name),
                            void *arg, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_LIST, &draw);
    return effect == NO_FAULT ? f->base->list(f->base, path, fn, arg, err)
                              : struck(effect, "open directory", path, err);
}

static qn_status fault_mkdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_MKDIR, &draw);
    return effect == NO_FAULT ? f->base->mkdir(f->base, path, err)
                              : struck(effect, "create directory", path, err);
}

static qn_status fault_rmdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_RMDIR, &draw);
    return effect == NO_FAULT ? f->base->rmdir(f->base, path, err)
                              : struck(effect, "remove directory", path, err);
}

static qn_status fault_map(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_map *out, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_MAP, &draw);
    *out            = (qn_map){0};
    if (effect != NO_FAULT && effect != QN_FAULT_BIT_FLIP)
        return struck(effect, "map file", OPEN_FILE, err);
    qn_status st = f->base->map(f->base, file, bytes, out, err);
    if (st != QN_OK || effect == NO_FAULT)
        return st;
    flipped *copy = qn_alloc(f->mem, sizeof *copy + out->bytes);
    if (!copy) {
        f->base->unmap(f->base, out);
        return qn_nomem(err);
    }
    copy->original = *out;
    if (out->bytes)
        memcpy(copy->data, out->data, out->bytes);
    flip_bit(copy->data, out->bytes, draw);
    out->data = copy->data;
    qn_latch_take(&f->latch);
    copy->next = f->flips;
    f->flips   = copy;
    qn_latch_drop(&f->latch);
    return QN_OK;
}

static void fault_unmap(qn_vfs *vfs, qn_map *map)
{
    fault *f = fault_of(vfs);
    qn_latch_take(&f->latch);
    flipped **link = &f->flips;
    while (*link && (*link)->data != map->data)
        link = &(*link)->next;
    flipped *copy = *link;
    if (copy)
        *link = copy->next;
    qn_latch_drop(&f->latch);
    if (copy) {
        size_t bytes = sizeof *copy + copy->original.bytes;
        *map         = copy->original;
        qn_free(f->mem, copy, bytes);
    }
    f->base->unmap(f->base, map);
}

static void fault_expect(qn_vfs *vfs, const qn_map *map, uint64_t offset, uint64_t bytes)
{
    fault *f = fault_of(vfs);
    qn_latch_take(&f->latch);
    const flipped *copy = f->flips;
    while (copy && copy->data != map->data)
        copy = copy->next;
    qn_latch_drop(&f->latch);
    if (!copy) /* a copy is no mapping */
        f->base->expect(f->base, map, offset, bytes);
}

static qn_status fault_lock(qn_vfs *vfs, qn_file *file, bool exclusive, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_LOCK, &draw);
    return effect == NO_FAULT ? f->base->lock(f->base, file, exclusive, err)
                              : struck(effect, "lock file", OPEN_FILE, err);
}

static qn_status fault_file_bytes(qn_vfs *vfs, qn_file *file, uint64_t *bytes, qn_error *err)
{
    fault   *f = fault_of(vfs);
    uint64_t draw;
    int      effect = strike(f, QN_VFS_STAT, &draw);
    return effect == NO_FAULT ? f->base->file_bytes(f->base, file, bytes, err)
                              : struck(effect, "stat file", OPEN_FILE, err);
}

static bool fault_absolute(qn_vfs *vfs, const char *path, char *out, size_t bytes)
{
    qn_vfs *base = fault_of(vfs)->base;
    return base->absolute && base->absolute(base, path, out, bytes);
}

qn_status qn_vfs_fault_new(qn_mem *mem, qn_vfs *base, qn_vfs **vfs, qn_error *err)
{
    fault *f = qn_alloc0(mem, sizeof *f);
    *vfs     = NULL;
    if (!f)
        return qn_nomem(err);
    f->mem  = mem;
    f->base = base;
    qn_latch_init(&f->latch);
    f->vfs = (qn_vfs){
        .self = f,
        .small_bytes = base->small_bytes,
        .open = fault_open,
        .close = fault_close,
        .read = fault_read,
        .write = fault_write,
        .sync = fault_sync,
        .sync_dir = fault_sync_dir,
        .truncate = fault_truncate,
        .allocate = fault_allocate,
        .rename = fault_rename,
        .unlink = fault_unlink,
        .stat = fault_stat,
        .list = fault_list,
        .mkdir = fault_mkdir,
        .rmdir = fault_rmdir,
        .map = fault_map,
        .unmap = fault_unmap,
        .expect = fault_expect,
        .lock = fault_lock,
        .absolute = fault_absolute,
        .file_bytes = fault_file_bytes,
    };
    *vfs = &f->vfs;
    return QN_OK;
}

void qn_vfs_fault_free(qn_vfs *vfs)
{
    if (!vfs)
        return;
    fault *f = fault_of(vfs);
    QN_CHECK(f->flips == NULL); /* a map outlives its vfs */
    qn_latch_deinit(&f->latch);
    qn_free(f->mem, f, sizeof *f);
}

void qn_vfs_fault_plan(qn_vfs *vfs, qn_fault_plan plan)
{
    fault *f = fault_of(vfs);
    qn_latch_take(&f->latch);
    f->plan = plan;
    memset(f->calls, 0, sizeof f->calls);
    f->all_calls = 0;
    f->hit = f->crashed = false;
    qn_random_seed(&f->random, plan.seed);
    qn_latch_drop(&f->latch);
}

uint64_t qn_vfs_fault_calls(qn_vfs *vfs, int op)
{
    fault *f = fault_of(vfs);
    qn_latch_take(&f->latch);
    uint64_t calls = op < 0 ? f->all_calls : f->calls[op];
    qn_latch_drop(&f->latch);
    return calls;
}

bool qn_vfs_fault_hit(qn_vfs *vfs)
{
    fault *f = fault_of(vfs);
    qn_latch_take(&f->latch);
    bool hit = f->hit;
    qn_latch_drop(&f->latch);
    return hit;
}
