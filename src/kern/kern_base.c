/* The kernels for any machine: the vocabulary, then the algorithms of kern_body.h.  Compiled with the flags of
 * its level by the root build. */
#include "kern/vec_base.h"
#include "kern/kern_body.h"
