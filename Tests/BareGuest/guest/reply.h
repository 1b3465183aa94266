// Result lines: `ok COMMAND key=value ...`, `error COMMAND reason`, and before them `item COMMAND key=value ...`.
#pragma once
#include "types.h"

void reply_begin(const char *kind, const char *command);
void reply_text(const char *key, const char *value);
void reply_decimal(const char *key, uint64_t value);
void reply_hexadecimal(const char *key, uint64_t value, uint32_t digits);
void reply_byte(char byte);
void reply_string(const char *string);
void reply_number(uint64_t value);
void reply_digits(uint64_t value, uint32_t digits);
// `key=` and nothing: the caller adds the value with reply_string, reply_number or reply_digits.
void reply_key(const char *key);
// Ends the line and sends it.
void reply_end(void);
// `key=3` if all are equal, `key=3,4,4` otherwise.
void reply_list(const char *key, const uint32_t *values, uint32_t count, bool collapse);
