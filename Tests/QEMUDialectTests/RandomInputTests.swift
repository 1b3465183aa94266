import Options
import SeededRandom
import Testing

@testable import QEMUDialect

private let pieces = [
    ",", ",,", "=", ".", "-", "+", "0x", "0", "1", "9", "18446744073709551615", "99999999999999999999999", "1.5", "G",
    "E", "k",
    "on", "off", "no", "help", "?", " ", "\u{0}", "\u{301}", "é", "🐦", "{", ":", "id", "size", "memdev", "addr",
    "memaddr",
    "share", "m", "mem-path", "readonly", "rom", "auto", "memory-backend-file", "memory-backend-memfd",
    "virtio-pmem-pci", "virtio-rng-pci", "rng", "rng-random", "filename", "max-bytes", "period",
    "cpus", "cores", "sockets", "threads", "maxcpus", "slots", "maxmem", "unix", "file", "server", "wait", "kvm", "run",
]

private func randomText(_ generator: inout SeededGenerator) -> String {
    var text = ""
    for _ in 0..<Int.random(in: 0...12, using: &generator) {
        if Int.random(in: 0..<8, using: &generator) == 0 {
            let bytes = (0..<3).map { _ in UInt8.random(in: 0...255, using: &generator) }
            text += String(decoding: bytes, as: UTF8.self)
        } else {
            text += pieces.randomElement(using: &generator) ?? ""
        }
    }
    return text
}

/// Nothing that a person or a management program can write may bring the monitor down.
@Test(arguments: Seeds.usually(1...4))
func randomTextsNeverTrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<1500 {
        let text = randomText(&generator)
        if let error = refusal({ _ = try parseObject(text) }) { refused += error.message.isEmpty ? 0 : 1 }
        if let error = refusal({ _ = try parseDevice(text) }) { refused += error.message.isEmpty ? 0 : 1 }
        _ = try? OptionString(text)
        _ = try? Size(text)
        _ = PCISlot(text)
        _ = parseUnsigned(text)
    }
    #expect(refused > 1500)
}

@Test(arguments: Seeds.usually(5...8))
func randomCommandLinesNeverTrap(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var refused = 0
    for _ in 0..<800 {
        var arguments = ["-kernel", "k"]
        for _ in 0..<Int.random(in: 0...5, using: &generator) {
            let name = OptionName.allCases.randomElement(using: &generator)?.rawValue ?? ""
            arguments.append((Bool.random(using: &generator) ? "-" : "--") + name)
            arguments.append(randomText(&generator))
        }
        if let error = commandLineError(arguments) { refused += error.text().utf8.count > 12 ? 1 : 0 }
    }
    #expect(refused > 100)
}

/// A size that is accepted and written back in bytes is the same size.
@Test(arguments: Seeds.usually(9...9)) func sizesSurviveBeingWrittenInBytes(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
        let text =
            "\(generator.next() >> UInt64.random(in: 0..<64, using: &generator))\(["", "K", "M", "G"].randomElement(using: &generator) ?? "")"
        guard let size = try? Size(text) else { continue }
        #expect((try? Size("\(size.bytes)"))?.bytes == size.bytes)
    }
}
