// A ledger: records that are appended one by one, in a file that is mapped. It comes in a careful and in two careless manners, for
// docs/power-cut-testing.md, and waits at the end for a power cut.
//
//   ledger new FILE                 makes an empty one
//   ledger add FILE MANNER TEXT...  appends each text and says "stored N" when it is there to stay; begins to append one more, and
//                                   stops before the last thing that this one needs
//   ledger check FILE               says how many records there are; fails if one of them is damaged
//
//   careful    syncs the record, then counts it, then syncs the count
//   hasty      writes the record, counts it, and syncs both at once
//   forgetful  syncs nothing
//
// Page 0 is the count; page N is record N: a checksum and a text.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { page = 4096, records = 15 };

struct head {
    char magic[8];
    uint64_t count;
    char rest[page - 16];
};

struct record {
    uint64_t checksum;
    char text[page - 8];
};

struct ledger {
    struct head head;
    struct record record[records];
};

static const char magic[8] = "ledger1";

static uint64_t checksum(const struct record *record) {
    uint64_t sum = 0xcbf29ce484222325;
    for (size_t index = 0; index < sizeof record->text; index++) sum = (sum ^ (uint8_t)record->text[index]) * 0x100000001b3;
    return sum;
}

static int failed(const char *what) {
    perror(what);
    return 1;
}

static int make(const char *path) {
    static struct ledger ledger;
    memset(&ledger, '-', sizeof ledger);
    memcpy(ledger.head.magic, magic, sizeof magic);
    ledger.head.count = 0;
    int file = open(path, O_RDWR | O_CREAT | O_EXCL, 0644);
    if (file < 0) return failed(path);
    if (write(file, &ledger, sizeof ledger) != sizeof ledger || fsync(file) < 0) return failed(path);
    return 0;
}

static struct ledger *map(const char *path, int flags, int protection) {
    int file = open(path, flags);
    if (file < 0) return MAP_FAILED;
    return mmap(NULL, sizeof(struct ledger), protection, MAP_SHARED, file, 0);
}

static void sync_pages(void *start, size_t size) {
    if (msync(start, size, MS_SYNC) < 0) _exit(failed("msync"));
}

// Appends a text. Each manner of doing it is right as long as the power stays on.
static void append(struct ledger *ledger, const char *manner, const char *text, int stops) {
    struct record *record = &ledger->record[ledger->head.count];
    memset(record->text, 0, sizeof record->text);
    strncpy(record->text, text, sizeof record->text - 1);
    record->checksum = checksum(record);
    if (strcmp(manner, "careful") == 0) sync_pages(record, sizeof *record);
    ledger->head.count++;
    if (stops) return;
    if (strcmp(manner, "careful") == 0) sync_pages(&ledger->head, sizeof ledger->head);
    if (strcmp(manner, "hasty") == 0) sync_pages(ledger, sizeof *ledger);
    printf("guest: %s: stored %lu\n", manner, ledger->head.count);
    fflush(stdout);
}

static int add(const char *path, const char *manner, char **texts, int count) {
    struct ledger *ledger = map(path, O_RDWR, PROT_READ | PROT_WRITE);
    if (ledger == MAP_FAILED) return failed(path);
    for (int index = 0; index < count && ledger->head.count < records - 1; index++) append(ledger, manner, texts[index], 0);
    append(ledger, manner, "one more", 1);
    printf("guest: %s: waits\n", manner);
    fflush(stdout);
    for (;;) pause();
}

static int check(const char *path) {
    struct ledger *ledger = map(path, O_RDONLY, PROT_READ);
    if (ledger == MAP_FAILED) return failed(path);
    if (memcmp(ledger->head.magic, magic, sizeof magic) != 0 || ledger->head.count > records) {
        printf("no ledger\n");
        return 1;
    }
    for (uint64_t index = 0; index < ledger->head.count; index++) {
        if (ledger->record[index].checksum == checksum(&ledger->record[index])) continue;
        printf("%lu records, and number %lu is damaged\n", ledger->head.count, index + 1);
        return 1;
    }
    printf("%lu records, all whole\n", ledger->head.count);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && strcmp(argv[1], "new") == 0) return make(argv[2]);
    if (argc >= 5 && strcmp(argv[1], "add") == 0) return add(argv[2], argv[3], argv + 4, argc - 4);
    if (argc == 3 && strcmp(argv[1], "check") == 0) return check(argv[2]);
    fprintf(stderr, "usage: ledger new FILE | ledger add FILE MANNER TEXT... | ledger check FILE\n");
    return 2;
}
