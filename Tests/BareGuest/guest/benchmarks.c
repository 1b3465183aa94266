// Round trips of flush requests, timed.
#include "arithmetic.h"
#include "commands.h"
#include "interrupts.h"
#include "pmem.h"
#include "reply.h"

// Times in cycles, sorted into steps of 1/16 of a power of two: a percentile is right to 6 percent, without sorting.
enum { steps = 16, buckets = 64 * steps };
struct histogram {
    uint32_t counts[buckets], total_count;
    uint64_t smallest, largest, sum;
};

static uint32_t bucket_of(uint64_t value) {
    if (value < steps) return value;
    uint32_t high = value >> 32, top = high ? 63 - __builtin_clz(high) : 31 - __builtin_clz((uint32_t)value);
    return (top - 3) * steps + ((uint32_t)(value >> (top - 4)) & (steps - 1));
}

static uint64_t bucket_middle(uint32_t bucket) {
    if (bucket < steps) return bucket;
    uint32_t top = bucket / steps + 3;
    return ((uint64_t)(steps + bucket % steps) * 2 + 1) << (top - 4) >> 1;
}

static void histogram_clear(struct histogram *histogram) {
    *histogram = (struct histogram){.smallest = ~0ull};
}

static void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->counts[bucket_of(value)]++;
    histogram->total_count++;
    histogram->sum += value;
    if (value < histogram->smallest) histogram->smallest = value;
    if (value > histogram->largest) histogram->largest = value;
}

static uint64_t histogram_percentile(const struct histogram *histogram, uint32_t percent) {
    uint64_t rank = divide((uint64_t)histogram->total_count * percent + 99, 100, NULL), seen = 0;
    for (uint32_t i = 0; i < buckets; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) return bucket_middle(i);
    }
    return histogram->largest;
}

static void reply_histogram(const char *command, uint64_t requests, uint64_t failed, const struct histogram *histogram) {
    reply_begin("ok", command);
    reply_decimal("requests", requests);
    reply_decimal("failed", failed);
    reply_decimal("min-cycles", histogram->smallest);
    reply_decimal("median-cycles", histogram_percentile(histogram, 50));
    reply_decimal("p99-cycles", histogram_percentile(histogram, 99));
    reply_decimal("max-cycles", histogram->largest);
    reply_decimal("total-cycles", histogram->sum);
    reply_decimal("hertz", timer_timestamp_frequency());
    reply_end();
}

static struct histogram histogram;

// One request, already described: published, waited for, taken. Cycles, or 0 on timeout.
static uint64_t round_trip(struct virtio_device *device, uint16_t head) {
    uint64_t begin = timestamp();
    split_ring_offer(&device->ring, head);
    if (split_ring_publish(&device->ring)) virtio_ring_doorbell(device);
    if (!pmem_wait(device)) return 0;
    uint64_t cycles = timestamp() - begin;
    split_ring_take(&device->ring);
    split_ring_want_interrupt(&device->ring, 0);
    return cycles;
}

// One outstanding request at a time; each sample is a round trip.
static const char *bench_flush(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t count = argument(line, 1, 1000), failed = 0;
    if (line->bad) return "bad-number";
    if (count == 0 || device->outstanding || pmem_capacity(device) == 0) return "does-not-fit";
    histogram_clear(&histogram);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t cycles = round_trip(device, pmem_prepare(device, 0, 0));
        if (cycles == 0) return "timeout";
        failed += pmem_result(device, 0) != 0;
        histogram_add(&histogram, cycles);
    }
    reply_histogram("bench-flush", count, failed, &histogram);
    return NULL;
}

// What a round trip costs without a device: the used element is the guest's own, and there before it is looked for.
static uint64_t lonely_round_trip(struct virtio_device *device, uint16_t head) {
    uint64_t begin = timestamp();
    split_ring_offer(&device->ring, head);
    split_ring_publish(&device->ring);
    device->ring.used->index++;
    if (!pmem_wait(device)) return 0;
    uint64_t cycles = timestamp() - begin;
    split_ring_take(&device->ring);
    split_ring_want_interrupt(&device->ring, 0);
    return cycles;
}

static const char *bench_ring(struct command_line *line) {
    const char *reason;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t count = argument(line, 1, 1000);
    if (line->bad) return "bad-number";
    if (count == 0 || device->outstanding || pmem_capacity(device) == 0) return "does-not-fit";
    histogram_clear(&histogram);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t cycles = lonely_round_trip(device, pmem_prepare(device, 0, 0));
        if (cycles == 0) return "timeout";
        histogram_add(&histogram, cycles);
    }
    reply_histogram("bench-ring", count, 0, &histogram);
    return NULL;
}

// Rounds of `batch` outstanding requests; each sample is a round.
static const char *bench_flush_batch(struct command_line *line) {
    const char *reason;
    enum kick_mode kicks;
    struct virtio_device *device = pmem_selected(true, &reason);
    if (!device) return reason;
    uint32_t rounds = argument(line, 1, 100), batch = argument(line, 2, 64), failed = 0;
    if (line->bad) return "bad-number";
    if (!pmem_parse_kicks(option_text(line, "kicks"), &kicks)) return "unknown-kicks";
    if (rounds == 0 || batch == 0 || device->outstanding || batch > pmem_capacity(device)) return "does-not-fit";
    histogram_clear(&histogram);
    for (uint32_t i = 0; i < rounds; i++) {
        pmem_submit(device, batch, 0, kicks);
        pmem_collect(device, batch, &pmem_last);
        if (pmem_last.count != batch) return "timeout";
        for (uint32_t k = 0; k < batch; k++) failed += pmem_last.results[k] != 0;
        histogram_add(&histogram, pmem_last.cycles);
    }
    reply_histogram("bench-flush-batch", (uint64_t)rounds * batch, failed, &histogram);
    return NULL;
}

const struct command benchmark_commands[] = {
    {"bench-flush", bench_flush, 0, 1, NULL},
    {"bench-ring", bench_ring, 0, 1, NULL},
    {"bench-flush-batch", bench_flush_batch, 0, 2, "kicks"},
    {NULL, NULL, 0, 0, NULL},
};
