import GuestMemory
import Testing
import TestSupport
@testable import Virtio

/// Reading and writing over a chain, however it is cut (virtio 1.3, section 2.7.4.1).
@Suite struct ChainTests {
    let ram: GuestRAM
    static let outside = GuestAddress(0xdead_0000_0000)

    init() throws { ram = try GuestRAM(byteCount: 64 << 10) }

    private func at(_ offset: UInt64) -> GuestAddress { GuestAddress(ram.range.start.rawValue + offset) }

    private func chain(_ pieces: [(address: GuestAddress, byteCount: UInt32, isWritable: Bool)]) -> DescriptorChain {
        var descriptors = DescriptorList()
        for piece in pieces {
            descriptors.append(
                Descriptor(address: piece.address, byteCount: piece.byteCount, isDeviceWritable: piece.isWritable))
        }
        return DescriptorChain(token: BufferToken(id: 0, slotCount: 1), descriptors: descriptors)
    }

    /// Every way to cut 12 bytes into up to four pieces, empty ones among them.
    static let cuts: [[UInt32]] = (0...12).flatMap { first in
        (first...12).flatMap { second in
            (second...12).map { third in [first, second - first, third - second, 12 - third].map { UInt32($0) } }
        }
    }

    private func pieces(_ cut: [UInt32], isWritable: Bool) -> [(GuestAddress, UInt32, Bool)] {
        cut.enumerated().map { (at(0x1000 * UInt64($0)), $1, isWritable) }
    }

    @Test func readingIsTheSameHoweverTheChainIsCut() throws {
        for cut in Self.cuts {
            var value: UInt8 = 0
            for (piece, byteCount) in cut.enumerated() {
                for offset in 0..<UInt64(byteCount) {
                    try ram.map.store(value, at: at(0x1000 * UInt64(piece) + offset))
                    value += 1
                }
            }
            // A writable piece behind changes nothing.
            var reader = try ChainReader(chain(pieces(cut, isWritable: false) + [(at(0), 4, true)]))
            #expect(try reader.load(UInt8.self, in: ram.map) == 0)
            #expect(try reader.load(UInt32.self, in: ram.map) == 0x0403_0201)
            #expect(try reader.load(UInt16.self, in: ram.map) == 0x0605)
            #expect(try reader.bytes(3, in: ram.map) == [7, 8, 9])
            #expect(reader.remainingByteCount == 2)
            #expect(throws: RequestError.short(byteCount: 2)) { try reader.load(UInt32.self, in: ram.map) }
            #expect(throws: RequestError.short(byteCount: 2)) { try reader.bytes(3, in: ram.map) }
            #expect(try reader.load(UInt16.self, in: ram.map) == 0x0b0a)
            #expect(try reader.bytes(0, in: ram.map) == [])
            #expect(throws: RequestError.short(byteCount: 0)) { try reader.load(UInt8.self, in: ram.map) }
        }
    }

    @Test func writingIsTheSameHoweverTheChainIsCut() throws {
        for cut in Self.cuts {
            for piece in 0..<4 { try ram.map.store(UInt128.max, at: at(0x1000 * UInt64(piece))) }
            var writer = ChainWriter(chain([(at(0x8000), 4, false)] + pieces(cut, isWritable: true)))
            try writer.store(0x0403_0201 as UInt32, in: ram.map)
            try writer.write([5, 6, 7].span, in: ram.map)
            try writer.store(0x0908 as UInt16, in: ram.map)
            #expect(writer.writtenByteCount == 9)
            #expect(writer.remainingByteCount == 3)
            #expect(throws: RequestError.noRoom(byteCount: 3)) { try writer.store(0 as UInt32, in: ram.map) }
            #expect(writer.writtenByteCount == 9)
            var expected: UInt8 = 1
            for (piece, byteCount) in cut.enumerated() {
                for offset in 0..<UInt64(byteCount) {
                    let byte: UInt8 = try ram.map.load(at: at(0x1000 * UInt64(piece) + offset))
                    #expect(byte == (expected <= 9 ? expected : 0xff), "\(cut)")
                    expected += 1
                }
                let behind: UInt8 = try ram.map.load(at: at(0x1000 * UInt64(piece) + UInt64(byteCount)))
                #expect(behind == 0xff)
            }
        }
    }

    @Test func aReadablePieceBehindAWritableOne() {
        let chain = chain([(at(0), 4, false), (at(4), 4, true), (at(8), 0, false)])
        #expect(throws: RequestError.readableAfterWritable) { try ChainReader(chain) }
    }

    /// What was written before the gap stays told.
    @Test func writingStopsAtTheFirstGap() {
        var writer = ChainWriter(chain([(at(0), 3, true), (Self.outside, 4, true), (at(8), 4, true)]))
        #expect(throws: RequestError.unwritable(.unmapped(Self.outside))) {
            try writer.write([1, 2, 3, 4, 5].span, in: ram.map)
        }
        #expect(writer.writtenByteCount == 3)
    }

    @Test func aPieceThatPassesTheEndOfTheAddressSpace() throws {
        let last = GuestAddress(.max - 1)
        var reader = try ChainReader(chain([(last, 8, false)]))
        #expect(throws: RequestError.unreadable(.wraps(last))) { try reader.load(UInt32.self, in: ram.map) }
        #expect(throws: RequestError.self) { try reader.load(UInt8.self, in: ram.map) }
        // 4 GiB that are not there cost nothing.
        reader = try ChainReader(chain([(Self.outside, .max, false)]))
        #expect(throws: RequestError.unreadable(.unmapped(Self.outside))) {
            try reader.bytes(Int(UInt32.max), in: ram.map)
        }
    }
}
