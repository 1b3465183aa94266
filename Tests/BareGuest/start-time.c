// Measures a monitor from outside: from just before fork to the first bytes of the guest's `bare: ready`.
//
//   start-time ROUNDS COMMAND [ARGUMENT...]      the guest's serial port must be on the command's standard output
//
// Prints one line: `start-time: rounds=N min=.. median=.. max=.. microseconds`. The command is killed after each round.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most_rounds = 1000, patience_milliseconds = 120000 };

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static pid_t launch(char **words, int output) {
    pid_t child = fork();
    if (child != 0) return child;
    // The command's standard input stays open and silent: a console at its end would end some commands.
    int silence[2];
    if (pipe(silence) == 0) dup2(silence[0], 0);
    dup2(output, 1);
    execvp(words[0], words);
    perror(words[0]);
    _exit(127);
}

// Microseconds, or a negative number if the words did not come.
static double until_ready(int input, double begin) {
    char seen[4096];
    size_t count = 0;
    while (count < sizeof seen) {
        struct pollfd poller = {.fd = input, .events = POLLIN};
        if (poll(&poller, 1, patience_milliseconds) != 1) return -1;
        ssize_t part = read(input, seen + count, sizeof seen - count);
        if (part <= 0) return -1;
        count += part;
        // Firmware may have sent anything before, zeros too.
        if (memmem(seen, count, "bare", 4)) return now() - begin;
    }
    return -1;
}

static double one_round(char **words) {
    int output[2];
    if (pipe2(output, O_CLOEXEC) < 0) return -1;
    double begin = now();
    pid_t child = launch(words, output[1]);
    close(output[1]);
    double took = until_ready(output[0], begin);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(output[0]);
    return took;
}

static int smaller(const void *left, const void *right) {
    double difference = *(const double *)left - *(const double *)right;
    return difference < 0 ? -1 : difference > 0;
}

int main(int count, char **words) {
    int rounds = count > 2 ? atoi(words[1]) : 0;
    if (rounds < 1 || rounds > most_rounds) {
        fprintf(stderr, "usage: start-time ROUNDS COMMAND [ARGUMENT...]\n");
        return 64;
    }
    double times[most_rounds];
    for (int i = 0; i < rounds; i++) {
        times[i] = one_round(words + 2);
        if (times[i] < 0) {
            fprintf(stderr, "start-time: %s did not print `bare: ready`\n", words[2]);
            return 1;
        }
    }
    qsort(times, rounds, sizeof times[0], smaller);
    printf("start-time: rounds=%d min=%.0f median=%.0f max=%.0f microseconds\n", rounds, times[0], times[rounds / 2], times[rounds - 1]);
}
