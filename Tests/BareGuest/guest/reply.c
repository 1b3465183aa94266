#include "reply.h"
#include "arithmetic.h"
#include "serial.h"

static char line[256];
static uint32_t used;

static void flush_line(void) {
    serial_write(line, used);
    used = 0;
}

void reply_byte(char byte) {
    if (used == sizeof line) flush_line();
    line[used++] = byte;
}

void reply_string(const char *string) {
    while (*string) reply_byte(*string++);
}

void reply_number(uint64_t value) {
    char digits[20];
    uint32_t count = 0;
    do {
        uint32_t remainder;
        value = divide(value, 10, &remainder);
        digits[count++] = '0' + remainder;
    } while (value);
    while (count) reply_byte(digits[--count]);
}

void reply_digits(uint64_t value, uint32_t digits) {
    while (digits < 16 && value >> (digits * 4)) digits++;
    while (digits--) reply_byte("0123456789abcdef"[(uint32_t)(value >> (digits * 4)) & 15]);
}

void reply_begin(const char *kind, const char *command) {
    reply_string(kind);
    reply_byte(' ');
    reply_string(command);
}

void reply_key(const char *key) {
    reply_byte(' ');
    reply_string(key);
    reply_byte('=');
}

void reply_text(const char *key, const char *value) {
    reply_key(key);
    reply_string(value);
}

void reply_decimal(const char *key, uint64_t value) {
    reply_key(key);
    reply_number(value);
}

void reply_hexadecimal(const char *key, uint64_t value, uint32_t digits) {
    reply_key(key);
    reply_string("0x");
    reply_digits(value, digits);
}

void reply_list(const char *key, const uint32_t *values, uint32_t count, bool collapse) {
    uint32_t shown = count;
    if (collapse && count) {
        shown = 1;
        for (uint32_t i = 1; i < count; i++) {
            if (values[i] != values[0]) shown = count;
        }
    }
    reply_key(key);
    for (uint32_t i = 0; i < shown; i++) {
        if (i) reply_byte(',');
        reply_number(values[i]);
    }
}

void reply_end(void) {
    reply_byte('\n');
    flush_line();
}
