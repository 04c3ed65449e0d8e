/* Files in FROM, between the binder, which knows no files, and load/, which knows no SQL. */
#include "api/api_int.h"

#include "load/files.h"

static qn_env file_env(const qn_database *db)
{
    qn_env env = db->env;
    env.vfs = db->file_vfs;
    return env;
}

qn_status open_files(void *arg, const qn_file_call *call, qn_arena *arena, qn_relation *rel, qn_error *err)
{
    qn_status        st = QN_OK;
    qn_env           env = file_env(arg);
    const qn_files  *files;
    qn_files_request request = {.kind = call->parquet ? QN_FILES_PARQUET : QN_FILES_CSV,
                                .pattern = call->path,
                                .csv = {.has_delimiter = call->has_delimiter,
                                        .has_quote = call->has_quote,
                                        .has_escape = call->has_escape,
                                        .has_header = call->has_header,
                                        .has_null = call->null_text != NULL,
                                        .delimiter = call->delimiter,
                                        .quote = call->quote,
                                        .escape = call->escape,
                                        .header = call->header,
                                        .null_text = call->null_text,
                                        .all_text = call->all_text,
                                        .sample_rows = call->sample_rows}};

    QN_TRY(qn_files_describe(&env, &request, arena, &files, err));
    QN_ALLOC(err, rel->column_names = qn_arena_array(arena, const char *, (size_t)files->column_count + 1));
    QN_ALLOC(err, rel->column_types = qn_arena_array(arena, qn_type, (size_t)files->column_count + 1));
    for (uint32_t c = 0; c < files->column_count; c++) {
        rel->column_names[c] = files->columns[c].name;
        rel->column_types[c] = files->columns[c].type;
    }
    rel->column_count = files->column_count;
    rel->files = files;
    rel->file_count = files->count;
    rel->file_rows = files->rows;
done:
    return st;
}

qn_status files_current(const qn_database *db, const qn_bound *bound, bool *current, qn_error *err)
{
    qn_env env = file_env(db);

    *current = true;
    for (const qn_relation *rel = bound->files; rel && *current; rel = rel->next_file) {
        qn_status st = qn_files_current(&env, rel->files, current, err);
        if (st != QN_OK)
            return st;
    }
    return QN_OK;
}
