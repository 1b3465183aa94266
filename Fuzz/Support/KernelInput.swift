import Board
import GuestMemory
import TestSupport
import Host

/// A kernel file, with an initial RAM disk of 4 KiB if the first byte is odd.
struct KernelInput {
    private let bytes: [UInt8]

    /// Used again and again: what the last input left in it is as good as anything.
    private static let machine = Result {
        let board = try BoardLayout(ramByteCount: 32 << 20, physicalAddressBits: 40)
        var memory = MemoryMap()
        for range in board.ramRanges {
            let mapping = try HostMapping(.anonymous(reserve: false), byteCount: Int(range.byteCount))
            if let region = MemoryRegion(range: range, mapping: mapping, purpose: .ram) { try memory.insert(region) }
        }
        return (board, memory)
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func run() throws -> String? {
        guard let first = bytes.first else { return nil }
        let (board, memory) = try Self.machine.get()
        let request = BootRequest(
            kernel: BootBytes(Array(bytes.dropFirst())),
            initrd: first & 1 == 1 ? BootBytes([UInt8](repeating: 7, count: 4096)) : nil, commandLine: "console=ttyS0",
            rsdp: GuestAddress(0xE0000))
        do throws(BootError) {
            let state = try KernelLoader(board: board, memory: memory).load(request)
            // The first instruction has to lie in RAM, or the processor starts nowhere.
            guard (try? memory.bytes(at: GuestAddress(state.rip), count: 1)) != nil else {
                return "a start at 0x\(String(state.rip, radix: 16)), where no memory is"
            }
        } catch {
            if "\(error)".isEmpty { return "an error without a text" }
        }
        return nil
    }
}
