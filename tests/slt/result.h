/* Results as sqllogictest writes them: one rendered value a line, or a hash of them all. */
#ifndef QN_SLT_RESULT_H
#define QN_SLT_RESULT_H

#include "quern.h"
#include "record.h"

/* Read a result to its end and render its values by the record's types, sorted as it asks.  With types
 * NULL the rows are only read.  Any failure of the engine is returned. */
qn_status qn_slt_render(qn_result *result, const char *types, qn_slt_sort sort, qn_slt_list *values,
                        qn_error *err);
/* "30 values hashing to …" */
void qn_slt_hash(const qn_slt_list *values, char *out, size_t bytes);

#endif
