// From the entry point to the command loop.
#include "acpi.h"
#include "commands.h"
#include "interrupts.h"
#include "memory.h"
#include "reply.h"
#include "serial.h"
#include "start_information.h"

enum { start_magic = 0x336ec578, longest_script = 4096 };

const struct start_information *start_information;

// The first thing that a person or a stopwatch sees; needs nothing but a stack.
void announce(void) {
    static const char ready[] = "bare: ready\n";
    serial_write(ready, sizeof ready - 1);
}

static void run_script(uint64_t address) {
    static char script[longest_script];
    const volatile char *from = memory_view(address);
    uint32_t i = 0;
    for (; i < longest_script - 1 && from[i]; i++) script[i] = from[i];
    script[i] = 0;
    commands_run(script);
}

void start(const struct start_information *information) {
    interrupts_initialise();
    if (information->magic == start_magic) {
        start_information = information;
        acpi_initialise(information->acpi_root_pointer);
        if (information->command_line) run_script(information->command_line);
    } else {
        reply_begin("error", "start no-start-information");
        reply_end();
    }
    command_loop();
}
