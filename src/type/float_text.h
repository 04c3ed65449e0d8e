/* Text of real and double precision, independent of the process's locale. */
#ifndef QN_TYPE_FLOAT_TEXT_H
#define QN_TYPE_FLOAT_TEXT_H

#include "base/str.h"

#define QN_FLOAT_TEXT_BYTES 32 /* longest: -1.2345678901234567e-308 */

/* extra_float_digits above 0: the shortest text that reads back as the same value; else 15 (6)
 * digits plus that many.  Returns the length; text is not NUL-terminated. */
size_t qn_f64_text(double v, int extra_float_digits, char text[QN_FLOAT_TEXT_BYTES]);
size_t qn_f32_text(float v, int extra_float_digits, char text[QN_FLOAT_TEXT_BYTES]);

/* Correctly rounded; 22P02 for other text, 22003 beyond the type's range in either direction. */
qn_status qn_f64_parse(const char *text, size_t bytes, double *out, qn_error *err);
qn_status qn_f32_parse(const char *text, size_t bytes, float *out, qn_error *err);

#endif
