// fill-device FILE: writes all of a device, 1 MiB at a time and without the page cache, and prints the microseconds it took.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { block = 1 << 20 };

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int file = open(argv[1], O_WRONLY | O_DIRECT);
    void *bytes = aligned_alloc(4096, block);
    if (file < 0 || !bytes) {
        perror(argv[1]);
        return 1;
    }
    memset(bytes, 0x5a, block);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    while (write(file, bytes, block) == block) {}
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%ld\n", (end.tv_sec - begin.tv_sec) * 1000000 + (end.tv_nsec - begin.tv_nsec) / 1000);
    return 0;
}
