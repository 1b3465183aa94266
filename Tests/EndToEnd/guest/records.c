// Numbered records that tell whether they are whole, to see what a power cut leaves.
//
//   records write FILE COUNT [NAME]   writes that many, one at a time, and prints "record N" when fsync of it has returned, or
//                                     "record NAME N"
//   records store FILE COUNT [NAME]   the same by stores into a mapping of the file, each with msync
//   records check FILE                prints "intact N": how many records from the first on are whole
//
// A record is 4096 bytes: its number (from 1), 4080 bytes that follow from the number, and a checksum of all of that.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { words = 4096 / 8, checksum_word = words - 1 };

static uint64_t checksum(const uint64_t *record) {
    uint64_t sum = 0xcbf29ce484222325;
    for (int word = 0; word < checksum_word; word++) sum = (sum ^ record[word]) * 0x100000001b3;
    return sum;
}

static void make(uint64_t *record, uint64_t number) {
    record[0] = number;
    for (int word = 1; word < checksum_word; word++) record[word] = record[word - 1] * 6364136223846793005 + 1442695040888963407;
    record[checksum_word] = checksum(record);
}

static int failed(const char *what) {
    perror(what);
    return 1;
}

// One write, so that the lines of several writers do not mix.
static void report(const char *name, uint64_t number) {
    printf("record %s%s%lu\n", name, *name ? " " : "", number);
    fflush(stdout);
}

static int write_records(const char *path, uint64_t count, const char *name) {
    int file = open(path, O_RDWR | O_CREAT, 0644);
    if (file < 0) return failed(path);
    uint64_t record[words];
    for (uint64_t number = 1; number <= count; number++) {
        make(record, number);
        if (pwrite(file, record, sizeof record, (number - 1) * sizeof record) != sizeof record) return failed("write");
        if (fsync(file) < 0) return failed("fsync");
        report(name, number);
    }
    return 0;
}

static int store_records(const char *path, uint64_t count, const char *name) {
    int file = open(path, O_RDWR | O_CREAT, 0644);
    if (file < 0) return failed(path);
    size_t size = count * words * sizeof(uint64_t);
    errno = posix_fallocate(file, 0, size);
    if (errno != 0) return failed("fallocate");
    uint64_t *record = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (record == MAP_FAILED) return failed("mmap");
    for (uint64_t number = 1; number <= count; number++, record += words) {
        make(record, number);
        if (msync(record, words * sizeof(uint64_t), MS_SYNC) < 0) return failed("msync");
        report(name, number);
    }
    return 0;
}

static int check_records(const char *path) {
    int file = open(path, O_RDONLY);
    if (file < 0) return failed(path);
    uint64_t found[words], expected[words], number = 1;
    for (;; number++) {
        make(expected, number);
        if (read(file, found, sizeof found) != sizeof found || memcmp(found, expected, sizeof found) != 0) break;
    }
    printf("intact %lu\n", number - 1);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 4 || argc == 5) {
        const char *name = argc == 5 ? argv[4] : "";
        uint64_t count = strtoull(argv[3], NULL, 10);
        if (strcmp(argv[1], "write") == 0) return write_records(argv[2], count, name);
        if (strcmp(argv[1], "store") == 0) return store_records(argv[2], count, name);
    }
    if (argc == 3 && strcmp(argv[1], "check") == 0) return check_records(argv[2]);
    fprintf(stderr, "usage: records write|store FILE COUNT [NAME] | records check FILE\n");
    return 2;
}
