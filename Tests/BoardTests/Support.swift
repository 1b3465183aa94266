import Board
import GuestMemory
import Host
import Synchronization

extension MemoryMap {
    /// RAM as the layout says, zeroed, of this process.
    static func ram(_ board: BoardLayout) throws -> MemoryMap {
        var map = MemoryMap()
        for range in board.ramRanges {
            let mapping = try HostMapping(.anonymous(reserve: false), byteCount: Int(range.byteCount))
            if let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram) { try map.insert(region) }
        }
        return map
    }
}

let mebibyte: UInt64 = 1 << 20
let gibibyte: UInt64 = 1 << 30

/// Collects what a closure is called with.
final class Recorder<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    var all: [Value] { values.withLock { $0 } }
    var count: Int { all.count }
    func append(_ value: Value) { values.withLock { $0.append(value) } }
}

extension [UInt8] {
    mutating func put(_ value: some FixedWidthInteger, at offset: Int) {
        for index in 0..<value.bitWidth / 8 {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> (8 * index))
        }
    }

    func get<Value: FixedWidthInteger>(_ type: Value.Type = Value.self, at offset: Int) -> Value {
        (0..<Value.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: self[offset + $1]) }
    }
}
