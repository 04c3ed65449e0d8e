/* Texts: the usage, \? and \h. */
#include "shell.h"

#include <string.h>
#include <strings.h>

static const char usage_text[] =
    "quern is a SQL database in one program: columns, PostgreSQL's dialect, no server.\n"
    "\n"
    "Usage:\n"
    "  quern [DIR] [OPTION]...        run SQL; DIR is the database, none: in memory\n"
    "  quern gen KIND [OPTION]...     make test data; `quern gen` alone lists the kinds\n"
    "  quern inspect DIR TABLE        how each column of a table is stored, and its size\n"
    "  quern calibrate [DIR]          measure this machine for the planner and keep it in DIR;\n"
    "                                 --show: only print what is there\n"
    "  quern version | help\n"
    "\n"
    "Statements:\n"
    "  -c SQL                         run SQL, or one backslash command (repeatable)\n"
    "  -f FILE                        run a file, `-` is standard input (repeatable)\n"
    "  -v, --set NAME=VALUE           set a variable, used as :NAME\n"
    "  without -c and -f, statements come from standard input\n"
    "\n"
    "Output:\n"
    "  -A                             unaligned\n"
    "  -t                             rows only\n"
    "  -F SEP                         field separator of unaligned output (default |)\n"
    "  -x                             expanded\n"
    "  -P OPTION[=VALUE]              as \\pset\n"
    "  --csv --tsv --json --jsonl --markdown\n"
    "  -o FILE                        results to FILE, or to a command: -o '|CMD'\n"
    "  -q                             no command tags, no messages\n"
    "  --timing                       show how long each statement took\n"
    "\n"
    "Database:\n"
    "  --read-only                    refuse changes; DIR must exist\n"
    "  --threads N                    worker threads (default: one per core)\n"
    "  --memory-limit SIZE            such as 512MB or 8GB\n"
    "\n"
    "  --help, --version\n"
    "\n"
    "Options may stand before or after DIR.  Exit status: 0 ok, 1 SQL error, 2 usage, 3 I/O error\n"
    "or damaged data, 130 interrupted.\n";

static const char meta_text[] =
    "General\n"
    "  \\g [FILE|\\|CMD]     run the statement; its result to FILE or a command\n"
    "  \\gx [FILE]          the same in expanded form\n"
    "  \\gset [PREFIX]      run it and store the one row in variables\n"
    "  \\q                  quit\n"
    "  \\? \\h [STATEMENT]   help on these commands, on SQL\n"
    "\n"
    "Statement buffer\n"
    "  \\e [FILE]           edit it, or a file, with $EDITOR\n"
    "  \\p                  show it\n"
    "  \\r                  empty it\n"
    "  \\w FILE             write it to a file\n"
    "\n"
    "Input and output\n"
    "  \\copy ...           COPY with a file of this machine and user\n"
    "  \\echo [-n] TEXT     write to standard output (\\qecho: to the \\o output, \\warn: errors)\n"
    "  \\i FILE             run a file\n"
    "  \\o [FILE|\\|CMD]     results to a file or a command; alone: back to standard output\n"
    "\n"
    "Tables\n"
    "  \\d                  list tables\n"
    "  \\d NAME             columns of a table (`*` and `?` are wildcards)\n"
    "  \\dt [PATTERN]       list tables\n"
    "\n"
    "Formatting\n"
    "  \\a                  aligned or unaligned\n"
    "  \\C [TEXT]           table title\n"
    "  \\f [SEP]            field separator of unaligned output\n"
    "  \\pset [NAME [VALUE]]  border, columns, csv_fieldsep, expanded, fieldsep, footer, format,\n"
    "                      null, pager, recordsep, title, tuples_only\n"
    "  \\t [on|off]         rows only\n"
    "  \\x [on|off|auto]    expanded\n"
    "\n"
    "Variables\n"
    "  \\set [NAME [VALUE]] set, or list all\n"
    "  \\unset NAME\n"
    "\n"
    "System\n"
    "  \\! [CMD]            run a command\n"
    "  \\cd [DIR]           change directory\n"
    "  \\conninfo           which database this is\n"
    "  \\timing [on|off]    show times\n";

typedef struct sql_help {
    const char *name;
    const char *meaning;
    const char *syntax;
} sql_help;

static const sql_help statements[] = {
    {"COPY", "copy data between a file and a table",
     "COPY table [ ( column, ... ) ] FROM { 'file' | STDIN } [ WITH ( option, ... ) ]\n"
     "COPY { table [ ( column, ... ) ] | ( query ) } TO { 'file' | STDOUT } [ WITH ( option, ... ) ]"
     "\n\n'file' to read may be a pattern with *, ? and [sets]: several files, in one transaction.\n"
     "options: FORMAT text|csv|parquet, DELIMITER, NULL, HEADER, QUOTE, ESCAPE, FORCE_QUOTE, "
     "FORCE_NOT_NULL, FORCE_NULL\n"},
    {"CREATE TABLE", "define a new table",
     "CREATE TABLE [ IF NOT EXISTS ] name ( column type [ NOT NULL ] [ DEFAULT expression ], ... )"
     "\n"},
    {"CREATE TABLE AS", "define a new table from a query",
     "CREATE TABLE [ IF NOT EXISTS ] name [ ( column, ... ) ] AS query [ WITH [ NO ] DATA ]\n"},
    {"DEALLOCATE", "forget a prepared statement", "DEALLOCATE [ PREPARE ] { name | ALL }\n"},
    {"DROP TABLE", "remove tables", "DROP TABLE [ IF EXISTS ] name, ...\n"},
    {"EXECUTE", "run a prepared statement", "EXECUTE name [ ( value, ... ) ]\n"},
    {"EXPLAIN", "show how a statement is run",
     "EXPLAIN [ ANALYZE ] [ VERBOSE ] statement\nEXPLAIN ( option, ... ) statement\n\n"
     "options: ANALYZE, VERBOSE, COSTS, TIMING, FORMAT text|json,\n"
     "         STAGE parse|logical|physical|bytecode\n"},
    {"INSERT", "add rows to a table",
     "INSERT INTO table [ ( column, ... ) ] { VALUES ( value | DEFAULT, ... ), ... | query | "
     "DEFAULT VALUES }\n"},
    {"PREPARE", "prepare a statement for EXECUTE", "PREPARE name [ ( type, ... ) ] AS statement\n"},
    {"RESET", "set a setting back to its default", "RESET { name | ALL }\n"},
    {"SELECT", "read rows",
     "SELECT [ DISTINCT [ ON ( expression, ... ) ] ] { * | expression [ AS name ], ... }\n"
     "  [ FROM { table | ( query ) | function(...) } [ AS name [ ( column, ... ) ] ] ]\n"
     "  [ WHERE condition ]\n"
     "  [ GROUP BY expression, ... ]\n"
     "  [ HAVING condition ]\n"
     "  [ ORDER BY expression [ ASC | DESC ] [ NULLS { FIRST | LAST } ], ... ]\n"
     "  [ LIMIT { count | ALL } ] [ OFFSET count ]\n"},
    {"SET", "change a setting of this connection", "SET name { TO | = } { value | DEFAULT }\n"},
    {"SHOW", "show a setting", "SHOW { name | ALL }\n"},
    {"VALUES", "rows written out", "VALUES ( expression, ... ), ...\n"},
};

void qn_sh_usage(FILE *out)
{
    fputs(usage_text, out);
}

void qn_sh_meta_help(FILE *out)
{
    fputs(meta_text, out);
}

bool qn_sh_sql_help(FILE *out, const char *topic)
{
    size_t count = sizeof statements / sizeof *statements;
    size_t bytes = topic ? strlen(topic) : 0;
    bool   known = false;

    while (bytes && (topic[bytes - 1] == ';' || qn_sh_is_space((unsigned char)topic[bytes - 1])))
        bytes--;
    if (!bytes) {
        fputs("Available help:\n", out);
        for (size_t i = 0; i < count; i++)
            fprintf(out, "  %-18s %s\n", statements[i].name, statements[i].meaning);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (topic[0] != '*' && strncasecmp(statements[i].name, topic, bytes) != 0)
            continue;
        fprintf(out, "Command:     %s\nDescription: %s\nSyntax:\n%s\n", statements[i].name,
                statements[i].meaning, statements[i].syntax);
        known = true;
    }
    return known;
}
