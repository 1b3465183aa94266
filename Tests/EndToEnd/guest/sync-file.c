// sync-file FILE: fsync of a file or folder.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int file = open(argv[1], O_RDONLY);
    if (file < 0 || fsync(file) < 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
