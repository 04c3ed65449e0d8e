/* File names by pattern: 'logs/2024-*.csv'.
 *
 * `*` and `?` stand for any bytes and any one byte of a name, `[abc]`, `[a-z]` and `[!a-z]` for one byte of a set; none of
 * them for `/`, nor for the point that a hidden name begins with.  A path that exists as it is written is that file, whatever
 * it looks like.  Names come in byte order, directory by directory: the order in which rows of several files stand.
 *
 * Directories are listed through the vfs, one call for each directory that a wildcard looks into. */
#include "load/load_int.h"

#define GLOB_FILES_MAX 100000u /* more is a mistake; the load numbers files in 19 bits */
#define PATH_LIMIT     4096u

typedef struct glob {
    qn_env      *env;
    qn_arena    *arena;
    const char  *pattern;
    const char **paths;
    uint32_t     count, capacity;
    qn_error    *err;
    qn_status    st;
} glob;

typedef struct names { /* of one directory, those that match */
    glob        *g;
    const char  *pattern; /* of one component, not terminated */
    size_t       pattern_bytes;
    const char **list;
    uint32_t     count, capacity;
} names;

/* The set at p[0] = '['.  *bytes: its length with brackets; 0 when it has no end and '[' means itself. */
static bool in_set(const char *p, size_t n, unsigned char c, size_t *bytes)
{
    size_t i = 1;
    bool   negated = i < n && (p[i] == '!' || p[i] == '^'), found = false;

    i += negated;
    for (size_t first = i; i < n; i++) {
        unsigned char lo = (unsigned char)p[i], hi = lo;
        if (p[i] == ']' && i > first) {
            *bytes = i + 1;
            return found != negated;
        }
        if (i + 2 < n && p[i + 1] == '-' && p[i + 2] != ']') {
            hi = (unsigned char)p[i + 2];
            i += 2;
        }
        found |= c >= lo && c <= hi;
    }
    *bytes = 0;
    return false;
}

/* With one place to come back to: a later star makes an earlier one's choice final. */
bool qn_glob_match(const char *p, size_t n, const char *name)
{
    size_t      i = 0, star = SIZE_MAX;
    const char *s = name, *resume = NULL;

    if (*name == '.' && (!n || p[0] != '.'))
        return false;
    for (;;) {
        size_t bytes = 0;
        if (i < n && p[i] == '*') {
            star = i++;
            resume = s;
            continue;
        }
        if (!*s && i == n)
            return true;
        bool one = *s && i < n;
        if (one && p[i] == '[') {
            bool in = in_set(p + i, n - i, (unsigned char)*s, &bytes);
            one = bytes ? in : *s == '[';
        } else if (one) {
            one = p[i] == '?' || p[i] == *s;
        }
        if (one) {
            i += bytes ? bytes : 1;
            s++;
            continue;
        }
        if (star == SIZE_MAX || !*resume)
            return false;
        i = star + 1;
        s = ++resume;
    }
}

static bool has_wildcard(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '*' || p[i] == '?' || p[i] == '[')
            return true;
    return false;
}

static bool note_name(void *arg, const char *name)
{
    names *m = arg;
    glob  *g = m->g;

    if (!qn_glob_match(m->pattern, m->pattern_bytes, name))
        return true;
    if (m->count == m->capacity) {
        uint32_t     capacity = m->capacity ? m->capacity * 2 : 16;
        const char **grown = qn_arena_grow(g->arena, m->list, m->count, capacity, sizeof *grown);
        if (!grown) {
            g->st = qn_nomem(g->err);
            return false;
        }
        m->list = grown;
        m->capacity = capacity;
    }
    m->list[m->count] = qn_arena_strdup(g->arena, name);
    if (!m->list[m->count]) {
        g->st = qn_nomem(g->err);
        return false;
    }
    m->count++;
    return true;
}

static qn_status add_path(glob *g, const char *path)
{
    if (g->count == GLOB_FILES_MAX)
        return qn_fail(g->err, QN_SQLSTATE_PROGRAM_LIMIT, "more than %u files match \"%s\"", GLOB_FILES_MAX, g->pattern);
    if (g->count == g->capacity) {
        uint32_t     capacity = g->capacity ? g->capacity * 2 : 16;
        const char **grown = qn_arena_grow(g->arena, g->paths, g->count, capacity, sizeof *grown);
        if (!grown)
            return qn_nomem(g->err);
        g->paths = grown;
        g->capacity = capacity;
    }
    g->paths[g->count++] = path;
    return QN_OK;
}

/* What is not there does not match; what cannot be looked at is an error, or files would be left out silently. */
static qn_status unless_missing(glob *g, const char *path, const qn_error *cause)
{
    if (cause->status == QN_NOMEM)
        return qn_nomem(g->err);
    if (qn_error_is(cause, QN_SQLSTATE_UNDEFINED_FILE) || qn_error_is(cause, QN_SQLSTATE_WRONG_OBJECT_TYPE)) /* a file, where a directory is wanted */
        return QN_OK;
    return qn_fail(g->err, QN_SQLSTATE_IO_ERROR, "could not look for \"%s\" at \"%s\": %s", g->pattern, path, cause->message);
}

/* Files below `prefix` (which ends in '/' or is empty) that match `rest`. */
static qn_status expand(glob *g, const char *prefix, const char *rest)
{
    const char *slash = strchr(rest, '/');
    size_t      bytes = slash ? (size_t)(slash - rest) : strlen(rest);
    qn_vfs     *vfs = g->env->vfs;

    if (!has_wildcard(rest, bytes)) {
        const char *path = qn_arena_printf(g->arena, "%s%.*s%s", prefix, (int)bytes, rest, slash ? "/" : "");
        qn_stat     info = {0};
        qn_error    cause = {0};
        if (!path)
            return qn_nomem(g->err);
        if (slash)
            return expand(g, path, slash + 1);
        if (vfs->stat(vfs, path, &info, &cause) != QN_OK)
            return unless_missing(g, path, &cause);
        return info.is_directory ? QN_OK : add_path(g, path);
    }
    names       m = {.g = g, .pattern = rest, .pattern_bytes = bytes};
    qn_error    cause = {0};
    qn_status   st = vfs->list(vfs, *prefix ? prefix : ".", note_name, &m, &cause);
    if (g->st != QN_OK)
        return g->st;
    if (st != QN_OK)
        return unless_missing(g, *prefix ? prefix : ".", &cause);
    for (uint32_t i = 0; i < m.count; i++) {
        const char *path = qn_arena_printf(g->arena, "%s%s%s", prefix, m.list[i], slash ? "/" : "");
        qn_stat     info = {0};
        qn_error    why = {0};
        if (!path)
            return qn_nomem(g->err);
        qn_status deeper = QN_OK;
        if (vfs->stat(vfs, path, &info, &why) != QN_OK)
            deeper = unless_missing(g, path, &why);
        else if (info.is_directory == (slash != NULL))
            deeper = slash ? expand(g, path, slash + 1) : add_path(g, path);
        if (deeper != QN_OK)
            return deeper;
    }
    return QN_OK;
}

qn_status qn_glob(qn_env *env, const char *pattern, qn_arena *arena, const char *const **paths, uint32_t *count,
                  qn_error *err)
{
    glob      g = {.env = env, .arena = arena, .pattern = pattern, .err = err};
    qn_stat   info = {0};
    qn_error  ignored = {0};
    size_t    bytes = strlen(pattern);
    qn_status st = QN_OK;

    if (has_wildcard(pattern, bytes) && bytes < PATH_LIMIT) {
        st = env->vfs->stat(env->vfs, pattern, &info, &ignored);
        if (st == QN_NOMEM)
            return qn_nomem(err);
        if (st != QN_OK) {
            st = expand(&g, "", pattern);
            if (st == QN_OK && !g.count)
                st = qn_fail(err, QN_SQLSTATE_UNDEFINED_FILE, "no file matches \"%s\"", pattern);
            *paths = g.paths;
            *count = g.count;
            return st;
        }
    }
    st = add_path(&g, pattern); /* whoever opens it says what is wrong with it */
    *paths = g.paths;
    *count = g.count;
    return st;
}
