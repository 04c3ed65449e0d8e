/* `quern gen hits --rows N [--seed S]`: rows like those of a web analytics table, to stdout. */
#ifndef QN_CLI_GEN_HITS_H
#define QN_CLI_GEN_HITS_H

/* argv[0] is the subcommand's word, options follow.  Returns the exit status: 0 done (or the reader has
 * enough), 2 usage, 3 a write failed. */
int gen_hits_main(int argc, char **argv);

#endif
