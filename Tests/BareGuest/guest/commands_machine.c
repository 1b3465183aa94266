// Commands about the machine: tables, processor, ports, interrupts, ways to end.
#include "acpi.h"
#include "commands.h"
#include "interrupts.h"
#include "memory.h"
#include "power.h"
#include "processor.h"
#include "reply.h"
#include "start_information.h"

static const char *echo(struct command_line *line) {
    reply_begin("ok", "echo");
    for (uint32_t i = 1; i < line->word_count; i++) {
        reply_byte(' ');
        reply_string(line->words[i]);
    }
    reply_end();
    return NULL;
}

static const char *memory_map(struct command_line *line) {
    (void)line;
    if (!start_information || start_information->version < 1) return "no-memory-map";
    uint32_t count = start_information->memory_map_count;
    const struct memory_map_entry *entry = (void *)memory_view(start_information->memory_map);
    for (uint32_t i = 0; i < count; i++, entry++) {
        reply_begin("item", "memory-map");
        reply_hexadecimal("address", entry->address, 8);
        reply_hexadecimal("size", entry->size, 8);
        reply_decimal("type", entry->type);
        reply_end();
    }
    reply_begin("ok", "memory-map");
    reply_decimal("count", count);
    reply_end();
    return NULL;
}

static const char *acpi(struct command_line *line) {
    (void)line;
    struct acpi_table table;
    uint32_t count = 0, type;
    if (!acpi_root_pointer()) return "no-root-pointer";
    for (; acpi_table_at(count, &table); count++) {
        reply_begin("item", "acpi");
        reply_text("table", table.signature);
        reply_hexadecimal("address", table.address, 8);
        reply_decimal("length", table.length);
        reply_text("checksum", table.checksum_good ? "good" : "bad");
        reply_end();
    }
    reply_begin("ok", "acpi");
    reply_hexadecimal("root", acpi_root_pointer(), 8);
    reply_text("checksum", acpi_root_checksum_good() ? "good" : "bad");
    reply_decimal("count", count);
    if (acpi_sleep_type(&type)) reply_decimal("s5", type);
    reply_end();
    return NULL;
}

static const char *identify(struct command_line *line) {
    uint32_t leaf = argument(line, 1, 0), subleaf = argument(line, 2, 0), result[4];
    if (line->bad) return "bad-number";
    cpuid(leaf, subleaf, result);
    reply_begin("ok", "cpuid");
    reply_hexadecimal("eax", result[0], 8);
    reply_hexadecimal("ebx", result[1], 8);
    reply_hexadecimal("ecx", result[2], 8);
    reply_hexadecimal("edx", result[3], 8);
    reply_end();
    return NULL;
}

static const char *read_register(struct command_line *line) {
    uint32_t index = argument(line, 1, 0);
    if (line->bad) return "bad-number";
    uint64_t value = read_msr(index);
    reply_begin("ok", "rdmsr");
    reply_hexadecimal("value", value, 1);
    reply_end();
    return NULL;
}

static const char *write_register(struct command_line *line) {
    uint32_t index = argument(line, 1, 0);
    uint64_t value = argument(line, 2, 0);
    if (line->bad) return "bad-number";
    write_msr(index, value);
    reply_begin("ok", "wrmsr");
    reply_end();
    return NULL;
}

static const char *read_port(struct command_line *line) {
    uint16_t port = argument(line, 1, 0);
    uint32_t width = argument(line, 2, 1);
    if (line->bad) return "bad-number";
    if (width != 1 && width != 2 && width != 4) return "bad-width";
    uint32_t value = width == 1 ? in8(port) : width == 2 ? in16(port) : in32(port);
    reply_begin("ok", "in");
    reply_hexadecimal("value", value, width * 2);
    reply_end();
    return NULL;
}

static const char *write_port(struct command_line *line) {
    uint16_t port = argument(line, 1, 0);
    uint32_t width = argument(line, 2, 1), value = argument(line, 3, 0);
    if (line->bad) return "bad-number";
    if (width == 1) out8(port, value);
    else if (width == 2) out16(port, value);
    else if (width == 4) out32(port, value);
    else return "bad-width";
    reply_begin("ok", "out");
    reply_end();
    return NULL;
}

static const char *interrupts(struct command_line *line) {
    bool clear = line->word_count > 1 && string_equal(line->words[1], "clear");
    if (line->word_count > 1 && !clear) return "unknown-word";
    uint32_t total = 0;
    for (uint32_t vector = vector_queue_base; vector < vector_timer; vector++) {
        uint32_t count = interrupt_counts[vector];
        total += count;
        if (clear) interrupt_counts[vector] = 0;
        if (!count) continue;
        bool queue = vector < vector_configuration_base;
        reply_begin("item", "interrupts");
        reply_decimal("device", vector - (queue ? vector_queue_base : vector_configuration_base));
        reply_text("vector", queue ? "queue" : "configuration");
        reply_decimal("count", count);
        reply_end();
    }
    reply_begin("ok", "interrupts");
    reply_decimal("total", total);
    reply_end();
    return NULL;
}

static const char *frequency(struct command_line *line) {
    (void)line;
    uint64_t hertz = timer_timestamp_frequency();
    if (!hertz) return "no-local-apic";
    reply_begin("ok", "tsc");
    reply_decimal("hertz", hertz);
    reply_decimal("now", timestamp());
    reply_end();
    return NULL;
}

static const char *delay(struct command_line *line) {
    uint64_t milliseconds = argument(line, 1, 0), hertz = timer_timestamp_frequency();
    if (line->bad) return "bad-number";
    if (!hertz) return "no-local-apic";
    uint64_t begin = timestamp(), cycles = (hertz >> 10) * milliseconds;
    timer_start(1000000);
    while (timestamp() - begin < cycles) timer_sleep();
    timer_stop();
    reply_begin("ok", "delay");
    reply_end();
    return NULL;
}

static const char *off(struct command_line *line) { return (void)line, power_off(); }
static const char *reboot(struct command_line *line) { return (void)line, power_reset(); }

static const char *fault(struct command_line *line) {
    power_triple_fault(line->word_count > 1 && string_equal(line->words[1], "int3"));
    return "still-running";
}

static const char *halt(struct command_line *line) {
    (void)line;
    reply_begin("ok", "halt");
    reply_end();
    while (true) __asm__ volatile("cli; hlt");
    return NULL;
}

static const char *spin(struct command_line *line) {
    (void)line;
    reply_begin("ok", "spin");
    reply_end();
    while (true) compiler_barrier();
    return NULL;
}

const struct command machine_commands[] = {
    {"echo", echo, 0, 30, NULL},
    {"memory-map", memory_map, 0, 0, NULL},
    {"acpi", acpi, 0, 0, NULL},
    {"cpuid", identify, 1, 2, NULL},
    {"rdmsr", read_register, 1, 1, NULL},
    {"wrmsr", write_register, 2, 2, NULL},
    {"in", read_port, 1, 2, NULL},
    {"out", write_port, 3, 3, NULL},
    {"interrupts", interrupts, 0, 1, NULL},
    {"tsc", frequency, 0, 0, NULL},
    {"delay", delay, 1, 1, NULL},
    {"power-off", off, 0, 0, NULL},
    {"reboot", reboot, 0, 0, NULL},
    {"fault", fault, 0, 1, NULL},
    {"halt", halt, 0, 0, NULL},
    {"spin", spin, 0, 0, NULL},
    {NULL, NULL, 0, 0, NULL},
};
