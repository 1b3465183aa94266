import Virtio

extension GuestView {
    /// What a driver does first: memory decoding and bus mastering on.
    func enable() { writeConfiguration(0x04, 0x6, 2) }

    /// The steps of virtio 1.3, section 3.1.1, in the widths that Linux uses.
    func start(features: UInt64 = 1 << 32 | 1) {
        write(common + 0x14, 0, 1)
        write(common + 0x14, 1, 1)
        write(common + 0x14, 3, 1)
        for word in 0..<2 as Range<UInt64> {
            write(common + 0x08, word, 4)
            write(common + 0x0c, features >> (word * 32) & 0xffff_ffff, 4)
        }
        write(common + 0x14, 0xb, 1)
        enableMessages()
        write(common + 0x10, 0, 2)
        for queue in 0..<2 as Range<UInt64> { startQueue(queue) }
        write(common + 0x14, 0xf, 1)
    }

    func startQueue(_ queue: UInt64) {
        write(common + 0x16, queue, 2)
        write(common + 0x18, 32, 2)
        for (offset, address) in [(0x20, 0x1_2340_0000), (0x28, 0x1_2340_1000), (0x30, 0x1_2340_2000)]
            as [(UInt64, UInt64)]
        {
            write(common + offset, (address + queue << 16) & 0xffff_ffff, 4)
            write(common + offset + 4, address >> 32, 4)
        }
        write(common + 0x1a, queue + 1, 2)
        write(common + 0x1c, 1, 2)
    }

    /// MSI-X on, the three vectors with the messages 0x40 to 0x42.
    func enableMessages() {
        guard let capability = capabilities.first(where: { $0.identifier == 0x11 })?.offset else { return }
        writeConfiguration(capability + 2, 0xc000, 2)
        let table = address(ofBAR: readConfiguration(capability + 4, 4) & 7)
        for vector in 0..<3 as Range<UInt64> {
            write(table + vector * 16, 0xfee0_0000, 4)
            write(table + vector * 16 + 4, 0, 4)
            write(table + vector * 16 + 8, 0x40 + vector, 4)
            write(table + vector * 16 + 12, 0, 4)
        }
        writeConfiguration(capability + 2, 0x8000, 2)
    }

    var status: UInt64 { read(common + 0x14, 1) }
}
