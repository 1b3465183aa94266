#include "commands.h"
#include "reply.h"
#include "serial.h"

enum { longest_line = 4096 };

static const struct command *const tables[] = {
    machine_commands, memory_commands, pci_commands, virtio_commands, pmem_commands, benchmark_commands, processor_commands,
};

bool string_equal(const char *left, const char *right) {
    while (*left && *left == *right) left++, right++;
    return *left == *right;
}

static int digit_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : 16;
}

// Decimal or 0x hexadecimal, with an optional minus before and K, M or G after.
bool number_parse(const char *word, uint64_t *value) {
    if (*word == '-') {
        bool good = word[1] != '-' && number_parse(word + 1, value);
        *value = -*value;
        return good;
    }
    uint64_t number = 0;
    int base = 10;
    if (word[0] == '0' && (word[1] | 0x20) == 'x') base = 16, word += 2;
    if (digit_value(*word) >= base) return false;
    for (; digit_value(*word) < base; word++) number = number * base + digit_value(*word);
    int shift = *word == 'K' ? 10 : *word == 'M' ? 20 : *word == 'G' ? 30 : 0;
    if (shift) word++;
    *value = number << shift;
    return *word == 0;
}

static uint64_t number_or_note(struct command_line *line, const char *word) {
    uint64_t value = 0;
    if (!number_parse(word, &value)) line->bad = word;
    return value;
}

uint64_t argument(struct command_line *line, uint32_t i, uint64_t otherwise) {
    return i < line->word_count ? number_or_note(line, line->words[i]) : otherwise;
}

// The value, if word is `key=value` with this key.
static const char *value_of(const char *word, const char *key) {
    while (*key && *word == *key) word++, key++;
    return *key == 0 && *word == '=' ? word + 1 : NULL;
}

const char *option_text(const struct command_line *line, const char *key) {
    for (uint32_t i = 0; i < line->option_count; i++) {
        const char *value = value_of(line->options[i], key);
        if (value) return value;
    }
    return NULL;
}

uint64_t option(struct command_line *line, const char *key, uint64_t otherwise) {
    const char *word = option_text(line, key);
    return word ? number_or_note(line, word) : otherwise;
}

static bool option_known(const char *word, const char *keys) {
    while (keys && *keys) {
        const char *at = word;
        while (*keys && *keys != ' ' && *at == *keys) at++, keys++;
        if (*at == '=' && (*keys == 0 || *keys == ' ')) return true;
        while (*keys && *keys != ' ') keys++;
        while (*keys == ' ') keys++;
    }
    return false;
}

static bool split(char *text, struct command_line *line) {
    while (true) {
        while (*text == ' ') *text++ = 0;
        if (*text == 0) return true;
        const char *word = text;
        bool is_option = false;
        for (; *text && *text != ' '; text++) is_option |= *text == '=';
        if (is_option) {
            if (line->option_count == COUNT_OF(line->options)) return false;
            line->options[line->option_count++] = word;
        } else {
            if (line->word_count == COUNT_OF(line->words)) return false;
            line->words[line->word_count++] = word;
        }
    }
}

static const struct command *find(const char *name) {
    for (uint32_t i = 0; i < COUNT_OF(tables); i++) {
        for (const struct command *command = tables[i]; command->name; command++) {
            if (string_equal(command->name, name)) return command;
        }
    }
    return NULL;
}

static const char *run_parsed(struct command_line *line) {
    const struct command *command = find(line->words[0]);
    if (!command) return "unknown-command";
    uint32_t arguments = line->word_count - 1;
    if (arguments < command->minimum || arguments > command->maximum) return "wrong-number-of-arguments";
    for (uint32_t i = 0; i < line->option_count; i++) {
        if (!option_known(line->options[i], command->options)) return "unknown-option";
    }
    return command->handler(line);
}

static const char *current = "-";

void command_error(const char *reason, const char *word) {
    reply_begin("error", current);
    reply_byte(' ');
    reply_string(reason);
    if (word) reply_text("word", word);
}

void command_abandon(const char *reason) {
    command_error(reason, NULL);
    reply_end();
    command_loop_restart();
}

static void run_one(char *text) {
    static struct command_line line;
    line.word_count = line.option_count = 0;
    line.bad = NULL;
    bool whole = split(text, &line);
    if (whole && line.word_count == 0 && line.option_count == 0) return;
    if (line.word_count && line.words[0][0] == '#') return;
    current = line.word_count ? line.words[0] : "-";
    const char *reason = whole && line.word_count ? run_parsed(&line) : "malformed-line";
    if (!reason) return;
    command_error(reason, line.bad);
    reply_end();
}

// What is left to run of the last script or line: survives a command that was abandoned.
static char *rest = "";

static void run_rest(void) {
    while (*rest) {
        char *one = rest;
        while (*rest && *rest != ';') rest++;
        if (*rest) *rest++ = 0;
        run_one(one);
    }
}

void commands_run(char *script) {
    rest = script;
    run_rest();
}

// False if the line was too long; the rest of it is dropped.
static bool read_line(char *line) {
    uint32_t count = 0;
    while (true) {
        char byte = serial_read();
        if (byte == '\n' || byte == '\r') break;
        if (count < longest_line - 1) line[count] = byte;
        count++;
    }
    line[count < longest_line ? count : 0] = 0;
    return count < longest_line;
}

void command_loop(void) {
    static char line[longest_line];
    run_rest();
    while (true) {
        if (read_line(line)) {
            commands_run(line);
        } else {
            current = "-";
            command_error("line-too-long", NULL);
            reply_end();
        }
    }
}
