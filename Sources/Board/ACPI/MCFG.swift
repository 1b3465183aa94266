/// Where PCI configuration space is mapped (PCI Firmware 3.3, section 4.1.2).
enum MCFG {
    static let table: SystemDescriptionTable = {
        var body = [UInt8](repeating: 0, count: 8)
        body.append(littleEndian: BoardLayout.configurationSpace.start.rawValue)
        body.append(littleEndian: UInt16(0))  // segment
        body += [0, BoardLayout.lastBus, 0, 0, 0, 0]
        return SystemDescriptionTable(signature: "MCFG", revision: 1, body: body)
    }()
}
