// mapwrite FILE TEXT [nosync]: stores TEXT and a line feed at the beginning of FILE through a shared mapping, and msyncs it
// unless told not to.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 3 && argc != 4) return 2;
    size_t length = strlen(argv[2]);
    int file = open(argv[1], O_RDWR | O_CREAT, 0644);
    if (file < 0 || ftruncate(file, length + 1) < 0) {
        perror(argv[1]);
        return 1;
    }
    char *text = mmap(NULL, length + 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (text == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    memcpy(text, argv[2], length);
    text[length] = '\n';
    if (argc == 3 && msync(text, length + 1, MS_SYNC) < 0) {
        perror("msync");
        return 1;
    }
    return 0;
}
