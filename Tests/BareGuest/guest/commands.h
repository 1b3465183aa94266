// Commands: a line is words; `key=value` words are options, the others are arguments in order.
#pragma once
#include "types.h"

struct command_line {
    const char *words[40];     // the command's name first
    uint32_t word_count;
    const char *options[16];
    uint32_t option_count;
    const char *bad;           // a word that is no number where a number is needed
};

// A handler prints its `ok` line and returns NULL, or returns the reason for the `error` line.
typedef const char *command_handler(struct command_line *line);

struct command {
    const char *name;
    command_handler *handler;
    uint32_t minimum, maximum; // arguments without the name
    const char *options;       // keys, separated by blanks
};

// Tables end with an entry without a name.
extern const struct command machine_commands[], memory_commands[], pci_commands[], virtio_commands[], pmem_commands[],
    benchmark_commands[], processor_commands[];

bool number_parse(const char *word, uint64_t *value);
bool string_equal(const char *left, const char *right);
// Argument i (1 is the first), or the default if it is not there.
uint64_t argument(struct command_line *line, uint32_t i, uint64_t otherwise);
uint64_t option(struct command_line *line, const char *key, uint64_t otherwise);
// NULL if the option is not there.
const char *option_text(const struct command_line *line, const char *key);

// Prints the running command's `error` line up to the reason, and `word=` if a word is to blame; reply_end is left.
void command_error(const char *reason, const char *word);
// Ends the running command with an error, from wherever it is.
__attribute__((noreturn)) void command_abandon(const char *reason);
// Runs commands separated by `;` (they are cut up in place), before the next line is read.
void commands_run(char *script);
void command_loop(void);
// Forgets the stack and goes on with the next command.
__attribute__((noreturn)) void command_loop_restart(void);
