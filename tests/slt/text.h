/* Growing text and lists of texts for the test runner.  A test program that runs out of memory has
 * nothing better to do than to say so and leave with status 3. */
#ifndef QN_SLT_TEXT_H
#define QN_SLT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *qn_slt_alloc(void *old, size_t bytes); /* realloc that does not fail */
char *qn_slt_strndup(const char *text, size_t bytes);

typedef struct qn_slt_text {
    char  *data; /* NUL-terminated once anything was added */
    size_t bytes, capacity;
} qn_slt_text;

void qn_slt_text_add(qn_slt_text *text, const char *data, size_t bytes);
void qn_slt_text_puts(qn_slt_text *text, const char *data);
void qn_slt_text_clear(qn_slt_text *text);
void qn_slt_text_free(qn_slt_text *text);

/* Owned, NUL-terminated strings. */
typedef struct qn_slt_list {
    char **items;
    size_t count, capacity;
} qn_slt_list;

void qn_slt_list_take(qn_slt_list *list, char *item); /* the list owns item from now on */
void qn_slt_list_clear(qn_slt_list *list);
void qn_slt_list_free(qn_slt_list *list);

/* MD5 (Rivest, "The MD5 Message-Digest Algorithm", RFC 1321, 1992).  Only a fingerprint here: the
 * format of sqllogictest asks for it. */
typedef struct qn_slt_md5 {
    uint32_t state[4];
    uint64_t bytes;
    uint8_t  block[64];
} qn_slt_md5;

void qn_slt_md5_init(qn_slt_md5 *md5);
void qn_slt_md5_add(qn_slt_md5 *md5, const void *data, size_t bytes);
void qn_slt_md5_hex(qn_slt_md5 *md5, char hex[33]); /* ends the sum */

#endif
