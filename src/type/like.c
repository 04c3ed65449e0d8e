/* LIKE patterns as a list of segments between the % signs.
 *
 * A segment is a sequence of pieces, each a run of literal bytes preceded by a number of `_`; a final piece
 * may have an empty run.  The first segment must stand at the beginning and the last at the end of the text;
 * between them each segment is searched at its leftmost place, which is enough: if any assignment of the %
 * signs works, the leftmost one does.  A middle segment's leading `_` just skip characters; then its
 * first run is found by substring search and the rest verified.
 *
 * Invariants
 *   - Runs of an ILIKE pattern are stored in lower case.
 *   - segment_count is 1 when there is no %, else at least 2 (empty segments stand at the ends).
 *   - UTF-8 synchronises itself: a run begins and ends at character boundaries, so a byte search never
 *     finds it in the middle of a character. */
#include "type/like.h"

#include "base/assert.h"
#include "type/find.h"

typedef struct like_piece {
    uint32_t    skip; /* `_` before the run */
    uint32_t    bytes;
    const char *run;
} like_piece;

typedef struct like_segment {
    uint32_t first, count; /* pieces */
    size_t   min_bytes;    /* each `_` at least one byte */
} like_segment;

struct qn_like {
    bool          icase;
    bool          plain; /* no `_` anywhere: each segment is one run or empty */
    bool          dangling; /* an escape ends the pattern, after the last piece */
    uint32_t      segment_count, piece_count, run_count;
    size_t        min_bytes;
    like_segment *segments;
    like_piece   *pieces;
    qn_str       *runs;
};

/* ---- compiling ------------------------------------------------------------------------------ */

/* How many pieces and segments at most: a piece ends at a wildcard. */
static void count_parts(const char *p, size_t bytes, uint32_t *segments, uint32_t *pieces)
{
    *segments = 1;
    *pieces = 1;
    for (size_t i = 0; i < bytes; i++) {
        *segments += p[i] == '%';
        *pieces += p[i] == '%' || p[i] == '_';
    }
}

static qn_status collect_runs(qn_like *like, qn_arena *arena, qn_error *err)
{
    qn_status st = QN_OK;
    size_t    room = 0;

    for (uint32_t i = 0; i < like->piece_count; i++) {
        room += like->icase ? (like->pieces[i].bytes + 1) / 2 : 1;
    }
    QN_ALLOC(err, like->runs = qn_arena_array(arena, qn_str, room + 1));
    for (uint32_t i = 0; i < like->piece_count; i++) {
        const char *run = like->pieces[i].run;
        uint32_t    bytes = like->pieces[i].bytes, begin = 0;

        if (!like->icase) {
            if (bytes) {
                like->runs[like->run_count++] = qn_str_of(run, bytes);
            }
            continue;
        }
        for (uint32_t b = 0; b <= bytes; b++) {
            if (b == bytes || qn_ascii_letter(run[b])) {
                if (b > begin) {
                    like->runs[like->run_count++] = qn_str_of(run + begin, b - begin);
                }
                begin = b + 1;
            }
        }
    }
done:
    return st;
}

qn_status qn_like_compile(const char *pattern, size_t bytes, uint32_t escape, bool has_escape,
                          bool icase, qn_arena *arena, qn_like **out, qn_error *err)
{
    qn_status     st = QN_OK;
    qn_like      *like;
    char         *text, esc[4];
    int           esc_bytes = has_escape ? qn_utf8_encode(escape, esc) : 0;
    uint32_t      segments, pieces;
    like_segment *segment;
    like_piece   *piece;

    *out = NULL;
    count_parts(pattern, bytes, &segments, &pieces);
    QN_ALLOC(err, like = qn_arena_new(arena, qn_like));
    QN_ALLOC(err, like->segments = qn_arena_array(arena, like_segment, segments));
    QN_ALLOC(err, like->pieces = qn_arena_array(arena, like_piece, pieces));
    QN_ALLOC(err, text = qn_arena_alloc(arena, bytes + 1));
    like->icase = icase;
    like->plain = true;
    segment = like->segments;
    piece = like->pieces;
    *piece = (like_piece){0, 0, text};
    segment->first = 0;

    for (size_t i = 0; i < bytes;) {
        if (esc_bytes && bytes - i >= (size_t)esc_bytes &&
            memcmp(pattern + i, esc, (size_t)esc_bytes) == 0) {
            i += (size_t)esc_bytes;
            if (i >= bytes) {
                like->dangling = true;
                break;
            }
        } else if (pattern[i] == '%') {
            segment->count = (uint32_t)(piece - like->pieces) + 1 - segment->first;
            segment++;
            piece++;
            *piece = (like_piece){0, 0, text};
            segment->first = (uint32_t)(piece - like->pieces);
            i++;
            continue;
        } else if (pattern[i] == '_') {
            like->plain = false;
            if (piece->bytes) {
                piece++;
                *piece = (like_piece){0, 0, text};
            }
            piece->skip++;
            segment->min_bytes++;
            i++;
            continue;
        }
        /* A literal byte; the rest of its character follows as literal bytes of their own. */
        *text++ = icase ? qn_ascii_lower(pattern[i]) : pattern[i];
        piece->bytes++;
        segment->min_bytes++;
        i++;
    }
    segment->count = (uint32_t)(piece - like->pieces) + 1 - segment->first;
    like->segment_count = (uint32_t)(segment - like->segments) + 1;
    like->piece_count = (uint32_t)(piece - like->pieces) + 1;
    for (uint32_t i = 0; i < like->segment_count; i++) {
        like->min_bytes += like->segments[i].min_bytes;
    }
    QN_TRY(collect_runs(like, arena, err));
    *out = like;
done:
    return st;
}

/* ---- matching ------------------------------------------------------------------------------- */

static bool run_equal(const qn_like *like, const char *s, const like_piece *piece)
{
    return like->icase ? qn_equal_icase(s, piece->run, piece->bytes)
                       : memcmp(s, piece->run, piece->bytes) == 0;
}

/* Move p over `chars` characters; NULL when the text ends before. */
static const char *skip_chars(const char *p, const char *end, uint32_t chars)
{
    while (chars > 0) {
        if (p == end) {
            return NULL;
        }
        p++;
        while (p < end && ((unsigned char)*p & 0xc0) == 0x80) {
            p++;
        }
        chars--;
    }
    return p;
}

static const char *skip_back(const char *p, const char *begin, uint32_t chars)
{
    while (chars > 0) {
        if (p == begin) {
            return NULL;
        }
        p--;
        while (p > begin && ((unsigned char)*p & 0xc0) == 0x80) {
            p--;
        }
        chars--;
    }
    return p;
}

/* Match pieces from..count-1 of a segment at p; the place after them, or NULL. */
static const char *match_pieces(const qn_like *like, const like_segment *seg, uint32_t from,
                                const char *p, const char *end)
{
    for (uint32_t i = from; i < seg->count; i++) {
        const like_piece *piece = &like->pieces[seg->first + i];
        p = skip_chars(p, end, piece->skip);
        if (!p || (size_t)(end - p) < piece->bytes || !run_equal(like, p, piece)) {
            return NULL;
        }
        p += piece->bytes;
    }
    return p;
}

/* Match a segment so that it ends at `end`; its beginning, or NULL when it would start before p. */
static const char *match_back(const qn_like *like, const like_segment *seg, const char *p,
                              const char *end)
{
    for (uint32_t i = seg->count; i > 0; i--) {
        const like_piece *piece = &like->pieces[seg->first + i - 1];
        if ((size_t)(end - p) < piece->bytes || !run_equal(like, end - piece->bytes, piece)) {
            return NULL;
        }
        end = skip_back(end - piece->bytes, p, piece->skip);
        if (!end) {
            return NULL;
        }
    }
    return end;
}

/* The place after the leftmost occurrence of a middle segment, or NULL. */
static const char *find_segment(const qn_like *like, const like_segment *seg, const char *p,
                                const char *end)
{
    const like_piece *head = &like->pieces[seg->first];

    p = skip_chars(p, end, head->skip);
    while (p && (size_t)(end - p) >= head->bytes) {
        const char *after;
        size_t      at = like->icase ? qn_find_icase(p, (size_t)(end - p), head->run, head->bytes)
                                     : qn_find(p, (size_t)(end - p), head->run, head->bytes);
        if (at == QN_NOT_FOUND) {
            return NULL;
        }
        p += at;
        after = match_pieces(like, seg, 1, p + head->bytes, end);
        if (after) {
            return after;
        }
        p = skip_chars(p, end, 1);
    }
    return NULL;
}

/* Whether matching comes to the escape that ends the pattern with something of the text left to match
 * against it; s is the place after all segments before the last one. */
static bool reaches_escape(const qn_like *like, const char *s, const char *end)
{
    const like_segment *last = like->segments + like->segment_count - 1;
    const like_piece   *head = &like->pieces[last->first];
    const char         *after;

    if (like->segment_count == 1) {
        after = match_pieces(like, last, 0, s, end);
        return after && after < end;
    }
    if (last->count == 1 && head->bytes == 0) { /* nothing but `_` between the % and the escape */
        return s < end && skip_chars(s, end, head->skip);
    }
    after = find_segment(like, last, s, end);
    return after && after < end;
}

bool qn_like_ends_in_escape(const qn_like *like, const char *s, size_t n)
{
    const char         *end = s + n;
    const like_segment *seg = like->segments, *last = seg + like->segment_count - 1;

    if (!like->dangling || n < like->min_bytes) {
        return false;
    }
    if (seg < last) {
        s = match_pieces(like, seg, 0, s, end);
    }
    while (s && ++seg < last) {
        s = find_segment(like, seg, s, end);
    }
    return s && reaches_escape(like, s, end);
}

bool qn_like_match(const qn_like *like, const char *s, size_t n)
{
    const char         *end = s + n;
    const like_segment *seg = like->segments, *last = seg + like->segment_count - 1;

    if (n < like->min_bytes || like->dangling) {
        return false;
    }
    s = match_pieces(like, seg, 0, s, end);
    if (!s) {
        return false;
    }
    if (seg == last) {
        return s == end;
    }
    /* The end first: it is cheap and shortens the searches. */
    end = match_back(like, last, s, end);
    if (!end) {
        return false;
    }
    for (seg++; seg < last; seg++) {
        s = find_segment(like, seg, s, end);
        if (!s) {
            return false;
        }
    }
    return true;
}

/* ---- introspection -------------------------------------------------------------------------- */

bool qn_like_exact(const qn_like *like, const char **text, size_t *bytes)
{
    const char *prefix;
    bool        only;

    if (like->segment_count != 1 || !like->plain || like->dangling) {
        return false;
    }
    *bytes = qn_like_prefix(like, &prefix, &only);
    *text = prefix;
    return *bytes == like->pieces[0].bytes;
}

size_t qn_like_prefix(const qn_like *like, const char **prefix, bool *only)
{
    const like_piece *head = &like->pieces[0];
    size_t            bytes = 0;

    if (head->skip == 0) {
        while (bytes < head->bytes && !(like->icase && qn_ascii_letter(head->run[bytes]))) {
            bytes++;
        }
    }
    *prefix = head->run;
    *only = like->plain && !like->dangling && like->segment_count == 2 && bytes == like->min_bytes;
    return bytes;
}

size_t qn_like_literals(const qn_like *like, const qn_str **runs)
{
    *runs = like->runs;
    return like->run_count;
}

size_t qn_like_pieces(const qn_like *like, qn_arena *arena, const qn_str **runs)
{
    qn_str *out = qn_arena_array(arena, qn_str, like->piece_count + 1);
    size_t  n = 0;

    *runs = out;
    for (uint32_t i = 0; out && i < like->piece_count; i++) {
        if (like->pieces[i].bytes) {
            out[n++] = qn_str_of(like->pieces[i].run, like->pieces[i].bytes);
        }
    }
    return n;
}

bool qn_like_longest_literal(const qn_like *like, const char **run, size_t *bytes)
{
    *bytes = 0;
    for (uint32_t i = 0; i < like->run_count; i++) {
        if (like->runs[i].bytes > *bytes) {
            *run = qn_str_data(&like->runs[i]);
            *bytes = like->runs[i].bytes;
        }
    }
    return *bytes > 0;
}

bool qn_like_matches_all(const qn_like *like)
{
    return like->min_bytes == 0 && like->segment_count > 1 && !like->dangling;
}

size_t qn_like_min_bytes(const qn_like *like)
{
    return like->min_bytes;
}
