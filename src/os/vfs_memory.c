/* A file system in memory that knows what a power loss would leave.
 *
 * It serves two masters: a database in memory, which must not pay for what it does not need, and crash
 * tests, which want every state that POSIX allows.  A file is a contiguous, counted buffer.  Beside its
 * current content stands the synced image, which shares the buffer as long as no byte of it is
 * overwritten (appending never is), and a list of the writes and truncations since the last sync, which
 * refer to the buffer and are given a copy of their bytes only when those are about to be overwritten.
 * So a block file written once and synced is held once.
 *
 * Names are a sorted array of path -> file.  There are two: as programs see them, and as they are
 * durable; changes between the two wait in a list until the directory they happened in is synced.
 * Syncing a file does not make its name durable.
 *
 * A crash starts from the durable names and synced images and applies each pending change or not, by
 * the seed, in order.  The last pending write of a file may be cut at a multiple of 512 bytes.
 *
 * Invariants
 *   - Bytes [0, synced_bytes) of file->synced never change.
 *   - A mapping holds its buffer, so the buffer outlives growth of the file, unlink and crash.
 *   - A handle open at a crash stays valid to be closed; every other call on it is an EIO.
 *
 * Paths are compared after lexical clean-up ("a//b/./c/../d" is "a/b/d"); "." and "/" always exist.
 * One latch guards everything: this is not a file system for many writers. */
#include "os/vfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/env.h"
#include "base/thread.h"

typedef struct content { /* counted bytes */
    uint32_t refs;
    size_t   capacity;
    char    *bytes;
} content;

typedef struct edit { /* an unsynced change of one file */
    uint64_t offset, bytes;
    bool     truncation; /* to `offset` bytes */
    char    *copy;       /* NULL: the bytes still stand in the file's buffer */
} edit;

typedef struct node { /* a file or a directory */
    uint32_t refs;
    bool     directory;
    content *current;
    uint64_t bytes;
    content *synced;
    uint64_t synced_bytes;
    edit    *edits;
    size_t   edit_count, edit_room;
    uint64_t edit_end; /* no pending write reaches beyond */
    uint64_t modified_ns;
    uint32_t shared_locks;
    bool     exclusive_lock;
} node;

typedef struct entry {
    char *path;
    node *node;
} entry;

typedef struct names { /* sorted by path, bytewise */
    entry *entries;
    size_t count, room;
} names;

typedef struct change { /* an unsynced change of names: remove `from`, then let `to` mean the node */
    char *from, *to;    /* either may be NULL */
    node *node;         /* of `to` */
} change;

typedef struct handle { /* what a qn_file is here */
    node *node;         /* NULL: the file was open at a crash */
    bool  writable;
    enum { UNLOCKED, SHARED, EXCLUSIVE } lock;
    uint64_t       position;
    struct handle *next, *previous;
    char           path[]; /* for messages */
} handle;

typedef struct memory {
    qn_vfs   vfs;
    qn_mem  *mem;
    qn_latch latch;
    names    visible, durable;
    change  *changes;
    size_t   change_count, change_room;
    handle  *handles;
    uint64_t ticks; /* modification times: order, not time */
} memory;

static memory *memory_of(qn_vfs *vfs)
{
    return vfs->self;
}

/* ---- content and nodes ---------------------------------------------------------------------- */

static content *content_new(qn_mem *mem, size_t capacity)
{
    content *c = qn_alloc(mem, sizeof *c);
    if (!c)
        return NULL;
    char *bytes = qn_alloc(mem, capacity);
    if (!bytes) {
        qn_free(mem, c, sizeof *c);
        return NULL;
    }
    *c = (content){1, capacity, bytes};
    return c;
}

static void content_unref(qn_mem *mem, content *c)
{
    if (!c || --c->refs)
        return;
    qn_free(mem, c->bytes, c->capacity);
    qn_free(mem, c, sizeof *c);
}

static void edits_drop(qn_mem *mem, node *n)
{
    for (size_t i = 0; i < n->edit_count; i++)
        qn_free(mem, n->edits[i].copy, n->edits[i].bytes);
    n->edit_count = 0;
    n->edit_end   = 0;
}

static void node_unref(qn_mem *mem, node *n)
{
    if (!n || --n->refs)
        return;
    edits_drop(mem, n);
    qn_free(mem, n->edits, n->edit_room * sizeof *n->edits);
    content_unref(mem, n->current);
    content_unref(mem, n->synced);
    qn_free(mem, n, sizeof *n);
}

/* Grow an array by doubling; false when memory is refused. */
static bool grow(qn_mem *mem, void *array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    void **p     = array;
    size_t wider = *room ? *room * 2 : 8;
    void  *q     = qn_realloc(mem, *p, *room * size, wider * size);
    if (!q)
        return false;
    *p    = q;
    *room = wider;
    return true;
}

/* Make the current buffer hold `bytes` and be free to change in [from, bytes). */
static bool node_reserve(qn_mem *mem, node *n, uint64_t from, uint64_t bytes)
{
    if (bytes > PTRDIFF_MAX)
        return false;
    content *c       = n->current;
    bool     shared  = c && n->synced == c && from < n->synced_bytes;
    bool     too_small = !c || c->capacity < bytes;
    if (!shared && !too_small)
        return true;
    size_t capacity = (size_t)bytes;
    if (c && too_small && capacity < c->capacity * 2)
        capacity = c->capacity * 2;
    if (!shared && c && c->refs == 1) { /* nobody looks at the old place */
        char *moved = qn_realloc(mem, c->bytes, c->capacity, capacity);
        if (!moved)
            return false;
        c->bytes    = moved;
        c->capacity = capacity;
        return true;
    }
    content *fresh = content_new(mem, capacity ? capacity : 1);
    if (!fresh)
        return false;
    if (n->bytes)
        memcpy(fresh->bytes, c->bytes, (size_t)n->bytes);
    content_unref(mem, c);
    n->current = fresh;
    return true;
}

/* Give pending writes that overlap [offset, end) their own copy of what they wrote. */
static bool edits_keep(qn_mem *mem, node *n, uint64_t offset, uint64_t end)
{
    if (offset >= n->edit_end)
        return true;
    for (size_t i = 0; i < n->edit_count; i++) {
        edit *e = &n->edits[i];
        if (e->truncation || e->copy || e->offset >= end || e->offset + e->bytes <= offset)
            continue;
        char *copy = qn_alloc(mem, (size_t)e->bytes);
        if (!copy)
            return false;
        memcpy(copy, n->current->bytes + e->offset, (size_t)e->bytes);
        e->copy = copy;
    }
    return true;
}

/* All or nothing: on failure the content is as before. */
static bool node_write(qn_mem *mem, node *n, uint64_t offset, const void *data, size_t bytes)
{
    uint64_t end;
    if (bytes == 0)
        return true;
    if (__builtin_add_overflow(offset, (uint64_t)bytes, &end))
        return false;
    uint64_t from = offset < n->bytes ? offset : n->bytes; /* a gap is filled with zeros */
    if (!grow(mem, &n->edits, &n->edit_room, n->edit_count, sizeof *n->edits) ||
        !edits_keep(mem, n, from, end) || !node_reserve(mem, n, from, end > n->bytes ? end : n->bytes))
        return false;
    if (offset > n->bytes)
        memset(n->current->bytes + n->bytes, 0, (size_t)(offset - n->bytes));
    memcpy(n->current->bytes + offset, data, bytes);
    n->edits[n->edit_count++] = (edit){.offset = offset, .bytes = bytes};
    if (end > n->edit_end)
        n->edit_end = end;
    if (end > n->bytes)
        n->bytes = end;
    return true;
}

static bool node_truncate(qn_mem *mem, node *n, uint64_t bytes)
{
    if (!grow(mem, &n->edits, &n->edit_room, n->edit_count, sizeof *n->edits))
        return false;
    if (bytes > n->bytes) {
        if (!edits_keep(mem, n, n->bytes, bytes) || !node_reserve(mem, n, n->bytes, bytes))
            return false;
        memset(n->current->bytes + n->bytes, 0, (size_t)(bytes - n->bytes));
    } else if (!edits_keep(mem, n, bytes, UINT64_MAX)) {
        return false;
    }
    n->edits[n->edit_count++] = (edit){.offset = bytes, .truncation = true};
    n->bytes                  = bytes;
    return true;
}

static void node_sync(qn_mem *mem, node *n)
{
    edits_drop(mem, n);
    if (n->current)
        n->current->refs++;
    content_unref(mem, n->synced);
    n->synced       = n->current;
    n->synced_bytes = n->bytes;
}

/* ---- names ---------------------------------------------------------------------------------- */

#define PATH_BYTES 4096

/* Lexical clean-up; false when the path is too long or empty.  The root of all is "" or "/". */
static bool clean_path(const char *path, char out[PATH_BYTES])
{
    size_t n        = 0;
    bool   absolute = path[0] == '/';
    if (path[0] == 0)
        return false;
    if (absolute)
        out[n++] = '/';
    size_t root = n;
    while (*path) {
        size_t length = strcspn(path, "/");
        if (length == 2 && memcmp(path, "..", 2) == 0 && n > root) {
            while (n > root && out[n - 1] != '/')
                n--;
            if (n > root)
                n--;
        } else if (length && !(length == 1 && path[0] == '.')) {
            if (n + length + 2 > PATH_BYTES)
                return false;
            if (n > root)
                out[n++] = '/';
            memcpy(out + n, path, length);
            n += length;
        }
        path += length;
        path += strspn(path, "/");
    }
    out[n] = 0;
    return true;
}

static bool is_root(const char *path)
{
    return path[0] == 0 || strcmp(path, "/") == 0;
}

/* Where path stands or would stand. */
static size_t names_find(const names *set, const char *path, bool *found)
{
    size_t lo = 0, hi = set->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strcmp(set->entries[mid].path, path) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *found = lo < set->count && strcmp(set->entries[lo].path, path) == 0;
    return lo;
}

static node *names_get(const names *set, const char *path)
{
    bool   found;
    size_t i = names_find(set, path, &found);
    return found ? set->entries[i].node : NULL;
}

/* Let path mean n, which gains a reference; what it meant before loses one. */
static bool names_set(qn_mem *mem, names *set, const char *path, node *n)
{
    bool   found;
    size_t i = names_find(set, path, &found);
    if (found) {
        n->refs++;
        node_unref(mem, set->entries[i].node);
        set->entries[i].node = n;
        return true;
    }
    if (!grow(mem, &set->entries, &set->room, set->count, sizeof *set->entries))
        return false;
    char *copy = qn_mem_strdup(mem, path);
    if (!copy)
        return false;
    memmove(set->entries + i + 1, set->entries + i, (set->count - i) * sizeof *set->entries);
    n->refs++;
    set->entries[i] = (entry){copy, n};
    set->count++;
    return true;
}

static void names_remove(qn_mem *mem, names *set, const char *path)
{
    bool   found;
    size_t i = names_find(set, path, &found);
    if (!found)
        return;
    entry gone = set->entries[i];
    set->count--;
    memmove(set->entries + i, set->entries + i + 1, (set->count - i) * sizeof *set->entries);
    qn_free(mem, gone.path, strlen(gone.path) + 1);
    node_unref(mem, gone.node);
}

static void names_deinit(qn_mem *mem, names *set)
{
    while (set->count)
        names_remove(mem, set, set->entries[set->count - 1].path);
    qn_free(mem, set->entries, set->room * sizeof *set->entries);
    *set = (names){0};
}

/* Length of the directory part of a clean path. */
static size_t parent_length(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    return slash == path ? 1 : (size_t)(slash - path);
}

static bool is_in_directory(const char *path, const char *directory)
{
    size_t n = parent_length(path);
    return strlen(directory) == n && memcmp(path, directory, n) == 0 && !is_root(path);
}

static bool directory_exists(const memory *m, const char *path)
{
    if (is_root(path))
        return true;
    const node *n = names_get(&m->visible, path);
    return n && n->directory;
}

static bool parent_exists(const memory *m, const char *path)
{
    char parent[PATH_BYTES];
    size_t n = parent_length(path);
    memcpy(parent, path, n);
    parent[n] = 0;
    return directory_exists(m, parent);
}

static void change_drop(qn_mem *mem, change *c)
{
    if (c->from)
        qn_free(mem, c->from, strlen(c->from) + 1);
    if (c->to)
        qn_free(mem, c->to, strlen(c->to) + 1);
    node_unref(mem, c->node);
}

/* Remember a change of names until its directory is synced. */
static bool change_record(memory *m, const char *from, const char *to, node *n)
{
    if (!grow(m->mem, &m->changes, &m->change_room, m->change_count, sizeof *m->changes))
        return false;
    change c = {0};
    if ((from && !(c.from = qn_mem_strdup(m->mem, from))) ||
        (to && !(c.to = qn_mem_strdup(m->mem, to)))) {
        change_drop(m->mem, &c);
        return false;
    }
    if (n)
        n->refs++;
    c.node                        = n;
    m->changes[m->change_count++] = c;
    return true;
}

static void change_forget_last(memory *m)
{
    change_drop(m->mem, &m->changes[--m->change_count]);
}

/* Change what programs see and remember it; false when memory is refused, nothing changed. */
static bool rename_visible(memory *m, const char *from, const char *to, node *n)
{
    if (!change_record(m, from, to, n))
        return false;
    if (to && !names_set(m->mem, &m->visible, to, n)) {
        change_forget_last(m);
        return false;
    }
    if (from)
        names_remove(m->mem, &m->visible, from);
    return true;
}

/* ---- the calls ------------------------------------------------------------------------------ */

static qn_status bad_path(qn_error *err, const char *what, const char *path)
{
    return qn_vfs_errno(err, path[0] ? ENAMETOOLONG : ENOENT, what, path);
}

static qn_status no_space(qn_error *err, const char *path)
{
    (void)path;
    return qn_nomem(err);
}

static handle *handle_of(qn_file *file)
{
    return (handle *)(void *)file;
}

static qn_status handle_new(memory *m, node *n, const char *path, bool writable, qn_file **file,
                            qn_error *err)
{
    size_t  bytes = strlen(path) + 1;
    handle *h     = qn_alloc0(m->mem, sizeof *h + bytes);
    if (!h)
        return qn_nomem(err);
    n->refs++;
    h->node     = n;
    h->writable = writable;
    memcpy(h->path, path, bytes);
    h->next = m->handles;
    if (h->next)
        h->next->previous = h;
    m->handles = h;
    *file      = (qn_file *)(void *)h;
    return QN_OK;
}

static qn_status open_locked(memory *m, const char *path, const char *clean, qn_open_mode mode,
                             qn_file **file, qn_error *err)
{
    node *n       = names_get(&m->visible, clean);
    bool  created = false;
    bool  create  = mode != QN_OPEN_READ && mode != QN_OPEN_WRITE;
    if (is_root(clean) || (n && n->directory))
        return qn_vfs_is_directory(err, path);
    if (n && (mode == QN_OPEN_CREATE_NEW || mode == QN_OPEN_EXPORT_NEW))
        return qn_vfs_open_failed(err, EEXIST, mode, path);
    if (!n && (!create || !parent_exists(m, clean)))
        return qn_vfs_open_failed(err, ENOENT, mode, path);
    if (!n) {
        n = qn_alloc0(m->mem, sizeof *n);
        if (!n)
            return qn_nomem(err);
        n->refs        = 1;
        n->modified_ns = ++m->ticks;
        created        = rename_visible(m, NULL, clean, n);
        node_unref(m->mem, n);
        if (!created)
            return qn_nomem(err);
    } else if (mode == QN_OPEN_TRUNCATE && !node_truncate(m->mem, n, 0)) {
        return qn_nomem(err);
    }
    qn_status st = handle_new(m, n, path, mode != QN_OPEN_READ, file, err);
    if (st != QN_OK && created) {
        change_forget_last(m);
        names_remove(m->mem, &m->visible, clean);
    }
    return st;
}

static qn_status memory_open(qn_vfs *vfs, const char *path, qn_open_mode mode, qn_file **file, qn_error *err)
{
    memory *m = memory_of(vfs);
    char    clean[PATH_BYTES];
    *file = NULL;
    if (!clean_path(path, clean))
        return qn_vfs_open_failed(err, path[0] ? ENAMETOOLONG : ENOENT, mode, path);
    qn_latch_take(&m->latch);
    qn_status st = open_locked(m, path, clean, mode, file, err);
    qn_latch_drop(&m->latch);
    return st;
}

static void unlock_locked(handle *h)
{
    if (h->node && h->lock == SHARED)
        h->node->shared_locks--;
    if (h->node && h->lock == EXCLUSIVE)
        h->node->exclusive_lock = false;
    h->lock = UNLOCKED;
}

static void memory_close(qn_vfs *vfs, qn_file *file)
{
    memory *m = memory_of(vfs);
    handle *h = handle_of(file);
    if (!h)
        return;
    qn_latch_take(&m->latch);
    unlock_locked(h);
    node_unref(m->mem, h->node);
    *(h->previous ? &h->previous->next : &m->handles) = h->next;
    if (h->next)
        h->next->previous = h->previous;
    qn_free(m->mem, h, sizeof *h + strlen(h->path) + 1);
    qn_latch_drop(&m->latch);
}

static qn_status memory_read(qn_vfs *vfs, qn_file *file, uint64_t offset, void *buffer, size_t bytes,
                             size_t *got, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    handle   *h  = handle_of(file);
    qn_status st = QN_OK;
    *got         = 0;
    qn_latch_take(&m->latch);
    if (h->node) {
        uint64_t at   = offset == QN_STREAM ? h->position : offset;
        uint64_t rest = at < h->node->bytes ? h->node->bytes - at : 0;
        *got          = rest < bytes ? (size_t)rest : bytes;
        if (*got)
            memcpy(buffer, h->node->current->bytes + at, *got);
        if (offset == QN_STREAM)
            h->position += *got;
    } else {
        st = qn_vfs_errno(err, EIO, "read file", h->path);
    }
    qn_latch_drop(&m->latch);
    return st;
}

/* A call that changes an open file: EIO after a crash, EBADF when open for reading. */
static qn_status writable_locked(const handle *h, const char *what, qn_error *err)
{
    if (!h->node)
        return qn_vfs_errno(err, EIO, what, h->path);
    if (!h->writable)
        return qn_vfs_errno(err, EBADF, what, h->path);
    return QN_OK;
}

static qn_status memory_write(qn_vfs *vfs, qn_file *file, uint64_t offset, const void *data, size_t bytes,
                              qn_error *err)
{
    memory *m = memory_of(vfs);
    handle *h = handle_of(file);
    qn_latch_take(&m->latch);
    qn_status st = writable_locked(h, "write to file", err);
    if (st == QN_OK) {
        uint64_t at = offset == QN_STREAM ? h->position : offset;
        if (!node_write(m->mem, h->node, at, data, bytes))
            st = no_space(err, h->path);
        else if (offset == QN_STREAM)
            h->position += bytes;
        h->node->modified_ns = ++m->ticks;
    }
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_sync(qn_vfs *vfs, qn_file *file, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    handle   *h  = handle_of(file);
    qn_status st = QN_OK;
    qn_latch_take(&m->latch);
    if (h->node)
        node_sync(m->mem, h->node);
    else
        st = qn_vfs_errno(err, EIO, "sync file", h->path);
    qn_latch_drop(&m->latch);
    return st;
}

/* Apply one change of names to the durable set. */
static bool change_apply(qn_mem *mem, names *durable, const change *c)
{
    if (c->to && !names_set(mem, durable, c->to, c->node))
        return false;
    if (c->from)
        names_remove(mem, durable, c->from);
    return true;
}

static qn_status memory_sync_dir(qn_vfs *vfs, const char *path, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    qn_status st = QN_OK;
    char      clean[PATH_BYTES];
    if (!clean_path(path, clean))
        return bad_path(err, "open directory", path);
    qn_latch_take(&m->latch);
    if (!directory_exists(m, clean))
        st = qn_vfs_errno(err, ENOENT, "open directory", path);
    size_t kept = 0;
    for (size_t i = 0; i < m->change_count; i++) {
        change *c    = &m->changes[i];
        bool    here = (c->from && is_in_directory(c->from, clean)) || (c->to && is_in_directory(c->to, clean));
        if (st == QN_OK && here) {
            if (change_apply(m->mem, &m->durable, c)) {
                change_drop(m->mem, c);
                continue;
            }
            st = qn_nomem(err);
        }
        m->changes[kept++] = *c;
    }
    m->change_count = kept;
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_truncate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    memory *m = memory_of(vfs);
    handle *h = handle_of(file);
    qn_latch_take(&m->latch);
    qn_status st = writable_locked(h, "truncate file", err);
    if (st == QN_OK && !node_truncate(m->mem, h->node, bytes))
        st = no_space(err, h->path);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_allocate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    memory *m = memory_of(vfs);
    handle *h = handle_of(file);
    qn_latch_take(&m->latch);
    qn_status st = writable_locked(h, "allocate space for file", err);
    if (st == QN_OK && bytes > h->node->bytes && !node_truncate(m->mem, h->node, bytes))
        st = no_space(err, h->path);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status rename_locked(memory *m, const char *path, const char *from, const char *to, qn_error *err)
{
    node *n      = names_get(&m->visible, from);
    node *target = names_get(&m->visible, to);
    if (!n || !parent_exists(m, to))
        return qn_vfs_errno(err, ENOENT, "rename file", path);
    if (n->directory) /* nobody renames directories; their entries are not rewritten */
        return qn_vfs_errno(err, ENOTSUP, "rename file", path);
    if (is_root(to) || (target && target->directory))
        return qn_vfs_errno(err, EISDIR, "rename file", path);
    if (n == target)
        return QN_OK;
    return rename_visible(m, from, to, n) ? QN_OK : qn_nomem(err);
}

static qn_status memory_rename(qn_vfs *vfs, const char *from, const char *to, qn_error *err)
{
    memory *m = memory_of(vfs);
    char    clean_from[PATH_BYTES], clean_to[PATH_BYTES];
    if (!clean_path(from, clean_from) || !clean_path(to, clean_to))
        return bad_path(err, "rename file", from);
    qn_latch_take(&m->latch);
    qn_status st = rename_locked(m, from, clean_from, clean_to, err);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_unlink(qn_vfs *vfs, const char *path, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    qn_status st = QN_OK;
    char      clean[PATH_BYTES];
    if (!clean_path(path, clean))
        return bad_path(err, "remove file", path);
    qn_latch_take(&m->latch);
    node *n = names_get(&m->visible, clean);
    if (is_root(clean) || (n && n->directory))
        st = qn_vfs_errno(err, EISDIR, "remove file", path);
    else if (n && !rename_visible(m, clean, NULL, NULL))
        st = qn_nomem(err);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_stat(qn_vfs *vfs, const char *path, qn_stat *out, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    qn_status st = QN_OK;
    char      clean[PATH_BYTES];
    if (!clean_path(path, clean))
        return bad_path(err, "stat file", path);
    qn_latch_take(&m->latch);
    const node *n = names_get(&m->visible, clean);
    if (is_root(clean))
        *out = (qn_stat){.is_directory = true};
    else if (n)
        *out = (qn_stat){.bytes        = n->bytes,
                         .is_directory = n->directory,
                         .is_regular   = !n->directory,
                         .modified_ns  = n->modified_ns};
    else
        st = qn_vfs_errno(err, ENOENT, "stat file", path);
    qn_latch_drop(&m->latch);
    return st;
}

/* The callback may call the vfs again, so the names are copied first. */
static qn_status memory_list(qn_vfs *vfs, const char *path, bool (*fn)(void *arg, const char *name),
                             void *arg, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    qn_status st = QN_OK;
    char      clean[PATH_BYTES];
    qn_arena  arena;
    if (!clean_path(path, clean))
        return bad_path(err, "open directory", path);
    qn_arena_init(&arena, m->mem);
    const char **found = NULL;
    size_t       count = 0;
    qn_latch_take(&m->latch);
    if (!directory_exists(m, clean)) {
        st = qn_vfs_errno(err, names_get(&m->visible, clean) ? ENOTDIR : ENOENT, "open directory", path);
    } else if (!(found = qn_arena_alloc(&arena, qn_mul(m->visible.count, sizeof *found)))) {
        st = qn_nomem(err);
    }
    for (size_t i = 0; st == QN_OK && i < m->visible.count; i++) {
        const char *name = m->visible.entries[i].path;
        if (!is_in_directory(name, clean))
            continue;
        const char *slash = strrchr(name, '/');
        if (!(found[count++] = qn_arena_strdup(&arena, slash ? slash + 1 : name)))
            st = qn_nomem(err);
    }
    qn_latch_drop(&m->latch);
    for (size_t i = 0; st == QN_OK && i < count; i++) {
        if (!fn(arg, found[i]))
            break;
    }
    qn_arena_deinit(&arena);
    return st;
}

static qn_status mkdir_locked(memory *m, const char *path, const char *clean, qn_error *err)
{
    node *n = names_get(&m->visible, clean);
    if (is_root(clean) || (n && n->directory))
        return QN_OK;
    if (n || !parent_exists(m, clean))
        return qn_vfs_errno(err, n ? EEXIST : ENOENT, "create directory", path);
    if (!(n = qn_alloc0(m->mem, sizeof *n)))
        return qn_nomem(err);
    n->refs        = 1;
    n->directory   = true;
    n->modified_ns = ++m->ticks;
    bool made      = rename_visible(m, NULL, clean, n);
    node_unref(m->mem, n);
    return made ? QN_OK : qn_nomem(err);
}

static qn_status memory_mkdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    memory *m = memory_of(vfs);
    char    clean[PATH_BYTES];
    if (!clean_path(path, clean))
        return bad_path(err, "create directory", path);
    qn_latch_take(&m->latch);
    qn_status st = mkdir_locked(m, path, clean, err);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status rmdir_locked(memory *m, const char *path, const char *clean, qn_error *err)
{
    const node *n = names_get(&m->visible, clean);
    if (!n || !n->directory)
        return qn_vfs_errno(err, n ? ENOTDIR : ENOENT, "remove directory", path);
    for (size_t i = 0; i < m->visible.count; i++) {
        if (is_in_directory(m->visible.entries[i].path, clean))
            return qn_vfs_errno(err, ENOTEMPTY, "remove directory", path);
    }
    return rename_visible(m, clean, NULL, NULL) ? QN_OK : qn_nomem(err);
}

static qn_status memory_rmdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    memory *m = memory_of(vfs);
    char    clean[PATH_BYTES];
    if (!clean_path(path, clean))
        return bad_path(err, "remove directory", path);
    qn_latch_take(&m->latch);
    qn_status st = rmdir_locked(m, path, clean, err);
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_map(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_map *out, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    handle   *h  = handle_of(file);
    qn_status st = QN_OK;
    *out         = (qn_map){.data = ""};
    qn_latch_take(&m->latch);
    if (!h->node) {
        st = qn_vfs_errno(err, EIO, "map file", h->path);
    } else if (h->node->bytes < bytes) {
        st = qn_vfs_truncated(err, h->path, bytes, h->node->bytes);
    } else if (bytes) {
        content *c = h->node->current;
        c->refs++;
        *out = (qn_map){c->bytes, (size_t)bytes, c, NULL};
    }
    qn_latch_drop(&m->latch);
    return st;
}

static void memory_unmap(qn_vfs *vfs, qn_map *map)
{
    memory *m = memory_of(vfs);
    qn_latch_take(&m->latch);
    content_unref(m->mem, map->handle);
    qn_latch_drop(&m->latch);
    *map = (qn_map){0};
}

static void memory_expect(qn_vfs *vfs, const qn_map *map, uint64_t offset, uint64_t bytes)
{
    (void)vfs;
    (void)map;
    (void)offset;
    (void)bytes; /* everything is here already */
}

static qn_status memory_lock(qn_vfs *vfs, qn_file *file, bool exclusive, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    handle   *h  = handle_of(file);
    qn_status st = QN_OK;
    qn_latch_take(&m->latch);
    node *n = h->node;
    if (!n) {
        st = qn_vfs_errno(err, EIO, "lock file", h->path);
    } else {
        uint32_t others_shared    = n->shared_locks - (h->lock == SHARED);
        bool     others_exclusive = n->exclusive_lock && h->lock != EXCLUSIVE;
        if (others_exclusive || (exclusive && others_shared)) {
            st = qn_vfs_locked(err, h->path);
        } else {
            unlock_locked(h);
            h->lock = exclusive ? EXCLUSIVE : SHARED;
            if (exclusive)
                n->exclusive_lock = true;
            else
                n->shared_locks++;
        }
    }
    qn_latch_drop(&m->latch);
    return st;
}

static qn_status memory_file_bytes(qn_vfs *vfs, qn_file *file, uint64_t *bytes, qn_error *err)
{
    memory   *m  = memory_of(vfs);
    handle   *h  = handle_of(file);
    qn_status st = QN_OK;
    qn_latch_take(&m->latch);
    if (h->node)
        *bytes = h->node->bytes;
    else
        st = qn_vfs_errno(err, EIO, "stat file", h->path);
    qn_latch_drop(&m->latch);
    return st;
}

/* ---- life and death ------------------------------------------------------------------------- */

qn_status qn_vfs_memory_new(qn_mem *mem, qn_vfs **vfs, qn_error *err)
{
    memory *m = qn_alloc0(mem, sizeof *m);
    *vfs      = NULL;
    if (!m)
        return qn_nomem(err);
    m->mem = mem;
    qn_latch_init(&m->latch);
    m->vfs = (qn_vfs){
        .self = m,
        .open = memory_open,
        .close = memory_close,
        .read = memory_read,
        .write = memory_write,
        .sync = memory_sync,
        .sync_dir = memory_sync_dir,
        .truncate = memory_truncate,
        .allocate = memory_allocate,
        .rename = memory_rename,
        .unlink = memory_unlink,
        .stat = memory_stat,
        .list = memory_list,
        .mkdir = memory_mkdir,
        .rmdir = memory_rmdir,
        .map = memory_map,
        .unmap = memory_unmap,
        .expect = memory_expect,
        .lock = memory_lock,
        .file_bytes = memory_file_bytes,
    };
    *vfs = &m->vfs;
    return QN_OK;
}

void qn_vfs_memory_free(qn_vfs *vfs)
{
    if (!vfs)
        return;
    memory *m = memory_of(vfs);
    QN_CHECK(m->handles == NULL); /* a file is still open */
    while (m->change_count)
        change_forget_last(m);
    qn_free(m->mem, m->changes, m->change_room * sizeof *m->changes);
    names_deinit(m->mem, &m->visible);
    names_deinit(m->mem, &m->durable);
    qn_latch_deinit(&m->latch);
    qn_free(m->mem, m, sizeof *m);
}

/* The file as the disk has it: the synced image and a random part of the pending edits.  Without
 * memory for it, all edits are lost, which is one of the outcomes a crash may have. */
static void node_crash(qn_mem *mem, node *n, qn_random *random)
{
    uint64_t most = n->synced_bytes;
    for (size_t i = 0; i < n->edit_count; i++) {
        uint64_t end = n->edits[i].offset + n->edits[i].bytes;
        most         = end > most ? end : most;
    }
    content *image = most ? content_new(mem, (size_t)most) : NULL;
    uint64_t bytes = n->synced_bytes;
    if (image) {
        memset(image->bytes, 0, (size_t)most);
        if (n->synced_bytes)
            memcpy(image->bytes, n->synced->bytes, (size_t)n->synced_bytes);
        for (size_t i = 0; i < n->edit_count; i++) {
            const edit *e = &n->edits[i];
            if (qn_random_next(random) & 1)
                continue;
            if (e->truncation) {
                if (e->offset < bytes)
                    memset(image->bytes + e->offset, 0, (size_t)(bytes - e->offset));
                bytes = e->offset;
                continue;
            }
            uint64_t kept = e->bytes;
            if (i + 1 == n->edit_count && (qn_random_next(random) & 1)) {
                uint64_t end = e->offset + qn_random_below(random, e->bytes + 1);
                end -= end % 512;
                kept = end > e->offset ? end - e->offset : 0;
            }
            const char *from = e->copy ? e->copy : n->current->bytes + e->offset;
            memcpy(image->bytes + e->offset, from, (size_t)kept);
            if (kept && e->offset + kept > bytes)
                bytes = e->offset + kept;
        }
    } else if (n->synced) {
        image = n->synced;
        image->refs++;
    }
    edits_drop(mem, n);
    content_unref(mem, n->current);
    content_unref(mem, n->synced);
    n->current = image;
    n->synced  = image;
    if (image)
        image->refs++;
    n->bytes = n->synced_bytes = bytes;
}

/* Programs see again what is durable. */
static void show_durable(memory *m)
{
    while (m->visible.count)
        names_remove(m->mem, &m->visible, m->visible.entries[m->visible.count - 1].path);
    for (size_t i = 0; i < m->durable.count; i++) {
        const entry *e = &m->durable.entries[i];
        QN_CHECK(names_set(m->mem, &m->visible, e->path, e->node)); /* a test without memory to run in */
    }
}

static bool parent_is_durable(const memory *m, const char *path)
{
    char   parent[PATH_BYTES];
    size_t n = parent_length(path);
    memcpy(parent, path, n);
    parent[n]         = 0;
    const node *found = is_root(parent) ? NULL : names_get(&m->durable, parent);
    return is_root(parent) || (found && found->directory);
}

void qn_vfs_memory_crash(qn_vfs *vfs, uint64_t seed)
{
    memory   *m = memory_of(vfs);
    qn_random random;
    qn_random_seed(&random, seed);
    qn_latch_take(&m->latch);
    for (handle *h = m->handles; h; h = h->next) {
        unlock_locked(h);
        node_unref(m->mem, h->node);
        h->node = NULL;
    }
    for (size_t i = 0; i < m->change_count; i++) {
        const change *c = &m->changes[i];
        if (qn_random_next(&random) & 1)
            QN_CHECK(change_apply(m->mem, &m->durable, c));
    }
    while (m->change_count)
        change_forget_last(m);
    /* A name in a directory that did not survive did not either.  Parents sort before children. */
    for (size_t i = 0; i < m->durable.count;) {
        if (parent_is_durable(m, m->durable.entries[i].path))
            i++;
        else
            names_remove(m->mem, &m->durable, m->durable.entries[i].path);
    }
    for (size_t i = 0; i < m->durable.count; i++)
        node_crash(m->mem, m->durable.entries[i].node, &random);
    show_durable(m);
    qn_latch_drop(&m->latch);
}
