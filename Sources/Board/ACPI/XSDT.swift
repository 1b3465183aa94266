import GuestMemory

/// The list of tables (ACPI 6.5, section 5.2.8).
enum XSDT {
    static func table(_ tables: [GuestAddress]) -> SystemDescriptionTable {
        var body: [UInt8] = []
        for address in tables { body.append(littleEndian: address.rawValue) }
        return SystemDescriptionTable(signature: "XSDT", revision: 1, body: body)
    }
}
