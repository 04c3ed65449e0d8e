/* A small database in a world that misbehaves on order, and a script that uses all of it.
 *
 * The world: a memory vfs, a fault vfs over it, an account of memory, a clock that stands still.  An image is
 * every file of the database directory, so that a state can be returned to in a moment.
 * The script: statements in order; what each answers, and what the tables hold after it, is learnt once in a
 * world without faults. */
#ifndef QN_TESTS_FAULT_WORLD_H
#define QN_TESTS_FAULT_WORLD_H

#include "api/api_test.h"
#include "base/str.h"

#define DB_PATH "db"

typedef struct world {
    qn_mem         vfs_memory; /* of the vfs: not failed, not counted */
    qn_vfs        *base, *fault;
    bool           posix;      /* base is the real one; files lie under `folder` */
    qn_mem         memory;     /* of the database */
    uint64_t       now_ns;
    qn_world       door;
    qn_options     options;
    qn_database   *db;
    qn_connection *conn;
} world;

void      world_init(world *w, int threads);
void      world_init_posix(world *w, int threads); /* in the current directory */
void      world_deinit(world *w);                  /* closes; everything must have been given back */
qn_status world_open(world *w, qn_error *err);     /* database and connection */
void      world_close(world *w);                   /* and checks that its memory is back to nothing */

/* Run statements and print the answer of the last one, a line per row, then its command tag.  A COPY TO a
 * file answers with the file. */
qn_status world_answer(world *w, const char *sql, qn_buf *out, qn_error *err);
/* What all tables hold, as text; any failure is reported as a bug in `where`. */
void      world_state(world *w, const char *where, qn_buf *out);

typedef struct image_file {
    char  *path;
    void  *data;
    size_t bytes;
} image_file;
typedef struct image {
    image_file *files;
    size_t      count;
} image;
void image_save(world *w, image *out);
void image_restore(world *w, const image *from); /* the directory becomes exactly this; the database is closed */
void image_free(image *im);

typedef enum step_kind {
    STEP_READ,   /* answers, changes nothing */
    STEP_CHANGE, /* changes tables: all or nothing */
    STEP_SESSION /* SET, PREPARE: changes the session only */
} step_kind;
typedef struct step {
    step_kind   kind;
    const char *sql;
} step;
extern const step     script[];
extern const uint32_t script_count;
/* The files that the script's COPY statements read. */
void script_files(world *w);

typedef struct lesson { /* a step, learnt in a good world */
    qn_buf answer, state; /* state: after the step */
    image  before;        /* of the directory, for changes */
} lesson;
lesson *learn(void); /* script_count of them, and one more whose state is that before the first step */
void    forget(lesson *lessons);

/* PASS and FAIL lines, as scripts/test.sh counts them. */
extern int bugs; /* since the last verdict */
void bug(const char *format, ...) QN_PRINTF(1, 2);
void verdict(const char *name, uint64_t rounds);
int  exit_status(void);

/* Every how-manieth point is visited: argument N of the program, 1 visits all. */
uint64_t stride_of(int argc, char **argv);

#endif
