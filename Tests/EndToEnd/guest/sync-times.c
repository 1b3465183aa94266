// sync-times FILE COUNT: stores a page through a mapping, then msync; prints the median, the lowest and the highest time in nanoseconds.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int compare(const void *left, const void *right) {
    const long *one = left, *two = right;
    return (*one > *two) - (*one < *two);
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int count = atoi(argv[2]), file = open(argv[1], O_RDWR | O_CREAT, 0644);
    if (count < 1 || file < 0 || ftruncate(file, 4096) < 0) return 1;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    long *times = calloc(count, sizeof *times);
    if (page == MAP_FAILED || times == NULL) return 1;
    for (int round = 0; round < count; round++) {
        memset(page, round, 4096);
        long begin = now();
        if (msync(page, 4096, MS_SYNC) < 0) return 1;
        times[round] = now() - begin;
    }
    qsort(times, count, sizeof *times, compare);
    printf("median %ld lowest %ld highest %ld\n", times[count / 2], times[0], times[count - 1]);
    return 0;
}
