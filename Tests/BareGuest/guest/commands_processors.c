// Commands that set further processors to work.
#include "commands.h"
#include "processors.h"
#include "reply.h"

static const char *start(struct command_line *line, struct flood *flood) {
    uint32_t count = argument(line, 1, 0);
    flood->at = argument(line, 2, 0);
    flood->width = argument(line, 3, 4);
    flood->values[0] = argument(line, 4, 0);
    flood->values[1] = argument(line, 5, 0);
    bool joins = option(line, "join", 0);
    if (line->bad) return "bad-number";
    if (flood->width != 1 && flood->width != 2 && flood->width != 4) return "bad-width";
    for (uint32_t i = 0; i < count; i++) {
        if (!processor_flood(flood)) return "processor-does-not-start";
    }
    reply_begin("ok", line->words[0]);
    reply_decimal("count", count);
    reply_end();
    if (joins) flood_forever(flood);
    return NULL;
}

static const char *flood_memory(struct command_line *line) {
    struct flood flood = {.is_port = false};
    return start(line, &flood);
}

static const char *flood_port(struct command_line *line) {
    struct flood flood = {.is_port = true};
    return start(line, &flood);
}

static const char *hostile(struct command_line *line) {
    uint32_t count = argument(line, 1, 0), seed = argument(line, 2, 0);
    bool joins = option(line, "join", 0);
    if (line->bad) return "bad-number";
    for (uint32_t i = 0; i < count; i++) {
        struct flood work = {.seed = seed * 64 + i + 1};
        if (!processor_flood(&work)) return "processor-does-not-start";
    }
    reply_begin("ok", line->words[0]);
    reply_decimal("count", count);
    reply_end();
    if (joins) flood_forever(&(struct flood){.seed = seed * 64 + 63});
    return NULL;
}

const struct command processor_commands[] = {
    {"flood", flood_memory, 5, 5, "join"},
    {"flood-port", flood_port, 5, 5, "join"},
    {"hostile", hostile, 2, 2, "join"},
    {NULL, NULL, 0, 0, NULL},
};
