/* EXPLAIN (STAGE parse): PostgreSQL's parse tree, one node a line, indented by depth.
 *
 * We walk the protobuf-c descriptors, so every node type prints without code of its own.  Fields
 * that have their default value are left out; the Node wrapper around each union is looked through.
 */
#include "sql/sql_int.h"

static void indent(qn_buf *buf, int depth)
{
    for (int i = 0; i < depth; i++) {
        qn_buf_puts(buf, "  ");
    }
}

static const char *short_name(const ProtobufCMessageDescriptor *d)
{
    return d->short_name ? d->short_name : d->name;
}

/* The message inside a Node, or the message itself. */
static const ProtobufCMessage *unwrap(const ProtobufCMessage *m)
{
    while (m && m->descriptor == &pg_query__node__descriptor) {
        const PgQuery__Node *node = (const PgQuery__Node *)m;
        if (node->node_case == PG_QUERY__NODE__NODE__NOT_SET) {
            return NULL;
        }
        m = (const ProtobufCMessage *)node->alias; /* all members of the union are pointers */
    }
    return m;
}

/* A scalar as text; false for one that has its default value. */
static bool print_scalar(const ProtobufCFieldDescriptor *f, const void *at, bool always,
                         qn_buf *buf)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: {
        const char *s = *(char *const *)at;
        if (!s || (!*s && !always)) {
            return false;
        }
        qn_buf_printf(buf, " %s=", f->name);
        qn_buf_json(buf, s, strlen(s));
        return true;
    }
    case PROTOBUF_C_TYPE_BOOL:
        if (!*(const protobuf_c_boolean *)at && !always) {
            return false;
        }
        qn_buf_printf(buf, " %s=%s", f->name, *(const protobuf_c_boolean *)at ? "true" : "false");
        return true;
    case PROTOBUF_C_TYPE_ENUM: {
        int                       v = *(const int *)at;
        const ProtobufCEnumValue *e = protobuf_c_enum_descriptor_get_value(f->descriptor, v);
        if (v == 0 && !always) {
            return false;
        }
        qn_buf_printf(buf, " %s=%s", f->name, e ? e->name : "?");
        return true;
    }
    case PROTOBUF_C_TYPE_UINT32:
        if (!*(const uint32_t *)at && !always) {
            return false;
        }
        qn_buf_printf(buf, " %s=%u", f->name, *(const uint32_t *)at);
        return true;
    case PROTOBUF_C_TYPE_INT32:
        if (!*(const int32_t *)at && !always) {
            return false;
        }
        qn_buf_printf(buf, " %s=%d", f->name, *(const int32_t *)at);
        return true;
    default:
        return false;
    }
}

static bool is_union_member(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 &&
           *(const uint32_t *)((const char *)m + f->quantifier_offset) != f->id;
}

static void print(const ProtobufCMessage *message, const char *label, int depth, qn_buf *buf);

static void print_children(const ProtobufCMessage *m, int depth, qn_buf *buf)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;

    for (unsigned i = 0; i < d->n_fields && qn_buf_ok(buf); i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        const char                     *at = (const char *)m + f->offset;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || is_union_member(m, f)) {
            continue;
        }
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            size_t                   n = *(const size_t *)((const char *)m + f->quantifier_offset);
            ProtobufCMessage *const *items = *(ProtobufCMessage *const *const *)at;
            for (size_t k = 0; k < n; k++) {
                print(items[k], f->name, depth, buf);
            }
        } else {
            print(*(ProtobufCMessage *const *)at, f->name, depth, buf);
        }
    }
}

static void print(const ProtobufCMessage *message, const char *label, int depth, qn_buf *buf)
{
    const ProtobufCMessage *m = unwrap(message);

    if (!m || !qn_buf_ok(buf)) {
        return;
    }
    const ProtobufCMessageDescriptor *d = m->descriptor;
    indent(buf, depth);
    qn_buf_printf(buf, "%s%s%s", label ? label : "", label ? ": " : "", short_name(d));
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        bool value = d == &pg_query__integer__descriptor || d == &pg_query__boolean__descriptor ||
                     d == &pg_query__string__descriptor;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED &&
            !is_union_member(m, f)) {
            print_scalar(f, (const char *)m + f->offset, value, buf);
        }
    }
    qn_buf_putc(buf, '\n');
    print_children(m, depth + 1, buf);
}

void qn_tree_print(const ProtobufCMessage *message, qn_buf *buf)
{
    print(message, NULL, 0, buf);
}
