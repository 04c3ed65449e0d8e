/* MD5 (Rivest, RFC 1321, 1992): the SQL function md5().  Not for anything that needs to be secure. */
#ifndef QN_TYPE_MD5_H
#define QN_TYPE_MD5_H

#include <stddef.h>
#include <stdint.h>

void qn_md5(const void *data, size_t bytes, uint8_t out[16]);

#endif
