/* Helpers over any vfs: wording of errors, whole files in, whole files out by rename. */
#include "os/vfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static qn_sqlstate state_of(int error_number)
{
    switch (error_number) {
    case ENOENT: return QN_SQLSTATE_UNDEFINED_FILE;
    case EEXIST: return QN_SQLSTATE_DUPLICATE_FILE;
    case ENOSPC:
    case EDQUOT: return QN_SQLSTATE_DISK_FULL;
    case ENOTDIR: return QN_SQLSTATE_WRONG_OBJECT_TYPE;
    case ENOMEM: return QN_SQLSTATE_OUT_OF_MEMORY;
    default: return QN_SQLSTATE_IO_ERROR;
    }
}

qn_status qn_vfs_errno(qn_error *err, int error_number, const char *what, const char *path)
{
    return qn_fail(err, state_of(error_number), "could not %s \"%s\": %s", what, path,
                   strerror(error_number));
}

qn_status qn_vfs_open_failed(qn_error *err, int error_number, qn_open_mode mode, const char *path)
{
    bool        create  = mode == QN_OPEN_CREATE || mode == QN_OPEN_CREATE_NEW || mode == QN_OPEN_EXPORT_NEW;
    bool        reading = mode == QN_OPEN_READ || mode == QN_OPEN_STREAM;
    const char *purpose = reading ? " for reading" : create ? "" : " for writing";
    return qn_fail(err, state_of(error_number), "could not %s file \"%s\"%s: %s",
                   create ? "create" : "open", path, purpose, strerror(error_number));
}

qn_status qn_vfs_truncated(qn_error *err, const char *path, uint64_t wanted, uint64_t bytes)
{
    return qn_corrupt(err, "file \"%s\" is truncated: %llu bytes expected, %llu found", path,
                      (unsigned long long)wanted, (unsigned long long)bytes);
}

qn_status qn_vfs_locked(qn_error *err, const char *path)
{
    return qn_fail(err, QN_SQLSTATE_OBJECT_IN_USE, "file \"%s\" is locked by another process", path);
}

qn_status qn_vfs_is_directory(qn_error *err, const char *path)
{
    return qn_fail(err, QN_SQLSTATE_WRONG_OBJECT_TYPE, "\"%s\" is a directory", path);
}

qn_status qn_vfs_read_file(qn_vfs *vfs, const char *path, qn_mem *mem, uint64_t limit_bytes, void **data,
                           size_t *bytes, qn_error *err)
{
    qn_status st   = QN_OK;
    qn_file  *file = NULL;
    char     *text = NULL;
    uint64_t  size = 0;
    size_t    got  = 0;

    *data  = NULL;
    *bytes = 0;
    QN_TRY(vfs->open(vfs, path, QN_OPEN_READ, &file, err));
    QN_TRY(vfs->file_bytes(vfs, file, &size, err));
    if (size > limit_bytes || size >= PTRDIFF_MAX) {
        st = qn_fail(err, QN_SQLSTATE_PROGRAM_LIMIT, "file \"%s\" is too large: %llu bytes, limit %llu",
                     path, (unsigned long long)size, (unsigned long long)limit_bytes);
        goto done;
    }
    QN_ALLOC(err, text = qn_alloc(mem, (size_t)size + 1));
    QN_TRY(vfs->read(vfs, file, 0, text, (size_t)size, &got, err));
    if (got != size) {
        st = qn_vfs_truncated(err, path, size, got);
        goto done;
    }
    text[size] = 0;
    *data      = text;
    *bytes     = (size_t)size;
    text       = NULL;
done:
    qn_free(mem, text, (size_t)size + 1);
    vfs->close(vfs, file);
    return st;
}

qn_status qn_vfs_publish_sure(qn_vfs *vfs, const char *dir, const char *name, const void *data,
                              size_t bytes, bool *unsure, qn_error *err)
{
    qn_status st   = QN_OK;
    qn_file  *file = NULL;
    bool      temp = false;
    char      path[4096], temporary[4096];

    *unsure = false;
    int n   = snprintf(path, sizeof path, "%s/%s", dir, name);
    int m   = snprintf(temporary, sizeof temporary, "%s/%s.tmp", dir, name);
    if (n < 0 || m < 0 || (size_t)m >= sizeof temporary)
        return qn_fail(err, QN_SQLSTATE_IO_ERROR, "path \"%s/%s\" is too long", dir, name);

    QN_TRY(vfs->unlink(vfs, temporary, err)); /* what a crash may have left */
    QN_TRY(vfs->open(vfs, temporary, QN_OPEN_CREATE_NEW, &file, err));
    temp = true;
    QN_TRY(vfs->write(vfs, file, 0, data, bytes, err));
    *unsure = true; /* from here on a failure may have happened after the deed */
    QN_TRY(vfs->sync(vfs, file, err));
    vfs->close(vfs, file);
    file = NULL;
    QN_TRY(vfs->rename(vfs, temporary, path, err));
    temp = false;
    QN_TRY(vfs->sync_dir(vfs, dir, err));
    *unsure = false;
done:
    vfs->close(vfs, file);
    if (temp)
        (void)!vfs->unlink(vfs, temporary, NULL);
    return st;
}

qn_status qn_vfs_publish(qn_vfs *vfs, const char *dir, const char *name, const void *data, size_t bytes,
                         qn_error *err)
{
    bool unsure;
    return qn_vfs_publish_sure(vfs, dir, name, data, bytes, &unsure, err);
}
