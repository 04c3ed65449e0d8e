/* What the vfs implementations share: one wording for failures of the system. */
#ifndef QN_OS_VFS_INT_H
#define QN_OS_VFS_INT_H

#include "os/vfs.h"

/* "could not <what> "<path>": <strerror>", with the SQLSTATE that the errno stands for. */
qn_status qn_vfs_errno(qn_error *err, int error_number, const char *what, const char *path);
/* A map or read that needs `wanted` bytes of a file that has only `bytes`: XX001. */
qn_status qn_vfs_truncated(qn_error *err, const char *path, uint64_t wanted, uint64_t bytes);
/* 55006: another holder has the lock. */
qn_status qn_vfs_locked(qn_error *err, const char *path);
/* 42809, as COPY words it. */
qn_status qn_vfs_is_directory(qn_error *err, const char *path);
/* What open(mode) is called in a message: "open file", "create file", … and "for reading" behind. */
qn_status qn_vfs_open_failed(qn_error *err, int error_number, qn_open_mode mode, const char *path);

#endif
