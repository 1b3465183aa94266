// Numbered records that tell whether they are whole, to see what a power cut leaves.
//
//   records write FILE COUNT   writes that many, one at a time, and prints "record N" when fsync of it has returned
//   records check FILE         prints "intact N": how many records from the first on are whole
//
// A record is 4096 bytes: its number (from 1), 4080 bytes that follow from the number, and a checksum of all of that.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static int write_records(const char *path, uint64_t count) {
    int file = open(path, O_RDWR | O_CREAT, 0644);
    if (file < 0) return failed(path);
    uint64_t record[words];
    for (uint64_t number = 1; number <= count; number++) {
        make(record, number);
        if (pwrite(file, record, sizeof record, (number - 1) * sizeof record) != sizeof record) return failed("write");
        if (fsync(file) < 0) return failed("fsync");
        printf("record %lu\n", number);
        fflush(stdout);
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
    if (argc == 4 && strcmp(argv[1], "write") == 0) return write_records(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 3 && strcmp(argv[1], "check") == 0) return check_records(argv[2]);
    fprintf(stderr, "usage: records write FILE COUNT | records check FILE\n");
    return 2;
}
