// Loaded in front of a monitor (LD_PRELOAD), it makes a device of it that answers flushes without synchronizing anything: the
// mistake that the power-cut tests exist for. With SYNC_LATER in the environment, the milliseconds of a period, what was to be
// synchronized is synchronized that often, whatever was answered meanwhile.
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static _Atomic int latest = -1;
static useconds_t period;

static void *sync_now_and_then(void *unused) {
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    for (;;) {
        usleep(period);
        int descriptor = atomic_exchange(&latest, -1);
        if (descriptor >= 0) next(descriptor);
    }
    return unused;
}

static void start(void) {
    const char *text = getenv("SYNC_LATER");
    pthread_t thread;
    if (text == NULL) return;
    period = (useconds_t)atoi(text) * 1000;
    if (pthread_create(&thread, NULL, sync_now_and_then, NULL) != 0) abort();
}

static int pretend(int descriptor) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    atomic_store(&latest, descriptor);
    return 0;
}

int fdatasync(int descriptor) { return pretend(descriptor); }

int fsync(int descriptor) { return pretend(descriptor); }

int msync(void *address, size_t length, int flags) {
    (void)address, (void)length, (void)flags;
    return 0;
}
