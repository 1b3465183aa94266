public import Options

extension PCISlot {
    /// Two hexadecimal numbers, the second optional: `5`, `05.0`, `0x5`, `1f.0`.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let device = Self.number(first) else { return nil }
        guard parts.count > 1 else {
            self.init(device: device)
            return
        }
        guard let function = Self.number(parts[1]) else { return nil }
        self.init(device: device, function: function)
    }

    private static func number(_ digits: Substring.UTF8View) -> UInt8? {
        let text = String(Substring(digits))
        let bare = text.utf8.starts(with: "0x".utf8) ? String(text.dropFirst(2)) : text
        return parseHexadecimal(bare).flatMap { UInt8(exactly: $0) }
    }
}
