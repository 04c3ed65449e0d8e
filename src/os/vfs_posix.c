/* The vfs of the operating system.
 *
 * A qn_file is nothing but a descriptor in a pointer's clothes (descriptor + 1), so the vfs is one
 * constant object without state or allocation.  Messages about open files take the name from
 * /proc/self/fd at the moment something fails.
 *
 * Invariants
 *   - Every descriptor is close-on-exec; calls interrupted by a signal are repeated.
 *   - A failed sync is reported once and never retried: the kernel marks the pages clean, and a second
 *     call would succeed without having written them (Rebello et al., "Can Applications Recover from
 *     fsync Failures?", 2020).
 *   - A mapping never reaches beyond the end of its file.  What happens when the file is truncated
 *     later is the business of os/sigbus.h.
 *
 * Files of a database are private to its owner (0600, directories 0700); files written for the user
 * (QN_OPEN_TRUNCATE and QN_OPEN_EXPORT_NEW: COPY TO) are readable as the umask allows. */
#include "os/sigbus.h"
#include "os/vfs_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY(result, call)                                                                        \
    do {                                                                                           \
        (result) = (call);                                                                         \
    } while ((result) < 0 && errno == EINTR)

static int descriptor(const qn_file *file)
{
    return (int)((intptr_t)file - 1);
}

/* The name of an open file, for messages. */
static const char *name_of(const qn_file *file, char *buffer, size_t bytes)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor(file));
    ssize_t n = readlink(link, buffer, bytes - 1);
    if (n < 0)
        snprintf(buffer, bytes, "descriptor %d", descriptor(file));
    else
        buffer[n] = 0;
    return buffer;
}

static qn_status file_failed(const qn_file *file, const char *what, qn_error *err)
{
    int  error_number = errno;
    char name[512];
    return qn_vfs_errno(err, error_number, what, name_of(file, name, sizeof name));
}

static qn_status posix_open(qn_vfs *vfs, const char *path, qn_open_mode mode, qn_file **file, qn_error *err)
{
    (void)vfs;
    *file       = NULL;
    int flags   = O_CLOEXEC;
    int allowed = 0600;
    switch (mode) {
    case QN_OPEN_READ: flags |= O_RDONLY; break;
    case QN_OPEN_STREAM: flags |= O_RDONLY | O_NONBLOCK | O_NOCTTY; break; /* opening must not wait either */
    case QN_OPEN_WRITE: flags |= O_RDWR; break;
    case QN_OPEN_CREATE: flags |= O_RDWR | O_CREAT; break;
    case QN_OPEN_CREATE_NEW: flags |= O_RDWR | O_CREAT | O_EXCL; break;
    case QN_OPEN_TRUNCATE:
        flags |= O_RDWR | O_CREAT | O_TRUNC;
        allowed = 0666;
        break;
    case QN_OPEN_EXPORT_NEW:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        allowed = 0666;
        break;
    }
    int fd;
    RETRY(fd, open(path, flags, allowed));
    if (fd < 0 && errno == EACCES && mode == QN_OPEN_TRUNCATE) /* we may be allowed to write only */
        RETRY(fd, open(path, O_CLOEXEC | O_WRONLY | O_CREAT | O_TRUNC, allowed));
    if (fd < 0)
        return errno == EISDIR ? qn_vfs_is_directory(err, path)
                               : qn_vfs_open_failed(err, errno, mode, path);
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        close(fd);
        return qn_vfs_is_directory(err, path);
    }
    *file = (qn_file *)((intptr_t)fd + 1);
    return QN_OK;
}

static void posix_close(qn_vfs *vfs, qn_file *file)
{
    (void)vfs;
    if (file)
        close(descriptor(file)); /* on Linux the descriptor is gone even after EINTR */
}

static qn_status posix_read(qn_vfs *vfs, qn_file *file, uint64_t offset, void *buffer, size_t bytes,
                            size_t *got, qn_error *err)
{
    *got = 0;
    while (*got < bytes) {
        char   *at = (char *)buffer + *got;
        ssize_t n;
        if (offset == QN_STREAM)
            RETRY(n, read(descriptor(file), at, bytes - *got));
        else
            RETRY(n, pread(descriptor(file), at, bytes - *got, (off_t)(offset + *got)));
        if (n < 0 && errno == EAGAIN) { /* a stream has no more for now */
            bool ready;
            if (*got)
                break;
            qn_status st = vfs->wait(vfs, file, -1, &ready, err);
            if (st != QN_OK)
                return st;
            continue;
        }
        if (n < 0)
            return file_failed(file, "read file", err);
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return QN_OK;
}

/* A pipe that nobody has opened for writing yet has not ended; poll knows the difference, read does not. */
static qn_status posix_wait(qn_vfs *vfs, qn_file *file, int wait_ms, bool *ready, qn_error *err)
{
    (void)vfs;
    struct pollfd one = {.fd = descriptor(file), .events = POLLIN};
    int           n   = poll(&one, 1, wait_ms);
    *ready            = n > 0;
    return n < 0 && errno != EINTR ? file_failed(file, "wait for file", err) : QN_OK;
}

static qn_status posix_write(qn_vfs *vfs, qn_file *file, uint64_t offset, const void *data, size_t bytes,
                             qn_error *err)
{
    (void)vfs;
    size_t put = 0;
    while (put < bytes) {
        const char *at = (const char *)data + put;
        ssize_t     n;
        if (offset == QN_STREAM)
            RETRY(n, write(descriptor(file), at, bytes - put));
        else
            RETRY(n, pwrite(descriptor(file), at, bytes - put, (off_t)(offset + put)));
        if (n == 0) { /* cannot make progress and does not say why */
            errno = ENOSPC;
            n     = -1;
        }
        if (n < 0)
            return file_failed(file, "write to file", err);
        put += (size_t)n;
    }
    return QN_OK;
}

static qn_status posix_sync(qn_vfs *vfs, qn_file *file, qn_error *err)
{
    (void)vfs;
    int rc;
    RETRY(rc, fdatasync(descriptor(file)));
    return rc < 0 ? file_failed(file, "sync file", err) : QN_OK;
}

static qn_status posix_sync_dir(qn_vfs *vfs, const char *path, qn_error *err)
{
    (void)vfs;
    int fd, rc;
    RETRY(fd, open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd < 0)
        return qn_vfs_errno(err, errno, "open directory", path);
    RETRY(rc, fsync(fd));
    int error_number = errno;
    close(fd);
    /* Some file systems have nothing to sync for a directory and say EINVAL. */
    if (rc < 0 && error_number != EINVAL)
        return qn_vfs_errno(err, error_number, "sync directory", path);
    return QN_OK;
}

static qn_status posix_truncate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    (void)vfs;
    int rc;
    RETRY(rc, ftruncate(descriptor(file), (off_t)bytes));
    return rc < 0 ? file_failed(file, "truncate file", err) : QN_OK;
}

static qn_status posix_allocate(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_error *err)
{
    (void)vfs;
    if (bytes == 0)
        return QN_OK;
    int rc;
    do {
        rc = posix_fallocate(descriptor(file), 0, (off_t)bytes);
    } while (rc == EINTR);
    errno = rc;
    return rc ? file_failed(file, "allocate space for file", err) : QN_OK;
}

static qn_status posix_rename(qn_vfs *vfs, const char *from, const char *to, qn_error *err)
{
    (void)vfs;
    if (rename(from, to) == 0)
        return QN_OK;
    int error_number = errno;
    return qn_vfs_errno(err, error_number, "rename file", from);
}

static qn_status posix_unlink(qn_vfs *vfs, const char *path, qn_error *err)
{
    (void)vfs;
    if (unlink(path) == 0 || errno == ENOENT)
        return QN_OK;
    return qn_vfs_errno(err, errno, "remove file", path);
}

static void fill_stat(const struct stat *info, qn_stat *out)
{
    *out = (qn_stat){
        .bytes        = info->st_size > 0 ? (uint64_t)info->st_size : 0,
        .is_directory = S_ISDIR(info->st_mode),
        .is_regular   = S_ISREG(info->st_mode),
        .is_private   = (info->st_mode & 077) == 0,
        .is_alias     = !S_ISDIR(info->st_mode) && info->st_nlink > 1,
        .modified_ns  = (uint64_t)info->st_mtim.tv_sec * 1000000000u + (uint64_t)info->st_mtim.tv_nsec,
    };
}

static qn_status posix_stat(qn_vfs *vfs, const char *path, qn_stat *out, qn_error *err)
{
    (void)vfs;
    struct stat info, name;
    if (stat(path, &info) != 0)
        return qn_vfs_errno(err, errno, "stat file", path);
    fill_stat(&info, out);
    if (lstat(path, &name) == 0 && S_ISLNK(name.st_mode))
        out->is_alias = true;
    return QN_OK;
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static qn_status posix_list(qn_vfs *vfs, const char *path, bool (*fn)(void *arg, const char *name),
                            void *arg, qn_error *err)
{
    (void)vfs;
    struct dirent **entries;
    int             count = scandir(path, &entries, not_dots, compare_entries);
    if (count < 0)
        return qn_vfs_errno(err, errno, "open directory", path);
    bool more = true;
    for (int i = 0; i < count; i++) {
        if (more)
            more = fn(arg, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return QN_OK;
}

static qn_status posix_mkdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    (void)vfs;
    if (mkdir(path, 0700) == 0)
        return QN_OK;
    int         error_number = errno;
    struct stat info;
    if (error_number == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return QN_OK;
    return qn_vfs_errno(err, error_number, "create directory", path);
}

static qn_status posix_rmdir(qn_vfs *vfs, const char *path, qn_error *err)
{
    (void)vfs;
    if (rmdir(path) == 0)
        return QN_OK;
    return qn_vfs_errno(err, errno, "remove directory", path);
}

static qn_status posix_file_bytes(qn_vfs *vfs, qn_file *file, uint64_t *bytes, qn_error *err)
{
    (void)vfs;
    struct stat info;
    if (fstat(descriptor(file), &info) != 0)
        return file_failed(file, "stat file", err);
    *bytes = info.st_size > 0 ? (uint64_t)info.st_size : 0;
    return QN_OK;
}

static qn_status posix_map(qn_vfs *vfs, qn_file *file, uint64_t bytes, qn_map *out, qn_error *err)
{
    *out            = (qn_map){.data = ""};
    uint64_t actual = 0;
    qn_status st    = posix_file_bytes(vfs, file, &actual, err);
    if (st != QN_OK)
        return st;
    if (actual < bytes) {
        char name[512];
        return qn_vfs_truncated(err, name_of(file, name, sizeof name), bytes, actual);
    }
    if (bytes == 0)
        return QN_OK;
    void *data = mmap(NULL, (size_t)bytes, PROT_READ, MAP_SHARED, descriptor(file), 0);
    if (data == MAP_FAILED)
        return file_failed(file, "map file", err);
    qn_watch *watch = qn_sigbus_watch(data, (size_t)bytes);
    *out = (qn_map){data, (size_t)bytes, watch, qn_sigbus_damaged(watch)};
    return QN_OK;
}

static void posix_unmap(qn_vfs *vfs, qn_map *map)
{
    (void)vfs;
    qn_sigbus_unwatch(map->handle);
    if (map->bytes)
        munmap((void *)(uintptr_t)map->data, map->bytes);
    *map = (qn_map){0};
}

/* Tried: populating the page tables along with it (MADV_POPULATE_READ) saves two thirds of the page
 * faults of a first query and costs as much as they do, because the kernel maps 16 pages a fault
 * anyway.  MADV_RANDOM for the rest of the mapping saves nothing more when everything is expected
 * before it is touched, and would have pages that were dropped from the cache come back one by one.
 */
static void posix_expect(qn_vfs *vfs, const qn_map *map, uint64_t offset, uint64_t bytes)
{
    (void)vfs;
    if (offset >= map->bytes || bytes == 0)
        return;
    bytes = bytes < map->bytes - offset ? bytes : map->bytes - offset;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)map->data + offset) & ~(page - 1);
    uintptr_t end = (uintptr_t)map->data + offset + bytes;
    (void)madvise((void *)begin, end - begin, MADV_WILLNEED);
}

static qn_status posix_lock(qn_vfs *vfs, qn_file *file, bool exclusive, qn_error *err)
{
    (void)vfs;
    struct flock lock = {.l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
    int          rc;
    RETRY(rc, fcntl(descriptor(file), F_OFD_SETLK, &lock));
    if (rc == 0)
        return QN_OK;
    if (errno == EAGAIN || errno == EACCES) {
        char name[512];
        return qn_vfs_locked(err, name_of(file, name, sizeof name));
    }
    return file_failed(file, "lock file", err);
}

static bool posix_absolute(qn_vfs *vfs, const char *path, char *out, size_t bytes)
{
    (void)vfs;
    size_t n = 0;
    if (path[0] != '/') {
        if (!getcwd(out, bytes))
            return false;
        n = strlen(out);
        if (n > 1 && n < bytes)
            out[n++] = '/';
    }
    size_t m = strlen(path);
    if (m >= bytes - n)
        return false;
    memcpy(out + n, path, m + 1);
    return true;
}

qn_vfs *qn_vfs_posix(void)
{
    static qn_vfs posix = {
        .small_bytes = 16384,
        .open = posix_open,
        .close = posix_close,
        .read = posix_read,
        .write = posix_write,
        .sync = posix_sync,
        .sync_dir = posix_sync_dir,
        .truncate = posix_truncate,
        .allocate = posix_allocate,
        .rename = posix_rename,
        .unlink = posix_unlink,
        .stat = posix_stat,
        .list = posix_list,
        .mkdir = posix_mkdir,
        .rmdir = posix_rmdir,
        .map = posix_map,
        .unmap = posix_unmap,
        .expect = posix_expect,
        .lock = posix_lock,
        .file_bytes = posix_file_bytes,
        .wait = posix_wait,
        .absolute = posix_absolute,
    };
    return &posix;
}
