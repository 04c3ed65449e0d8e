/* The SIGBUS handler and its table of watched mappings.
 *
 * The handler may run at any instruction of any thread, so the table is fixed memory read with atomics
 * and the only system call made is mmap, which Linux allows in handlers.  A slot's range is published
 * by its begin (release) and withdrawn by setting begin to 0 before the memory is unmapped.
 *
 * This is the one place with writable state shared by the whole process besides base/alloc.c: a signal
 * handler has no argument of ours. */
#include "os/sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

struct qn_watch {
    _Atomic uintptr_t begin; /* 0: free */
    _Atomic size_t    bytes;
    atomic_bool       damaged;
    uint32_t          next_free;
};

static qn_watch         watches[QN_SIGBUS_MAPS];
static _Atomic uint32_t watches_used; /* slots below have been in use */
static pthread_mutex_t  free_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t         first_free; /* index + 1 of a free slot below watches_used; under free_mutex */

static pthread_once_t   installed = PTHREAD_ONCE_INIT;
static struct sigaction previous;
static uintptr_t        page_bytes;

/* Put a page of zeros where the fault was; false when no watched mapping has the address. */
static bool replace_page(uintptr_t at)
{
    uint32_t used = atomic_load_explicit(&watches_used, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        qn_watch *w     = &watches[i];
        uintptr_t begin = atomic_load_explicit(&w->begin, memory_order_acquire);
        if (begin == 0 || at < begin || at - begin >= atomic_load_explicit(&w->bytes, memory_order_relaxed))
            continue;
        /* Marked before the zeros can be seen by anybody. */
        atomic_store_explicit(&w->damaged, true, memory_order_release);
        void *page = (void *)(at & ~(page_bytes - 1));
        /* The bare call: wrappers of libraries and sanitizers are not made for handlers. */
        return syscall(SYS_mmap, page, page_bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                       0) == (long)page;
    }
    return false;
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code > 0 && replace_page((uintptr_t)info->si_addr)) {
        errno = saved;
        return;
    }
    errno = saved;
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(number, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(number);
    } else {
        sigaction(SIGBUS, &previous, NULL); /* the instruction runs again and meets its fate */
        if (info->si_code <= 0)
            raise(number); /* sent by someone: there is no instruction to repeat */
    }
}

static void install(void)
{
    page_bytes              = (uintptr_t)sysconf(_SC_PAGESIZE);
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

qn_watch *qn_sigbus_watch(const void *data, size_t bytes)
{
    pthread_once(&installed, install);
    pthread_mutex_lock(&free_mutex);
    uint32_t  used = atomic_load_explicit(&watches_used, memory_order_relaxed);
    qn_watch *w    = NULL;
    if (first_free) {
        w          = &watches[first_free - 1];
        first_free = w->next_free;
    } else if (used < QN_SIGBUS_MAPS) {
        w = &watches[used];
        atomic_store_explicit(&watches_used, used + 1, memory_order_release);
    }
    pthread_mutex_unlock(&free_mutex);
    if (!w)
        return NULL;
    /* The last page belongs to the mapping as a whole. */
    atomic_store_explicit(&w->bytes, (bytes + page_bytes - 1) & ~(page_bytes - 1), memory_order_relaxed);
    atomic_store_explicit(&w->damaged, false, memory_order_relaxed);
    atomic_store_explicit(&w->begin, (uintptr_t)data, memory_order_release);
    return w;
}

void qn_sigbus_unwatch(qn_watch *watch)
{
    if (!watch)
        return;
    atomic_store_explicit(&watch->begin, 0, memory_order_release);
    pthread_mutex_lock(&free_mutex);
    watch->next_free = first_free;
    first_free       = (uint32_t)(watch - watches) + 1;
    pthread_mutex_unlock(&free_mutex);
}

const atomic_bool *qn_sigbus_damaged(const qn_watch *watch)
{
    return watch ? &watch->damaged : NULL;
}
