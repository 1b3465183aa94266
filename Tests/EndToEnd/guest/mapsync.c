// mapsync FILE: maps a page of it with MAP_SYNC and prints "mapped" or the name of the error.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int file = open(argv[1], O_RDWR | O_CREAT, 0644);
    if (file < 0 || ftruncate(file, 4096) < 0) {
        perror(argv[1]);
        return 1;
    }
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC, file, 0);
    puts(page == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    return 0;
}
