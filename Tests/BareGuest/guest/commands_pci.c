// Commands about PCI functions. A function is written bus:device.function, in hexadecimal, as 00:02.0.
#include "commands.h"
#include "pci.h"
#include "reply.h"

static uint32_t hexadecimal(const char **at) {
    uint32_t value = 0;
    for (;; (*at)++) {
        char digit = **at | 0x20;
        if (digit >= '0' && digit <= '9') value = value << 4 | (digit - '0');
        else if (digit >= 'a' && digit <= 'f') value = value << 4 | (digit - 'a' + 10);
        else return value;
    }
}

static pci_function function_argument(struct command_line *line) {
    const char *at = line->words[1];
    uint32_t bus = hexadecimal(&at);
    bool good = *at == ':';
    if (good) at++;
    uint32_t slot = hexadecimal(&at);
    good &= *at == '.';
    if (good) at++;
    uint32_t number = hexadecimal(&at);
    if (!good || *at || bus > 255 || slot > 31 || number > 7) line->bad = line->words[1];
    return bus << 8 | slot << 3 | number;
}

void reply_function(pci_function function) {
    reply_key("function");
    reply_digits(function >> 8, 2);
    reply_byte(':');
    reply_digits(function >> 3 & 31, 2);
    reply_byte('.');
    reply_digits(function & 7, 1);
}

static const char *select_by_name(const char *via) {
    if (string_equal(via, "port")) return pci_select(pci_by_port) ? NULL : "no-port";
    if (!string_equal(via, "ecam")) return "unknown-mechanism";
    return pci_select(pci_by_memory) ? NULL : "no-ecam";
}

// For one command: the `via` option, if it is there. The caller selects `usual` again.
static const char *select(struct command_line *line, enum pci_mechanism *usual) {
    const char *via = option_text(line, "via");
    *usual = pci_selected();
    return via ? select_by_name(via) : NULL;
}

static void reply_bar(const struct pci_bar *bar, uint32_t index) {
    char key[] = "bar0";
    key[3] += index;
    reply_key(key);
    reply_string(bar->is_memory ? bar->is_64_bit ? "memory64" : "memory32" : "port");
    reply_string(bar->prefetchable ? "p:0x" : ":0x");
    reply_digits(bar->address, 1);
    reply_string(":0x");
    reply_digits(bar->size, 1);
}

static void reply_bars(pci_function function) {
    uint32_t header = pci_read(function, pci_header_type, 1) & 0x7f;
    uint32_t bars = header == 0 ? 6 : header == 1 ? 2 : 0;
    for (uint32_t index = 0; index < bars; index++) {
        struct pci_bar bar;
        pci_bar_read(function, index, &bar);
        if (bar.present) reply_bar(&bar, index);
        if (bar.is_64_bit) index++;
    }
}

static const char *list(struct command_line *line) {
    enum pci_mechanism usual;
    const char *reason = select(line, &usual);
    if (reason) return reason;
    pci_function functions[64];
    uint32_t count = pci_scan(functions, COUNT_OF(functions));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t identity = pci_read(functions[i], pci_vendor, 4), class = pci_read(functions[i], pci_class_revision, 4);
        reply_begin("item", "pci");
        reply_function(functions[i]);
        reply_key("id");
        reply_digits(identity & 0xffff, 4);
        reply_byte(':');
        reply_digits(identity >> 16, 4);
        reply_hexadecimal("class", class >> 8, 6);
        reply_hexadecimal("revision", class & 0xff, 2);
        reply_bars(functions[i]);
        reply_end();
    }
    reply_begin("ok", "pci");
    reply_decimal("count", count);
    reply_end();
    pci_select(usual);
    return NULL;
}

static const char *read(struct command_line *line) {
    pci_function function = function_argument(line);
    uint32_t offset = argument(line, 2, 0), width = argument(line, 3, 4);
    enum pci_mechanism usual;
    const char *reason = line->bad ? "bad-number" : width != 1 && width != 2 && width != 4 ? "bad-width" : select(line, &usual);
    if (reason) return reason;
    uint32_t value = pci_read(function, offset, width);
    pci_select(usual);
    reply_begin("ok", "pci-read");
    reply_hexadecimal("value", value, width * 2);
    reply_end();
    return NULL;
}

static const char *write(struct command_line *line) {
    pci_function function = function_argument(line);
    uint32_t offset = argument(line, 2, 0), width = argument(line, 3, 4), value = argument(line, 4, 0);
    enum pci_mechanism usual;
    const char *reason = line->bad ? "bad-number" : width != 1 && width != 2 && width != 4 ? "bad-width" : select(line, &usual);
    if (reason) return reason;
    pci_write(function, offset, width, value);
    pci_select(usual);
    reply_begin("ok", "pci-write");
    reply_end();
    return NULL;
}

static const char *assign(struct command_line *line) {
    pci_function function = function_argument(line);
    uint32_t index = argument(line, 2, 0);
    uint64_t address = argument(line, 3, 0);
    if (line->bad) return "bad-number";
    if (index > 5) return "bad-index";
    if (!pci_exists(function)) return "no-function";
    struct pci_bar bar;
    if (address) pci_bar_write(function, index, address);
    if (!pci_bar_ensure(function, index, &bar)) return "no-memory-bar";
    reply_begin("ok", "pci-assign");
    reply_bar(&bar, index);
    reply_end();
    return NULL;
}

static const char *capabilities(struct command_line *line) {
    pci_function function = function_argument(line);
    if (line->bad) return "bad-number";
    if (!pci_exists(function)) return "no-function";
    uint32_t count = 0;
    uint32_t at = pci_read(function, pci_status, 2) & 0x10 ? pci_read(function, pci_capabilities, 1) & 0xfc : 0;
    for (; at && count < 48; at = pci_read(function, at + 1, 1) & 0xfc, count++) {
        uint32_t identifier = pci_read(function, at, 1);
        reply_begin("item", "pci-capabilities");
        reply_hexadecimal("offset", at, 2);
        reply_hexadecimal("id", identifier, 2);
        uint32_t length = identifier == 0x09 ? pci_read(function, at + 2, 1) : identifier == 0x11 ? 12 : 4;
        reply_key("bytes");
        for (uint32_t i = 0; i < length && i < 32; i++) reply_digits(pci_read(function, at + i, 1), 2);
        reply_end();
    }
    reply_begin("ok", "pci-capabilities");
    reply_decimal("count", count);
    reply_end();
    return NULL;
}

static const char *ecam(struct command_line *line) {
    uint64_t base = argument(line, 1, 0);
    if (line->bad) return "bad-number";
    if (line->word_count > 1) pci_set_ecam(base);
    if (pci_ecam() == 0) return "no-ecam";
    reply_begin("ok", "ecam");
    reply_hexadecimal("base", pci_ecam(), 8);
    reply_end();
    return NULL;
}

static const char *via(struct command_line *line) {
    const char *reason = select_by_name(line->words[1]);
    if (reason) return reason;
    reply_begin("ok", "pci-via");
    reply_end();
    return NULL;
}

const struct command pci_commands[] = {
    {"pci", list, 0, 0, "via"},
    {"pci-read", read, 2, 3, "via"},
    {"pci-write", write, 4, 4, "via"},
    {"pci-assign", assign, 2, 3, NULL},
    {"pci-capabilities", capabilities, 1, 1, NULL},
    {"ecam", ecam, 0, 1, NULL},
    {"pci-via", via, 1, 1, NULL},
    {NULL, NULL, 0, 0, NULL},
};
