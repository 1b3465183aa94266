import Glibc
import Testing
import TestSupport
@testable import VFIOUser

@Suite struct CodecTests {
    @Test func headersKeepTheirFields() throws {
        let header = MessageHeader(
            identifier: 0x1234, command: 10, messageByteCount: 0x01020304, flags: 0x21, errorNumber: 22)
        #expect(header.bytes == [0x34, 0x12, 10, 0, 4, 3, 2, 1, 0x21, 0, 0, 0, 22, 0, 0, 0])
        #expect(MessageHeader(header.bytes[...]) == header)
        for count in 0..<16 { #expect(MessageHeader(header.bytes.prefix(count)) == nil) }
    }

    /// A command whose payload has a fixed size, and what it parses to.
    struct Fixed: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let command: UInt16
        let payload: [UInt8]
        let request: Request
    }

    static let fixed = [
        Fixed(
            testDescription: "DMA_MAP", command: 2, payload: bytes([32, 3], [4096, 0x10_0000, 8192]),
            request: .mapMemory(MemoryMapping(flags: 3, offset: 4096, address: 0x10_0000, byteCount: 8192))),
        Fixed(
            testDescription: "DMA_UNMAP", command: 3, payload: bytes([24, 0], [0x10_0000, 8192]),
            request: .unmapMemory(MemoryUnmapping(capacity: 24, flags: 0, address: 0x10_0000, byteCount: 8192))),
        Fixed(testDescription: "GET_INFO", command: 4, payload: bytes([16, 0, 0, 0]), request: .deviceInformation),
        Fixed(
            testDescription: "GET_REGION_INFO", command: 5, payload: bytes([32, 0, 4, 0], [0, 0]),
            request: .regionInformation(index: 4, capacity: 32)),
        Fixed(
            testDescription: "GET_REGION_IO_FDS", command: 6, payload: bytes([56, 0, 2, 0]),
            request: .regionDescriptors(index: 2, capacity: 56)),
        Fixed(
            testDescription: "GET_IRQ_INFO", command: 7, payload: bytes([16, 0, 2, 0]),
            request: .interruptInformation(index: 2)),
        Fixed(
            testDescription: "SET_IRQS", command: 8, payload: bytes([20, 0x24, 2, 0, 1]),
            request: .setInterrupts(
                InterruptSetting(data: .descriptors, action: .trigger, index: 2, start: 0, count: 1))),
        Fixed(
            testDescription: "REGION_READ", command: 9, payload: bytes([], [8]) + bytes([2, 4]),
            request: .readRegion(RegionAccess(offset: 8, region: 2, byteCount: 4))),
        Fixed(
            testDescription: "REGION_WRITE", command: 10, payload: bytes([], [8]) + bytes([2, 2]) + [0xaa, 0xbb],
            request: .writeRegion(RegionAccess(offset: 8, region: 2, byteCount: 2), [0xaa, 0xbb])),
        Fixed(testDescription: "RESET", command: 13, payload: [], request: .reset),
        Fixed(
            testDescription: "WRITE_MULTI", command: 15,
            payload: bytes([], [1, 8]) + bytes([2, 2]) + [0xaa, 0xbb, 0, 0, 0, 0, 0, 0],
            request: .writeRegions([
                RegionWrite(access: RegionAccess(offset: 8, region: 2, byteCount: 2), data: [0xaa, 0xbb])
            ])),
    ]

    static func bytes(_ words: [UInt32] = [], _ longs: [UInt64] = []) -> [UInt8] { VFIOUserClient.bytes(words, longs) }

    @Test(arguments: fixed) func requests(_ row: Fixed) throws {
        #expect(try Request(command: row.command, payload: row.payload[...]) == row.request)
    }

    /// Each payload is refused when it is shorter or longer by any number of bytes.
    @Test(arguments: fixed) func lengths(_ row: Fixed) {
        for count in 0..<row.payload.count {
            #expect(throws: Refusal.invalid) { try Request(command: row.command, payload: row.payload.prefix(count)) }
        }
        for more in 1...40 {
            let payload = row.payload + [UInt8](repeating: 0, count: more)
            #expect(throws: Refusal.invalid) { try Request(command: row.command, payload: payload[...]) }
        }
    }

    /// A capacity that does not hold the reply's fixed part.
    @Test(arguments: fixed.filter { [2, 3, 4, 5, 6, 7, 8].contains($0.command) }) func capacities(_ row: Fixed) {
        var payload = row.payload
        payload[0] = 15
        #expect(throws: Refusal.invalid) { try Request(command: row.command, payload: payload[...]) }
    }

    @Test func unknownCommands() {
        for command in [0, 11, 12, 14, 16, 17, 18, 19, 0x1000, 0xffff] as [UInt16] {
            #expect(throws: Refusal.unsupported) { try Request(command: command, payload: []) }
        }
    }

    /// Every combination of the flags of SET_IRQS: exactly one kind of data and one action.
    @Test func interruptFlags() throws {
        for flags in 0..<128 as Range<UInt32> {
            let payload = Self.bytes([20, flags, 2, 0, 0])
            let isRight = (flags & 7).nonzeroBitCount == 1 && (flags & 0x38).nonzeroBitCount == 1 && flags < 64
            let request = try? Request(command: 8, payload: payload[...])
            #expect((request != nil) == isRight, "\(flags)")
        }
    }

    @Test func countsThatLie() {
        // A count of writes, or of bytes, that the message does not hold.
        for count in [0, 2, 3, 1 << 32, .max] as [UInt64] {
            let payload = Self.bytes([], [count, 8]) + Self.bytes([2, 2], [0])
            #expect(throws: Refusal.invalid) { try Request(command: 15, payload: payload[...]) }
        }
        for count in [0, 9, .max] as [UInt32] {
            let payload = Self.bytes([], [1, 8]) + Self.bytes([2, count], [0])
            #expect(throws: Refusal.invalid) { try Request(command: 15, payload: payload[...]) }
        }
        for count in [0, 1, 3, .max] as [UInt32] {
            let payload = Self.bytes([], [8]) + Self.bytes([2, count]) + [0xaa, 0xbb]
            #expect(throws: Refusal.invalid) { try Request(command: 10, payload: payload[...]) }
        }
    }
}

@Suite struct VersionTests {
    private func reply(_ data: String, minor: UInt8 = 1) throws -> [UInt8] {
        let payload = [0, 0, minor, 0] + Array(data.utf8) + [0]
        guard case .version(let proposal) = try Request(command: 1, payload: payload[...]) else { return [] }
        return ServerVersion.reply(to: proposal)
    }

    private func text(_ reply: [UInt8]) -> String { String(decoding: reply.dropFirst(4).dropLast(), as: UTF8.self) }

    @Test func onlyWhatTheClientNamedIsAnswered() throws {
        let all =
            #"{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"max_dma_maps":65535,"write_multiple":true}}"#
        #expect(
            text(try reply(all))
                == #"{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576,"max_dma_maps":1024,"write_multiple":true}}"#
        )
        let some = #"{ "capabilities" : { "migration" : { "max_dma_maps" : 1 }, "max_msg_fds" : 1 } }"#
        #expect(text(try reply(some)) == #"{"capabilities":{"max_msg_fds":8}}"#)
        #expect(text(try reply(#"{"capabilities":{}}"#)) == #"{"capabilities":{}}"#)
    }

    /// The reply is never longer than the request.
    @Test func theReplyFits() throws {
        for data in [#"{}"#, #"{"capabilities":{}}"#, #"{"capabilities":{"max_dma_maps":1}}"#] {
            let reply = try reply(data)
            #expect(reply.count <= 4 + data.utf8.count + 1)
            #expect(reply.count == 4 || reply.last == 0)
        }
        guard case .version(let proposal) = try Request(command: 1, payload: [0, 0, 1, 0]) else {
            Issue.record("no proposal")
            return
        }
        #expect(ServerVersion.reply(to: proposal) == [0, 0, 1, 0])
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 1), (255, 1)] as [(UInt8, UInt8)])
    func theLowerMinorCounts(_ proposed: UInt8, _ agreed: UInt8) throws {
        #expect(try reply(#"{"capabilities":{}}"#, minor: proposed).prefix(4) == [0, 0, agreed, 0])
    }

    static let noObjects = [
        "", "x", "{", "}", "[]", "\"{}\"", "{\"a", "{\"a\\", "{]", "{}}", "{} x", "{\"a\":[}]}", "null",
        String(repeating: "{\"a\":", count: 17) + String(repeating: "}", count: 17),
        String(repeating: "[", count: 100_000),
    ]

    @Test(arguments: noObjects) func whatIsNoObject(_ text: String) {
        #expect(throws: Refusal.invalid) { try reply(text) }
    }

    @Test func withoutItsEnd() {
        let payload = [0, 0, 1, 0] + Array(#"{"capabilities":{}}"#.utf8)
        #expect(throws: Refusal.invalid) { try Request(command: 1, payload: payload[...]) }
    }
}
