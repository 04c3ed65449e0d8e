/* What only happens on a terminal: its size, the pager, the progress bar.
 *
 * None of this may reach a file or a pipe, so each part asks isatty first. */
#include "shell.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool qn_sh_screen(FILE *out, int *rows, int *columns)
{
    struct winsize size;
    int            fd = fileno(out);

    *rows = *columns = 0;
    if (fd < 0 || !isatty(fd))
        return false;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0) {
        *rows    = size.ws_row;
        *columns = size.ws_col;
    }
    return true;
}

/* A pager for so many lines, or NULL when they should go to out directly. */
FILE *qn_sh_pager_open(const qn_sh *sh, uint64_t lines, FILE *out)
{
    const char *command = getenv("PAGER");
    int         rows, columns;

    if (out != stdout || !sh->interactive || !sh->style.pager || !isatty(STDIN_FILENO))
        return NULL;
    if (!qn_sh_screen(out, &rows, &columns) || rows <= 0 || lines < (uint64_t)rows)
        return NULL;
    if (!command)
        command = "less";
    if (strspn(command, " \t\r\n") == strlen(command))
        return NULL;
    /* Cut long lines rather than wrap them, keep colours, leave a short table on the screen. */
    (void)setenv("LESS", "-SRFX", 0);
    fflush(stdout);
    return popen(command, "w");
}

void qn_sh_pager_close(FILE *pager)
{
    (void)pclose(pager); /* the reader may quit before the end; that is no error */
}

/* ---- progress -------------------------------------------------------------------------------- */

enum { PROGRESS_DELAY_MS = 1000, PROGRESS_CELLS = 30 };

static bool progress_show(void *arg, double fraction, const char *phase)
{
    qn_sh *sh = arg;
    char   bar[PROGRESS_CELLS + 1];
    double elapsed = qn_sh_now_ms() - sh->progress_start_ms;
    int    full;

    if (elapsed < PROGRESS_DELAY_MS)
        return true;
    sh->progress_shown = true;
    if (fraction < 0) {
        fprintf(stderr, "\r%s  %.0f s\033[K", phase ? phase : "", elapsed / 1e3);
    } else {
        full = (int)((fraction > 1 ? 1 : fraction) * PROGRESS_CELLS);
        memset(bar, ' ', PROGRESS_CELLS);
        memset(bar, '#', (size_t)full);
        bar[PROGRESS_CELLS] = '\0';
        fprintf(stderr, "\r%s  [%s] %3.0f %%  %.0f s\033[K", phase ? phase : "", bar,
                (fraction > 1 ? 1 : fraction) * 100, elapsed / 1e3);
    }
    fflush(stderr);
    return true;
}

void qn_sh_progress_install(qn_sh *sh)
{
    if (isatty(STDERR_FILENO))
        qn_set_progress(sh->conn, progress_show, sh);
}

void qn_sh_progress_start(qn_sh *sh)
{
    sh->progress_start_ms = qn_sh_now_ms();
    sh->progress_shown    = false;
}

void qn_sh_progress_clear(qn_sh *sh)
{
    if (sh->progress_shown)
        fputs("\r\033[K", stderr);
    sh->progress_shown = false;
}
