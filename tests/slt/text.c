/* Growing text, lists and MD5; see text.h. */
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *qn_slt_alloc(void *old, size_t bytes)
{
    void *memory = realloc(old, bytes ? bytes : 1);

    if (!memory) {
        fputs("slt: out of memory\n", stderr);
        exit(3);
    }
    return memory;
}

char *qn_slt_strndup(const char *text, size_t bytes)
{
    char *copy = qn_slt_alloc(NULL, bytes + 1);

    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

void qn_slt_text_add(qn_slt_text *text, const char *data, size_t bytes)
{
    if (text->bytes + bytes + 1 > text->capacity) {
        text->capacity = (text->bytes + bytes + 1) * 2;
        text->data     = qn_slt_alloc(text->data, text->capacity);
    }
    memcpy(text->data + text->bytes, data, bytes);
    text->bytes += bytes;
    text->data[text->bytes] = '\0';
}

void qn_slt_text_puts(qn_slt_text *text, const char *data)
{
    qn_slt_text_add(text, data, strlen(data));
}

void qn_slt_text_clear(qn_slt_text *text)
{
    text->bytes = 0;
    if (text->data)
        text->data[0] = '\0';
}

void qn_slt_text_free(qn_slt_text *text)
{
    free(text->data);
    *text = (qn_slt_text){0};
}

void qn_slt_list_take(qn_slt_list *list, char *item)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->items    = qn_slt_alloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = item;
}

void qn_slt_list_clear(qn_slt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    list->count = 0;
}

void qn_slt_list_free(qn_slt_list *list)
{
    qn_slt_list_clear(list);
    free(list->items);
    *list = (qn_slt_list){0};
}

/* ---- MD5 ------------------------------------------------------------------------------------- */

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static void md5_block(uint32_t state[4], const uint8_t *block)
{
    static const int shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23},
                                     {6, 10, 15, 21}};
    uint32_t         a = state[0], b = state[1], c = state[2], d = state[3], words[16];

    for (int i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 |
                   (uint32_t)block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    for (int i = 0; i < 64; i++) {
        /* The RFC's table T: the integer part of 2^32 × |sin(i + 1)|, i in radians. */
        uint32_t t = (uint32_t)(int64_t)floor(4294967296.0 * fabs(sin(i + 1.0)));
        uint32_t f, next;
        int      word;

        if (i < 16) {
            f    = (b & c) | (~b & d);
            word = i;
        } else if (i < 32) {
            f    = (b & d) | (c & ~d);
            word = (5 * i + 1) % 16;
        } else if (i < 48) {
            f    = b ^ c ^ d;
            word = (3 * i + 5) % 16;
        } else {
            f    = c ^ (b | ~d);
            word = 7 * i % 16;
        }
        next = b + rotate(a + f + words[word] + t, shifts[i / 16][i % 4]);
        a    = d;
        d    = c;
        c    = b;
        b    = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

void qn_slt_md5_init(qn_slt_md5 *md5)
{
    *md5 = (qn_slt_md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void qn_slt_md5_add(qn_slt_md5 *md5, const void *data, size_t bytes)
{
    const uint8_t *from = data;

    while (bytes) {
        size_t used = md5->bytes % 64;
        size_t take = 64 - used < bytes ? 64 - used : bytes;

        memcpy(md5->block + used, from, take);
        md5->bytes += take;
        from += take;
        bytes -= take;
        if (used + take == 64)
            md5_block(md5->state, md5->block);
    }
}

void qn_slt_md5_hex(qn_slt_md5 *md5, char hex[33])
{
    static const uint8_t one = 0x80, zero = 0;
    uint64_t             bits = md5->bytes * 8;
    uint8_t              length[8];

    qn_slt_md5_add(md5, &one, 1);
    while (md5->bytes % 64 != 56)
        qn_slt_md5_add(md5, &zero, 1);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)(bits >> (8 * i));
    qn_slt_md5_add(md5, length, 8);
    for (int i = 0; i < 16; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned)(md5->state[i / 4] >> (8 * (i % 4)) & 0xff));
}
