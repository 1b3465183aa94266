#include "serial.h"
#include "interrupts.h"
#include "processor.h"

enum {
    data = 0x3f8,
    line_status = 0x3fd,
    line_status_data_ready = 0x01,
    line_status_transmitter_empty = 0x20,
    looks_before_sleep = 64,
    sleep_nanoseconds = 1000000,
};

// Byte by byte, without the FIFO: switching it on would drop input that came before.
void serial_write(const char *bytes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        while (!(in8(line_status) & line_status_transmitter_empty)) {}
        out8(data, bytes[i]);
    }
}

bool serial_has_input(void) { return in8(line_status) & line_status_data_ready; }

char serial_read(void) {
    for (int look = 0; look < looks_before_sleep; look++) {
        if (serial_has_input()) return in8(data);
    }
    timer_start(sleep_nanoseconds);
    while (!serial_has_input()) timer_sleep();
    timer_stop();
    return in8(data);
}
