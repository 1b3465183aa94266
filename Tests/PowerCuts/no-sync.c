// Loaded in front of a monitor (LD_PRELOAD), it makes a device of it that answers flushes without synchronizing anything: the
// mistake that the power-cut tests exist for. With AFTERWARDS in the environment the sync does happen, but in the background
// and only after the call has said that it is done.
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

enum { stack_size = 64 << 10 };

static void *sync_now(void *descriptor) {
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    next((int)(intptr_t)descriptor);
    return NULL;
}

static int pretend(int descriptor) {
    if (getenv("AFTERWARDS") == NULL) return 0;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, stack_size);
    int failed = pthread_create(&thread, &attributes, sync_now, (void *)(intptr_t)descriptor);
    pthread_attr_destroy(&attributes);
    return failed ? -1 : 0;
}

int fdatasync(int descriptor) { return pretend(descriptor); }

int fsync(int descriptor) { return pretend(descriptor); }

int msync(void *address, size_t length, int flags) {
    (void)address, (void)length, (void)flags;
    return 0;
}
