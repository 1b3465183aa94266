import Options
import Testing

@testable import QEMUDialect

struct OptionStringRow: Sendable, CustomTestStringConvertible {
    let text: String
    let pairs: [[String]]
    var warnings = 0
    var help = false
    var testDescription: String { text }
}

private let optionStringRows = [
    OptionStringRow(text: "", pairs: []),
    OptionStringRow(text: "t", pairs: [["type", "t"]]),
    OptionStringRow(text: "t,id=m", pairs: [["type", "t"], ["id", "m"]]),
    OptionStringRow(text: "id=m", pairs: [["id", "m"]]),
    OptionStringRow(text: ",id=m", pairs: [["type", ""], ["id", "m"]]),
    OptionStringRow(text: "t,", pairs: [["type", "t"]]),
    OptionStringRow(text: "t,share", pairs: [["type", "t"], ["share", "on"]], warnings: 1),
    OptionStringRow(text: "t,noshare", pairs: [["type", "t"], ["share", "off"]], warnings: 1),
    OptionStringRow(text: "t,node", pairs: [["type", "t"], ["de", "off"]], warnings: 1),
    OptionStringRow(text: "t,,u,p=a,,b", pairs: [["type", "t,u"], ["p", "a,b"]]),
    OptionStringRow(text: "t,p=a,,", pairs: [["type", "t"], ["p", "a,"]]),
    OptionStringRow(text: "t,p=,,,q=1", pairs: [["type", "t"], ["p", ","], ["q", "1"]]),
    OptionStringRow(text: "t,p=a=b", pairs: [["type", "t"], ["p", "a=b"]]),
    OptionStringRow(text: "t,=3", pairs: [["type", "t"], ["", "3"]]),
    OptionStringRow(text: "t,a=1,a=2", pairs: [["type", "t"], ["a", "1"], ["a", "2"]]),
    OptionStringRow(text: "help", pairs: [["type", "help"]], help: true),
    OptionStringRow(text: "t,?", pairs: [["type", "t"]], help: true),
    OptionStringRow(text: "t,p=x,\u{301}y=1", pairs: [["type", "t"], ["p", "x"], ["\u{301}y", "1"]]),
]

@Test(arguments: optionStringRows)
func optionStringIsTakenApart(row: OptionStringRow) throws {
    let options = try OptionString(row.text, impliedName: "type")
    #expect(options.properties == row.pairs.map { Property(name: $0[0], value: $0[1]) })
    #expect(options.warnings.count == row.warnings)
    #expect(options.wantsHelp == row.help)
}

@Test func shortFormWarningIsWordedAsInQEMU() throws {
    let options = try OptionString("t,noshare", impliedName: "type")
    #expect(
        options.warnings == ["warning: short-form boolean option 'noshare' deprecated\nPlease use share=off instead"])
}

@Test func jsonIsRefusedWithAdvice() {
    #expect(throws: DialectError.jsonNotAccepted) { try parseObject(#"{"qom-type":"memory-backend-ram"}"#) }
    #expect(throws: DialectError.jsonNotAccepted) { try parseDevice(#"{"driver":"virtio-pmem-pci"}"#) }
}

struct SizeRow: Sendable, CustomTestStringConvertible {
    let text: String
    let bytes: UInt64?
    var testDescription: String { "'\(text)'" }

    init(_ text: String, _ bytes: UInt64?) {
        self.text = text
        self.bytes = bytes
    }
}

private let sizeRows = [
    SizeRow("0", 0), SizeRow("512", 512), SizeRow("4k", 4096), SizeRow("4K", 4096), SizeRow("4b", 4), SizeRow("4B", 4),
    SizeRow("512M", 512 << 20), SizeRow("4G", 4 << 30), SizeRow("1T", 1 << 40), SizeRow("1P", 1 << 50),
    SizeRow("15E", 15 << 60), SizeRow("1.5G", 3 << 29), SizeRow("0.0001G", 107374), SizeRow("5.", 5),
    SizeRow("5.M", 5 << 20), SizeRow("1.1k", 1126), SizeRow("+4M", 4 << 20), SizeRow(" 4M", 4 << 20),
    SizeRow("010M", 10 << 20), SizeRow("0x400000", 0x400000), SizeRow("0X10", 16), SizeRow("0x1E", 30),
    SizeRow("0x4M", 4 << 20), SizeRow("18446744073709551615", .max), SizeRow("1.0B", 1),
    SizeRow("0.99999999999999999999999M", 1 << 20),
    SizeRow("", nil), SizeRow("64X", nil), SizeRow("-1", nil), SizeRow("1e6", nil), SizeRow("1.5", nil),
    SizeRow("1.5b", nil), SizeRow(".5M", nil), SizeRow("4MM", nil), SizeRow("4M5", nil), SizeRow("0x", nil),
    SizeRow("0x1.8M", nil), SizeRow("16E", nil), SizeRow("99999999999G", nil), SizeRow("18446744073709551616", nil),
    SizeRow("15.9999999999999999999E", nil), SizeRow("inf", nil), SizeRow("nan", nil), SizeRow("0x1p3", nil),
    SizeRow("4M ", nil), SizeRow("٤M", nil),
]

@Test(arguments: sizeRows)
func sizeIsReadAsQEMUReadsIt(row: SizeRow) {
    #expect((try? Size(row.text))?.bytes == row.bytes)
}

@Test func hexadecimalSizeWithSuffixIsMarked() throws {
    #expect(try Size("0x4M").isSuffixedHexadecimal)
    #expect(try !Size("0x4").isSuffixedHexadecimal)
    #expect(try !Size("4M").isSuffixedHexadecimal)
}

@Test(
    arguments: [
        ("on", true), ("yes", true), ("true", true), ("y", true), ("off", false), ("no", false), ("false", false),
        ("n", false),
        ("1", nil), ("", nil), ("ON", nil), ("t", nil), ("maybe", nil),
    ] as [(String, Bool?)])
func booleans(text: String, value: Bool?) {
    #expect(parseBoolean(text) == value)
}

@Test(
    arguments: [
        ("0", 0), ("42", 42), ("0x180000000", 0x1_8000_0000), ("010", 8), ("+7", 7),
        ("18446744073709551615", UInt64.max),
        ("", nil), ("-1", nil), ("5G", nil), ("0x", nil), ("08", nil), ("0x-1", nil), ("++1", nil), ("1.5", nil),
        ("18446744073709551616", nil),
    ] as [(String, UInt64?)])
func unsignedIntegers(text: String, value: UInt64?) {
    #expect(parseUnsigned(text) == value)
}

@Test(arguments: [
    ("m", true), ("mem1", true), ("a-b.c_d", true), ("Z9", true),
    ("", false), ("1nv", false), ("_a", false), ("-a", false), ("a b", false), ("é", false), ("a/b", false),
    ("m,size", false),
])
func identifiers(text: String, isOne: Bool) {
    #expect(isIdentifier(text) == isOne)
}

@Test(
    arguments: [
        ("5", PCISlot(device: 5)), ("05.0", PCISlot(device: 5)), ("5.0", PCISlot(device: 5)),
        ("0x5", PCISlot(device: 5)),
        ("1f", PCISlot(device: 31)), ("1f.7", PCISlot(device: 31, function: 7)), ("0", PCISlot(device: 0)),
        ("20", nil), ("5.8", nil), ("5.9", nil), ("5.0.1", nil), ("zz", nil), ("", nil), (".", nil), ("5.", nil),
        ("-1", nil),
        ("100000000000000000", nil),
    ] as [(String, PCISlot?)])
func pciSlots(text: String, slot: PCISlot?) {
    #expect(PCISlot(text) == slot)
}
