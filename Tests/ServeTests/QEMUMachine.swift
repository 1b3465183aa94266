import Foundation
import Glibc
import Host
import Testing
import TestSupport

/// Where a real client is, as Scripts/test tells.
enum Laboratory {
    private static let environment = ProcessInfo.processInfo.environment

    static var hasQEMU: Bool { environment["NEEDLETAIL_QEMU"] != nil && environment["NEEDLETAIL_SERVE_GUEST"] != nil }
    static var qemu: String { environment["NEEDLETAIL_QEMU"] ?? "" }
    /// Folders that Scripts/guest-kernel prints, with an initial RAM disk in it.
    static var guest: String { environment["NEEDLETAIL_SERVE_GUEST"] ?? "" }
    static var olderGuest: String { environment["NEEDLETAIL_OLDER_GUEST"] ?? "" }
}

/// A QEMU that emulates everything, with a Linux guest and vfio-user devices.
final class QEMUMachine {
    let child: Child
    private let consolePath: String
    private let qmpPath: String
    private var qmp: OwnedDescriptor?
    /// What its monitor has said since the last command.
    private(set) var heard = ""

    /// - Parameters:
    ///   - kernel: the guest's folder.
    ///   - sockets: of devices that are there from the start.
    ///   - run: the guest's scripts.
    init(kernel: String, sockets: [String], run scripts: String, in folder: TestFolder) throws {
        consolePath = folder.file("console-\(UUID().uuidString.prefix(8))")
        qmpPath = folder.file("qmp-\(UUID().uuidString.prefix(8)).sock")
        let words = "console=ttyS0 quiet panic=-1 cryptomgr.notests \(scripts)"
        child = try Child(
            [
                Laboratory.qemu, "-accel", "tcg", "-cpu", "max", "-m", "512M",
                "-object", "memory-backend-memfd,id=ram,size=512M,share=on", "-machine", "q35,memory-backend=ram",
                "-nodefaults", "-no-reboot", "-display", "none", "-kernel", "\(kernel)/vmlinux", "-initrd",
                "\(kernel)/initrd.img",
                "-append", words, "-serial", "file:\(consolePath)", "-qmp", "unix:\(qmpPath),server=on,wait=off",
                "-device", "pcie-root-port,id=rp1,slot=1,pref64-reserve=256M",
            ]
                + sockets.flatMap {
                    ["-device", "{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"\($0)\"}}"]
                },
            in: folder)
    }

    var console: String { String(decoding: text(of: consolePath).utf8.filter { $0 != 13 }, as: UTF8.self) }

    /// The lines that the guest's scripts wrote for the tests.
    var reports: [String] {
        console.split(separator: "\n").filter { $0.hasPrefix("guest: ") }.map { String($0.dropFirst(7)) }
    }

    /// Waits until the guest has reported a line that begins so. Emulated, and perhaps not alone, a guest takes its
    /// time.
    func waitForReport(_ prefix: String, seconds: Double = 240) throws {
        try child.wait(for: "guest: \(prefix) in\n\(console)", seconds) {
            if reports.contains(where: { $0.hasPrefix(prefix) }) { return true }
            if !child.isRunning {
                throw Child.TimedOut(what: "'\(prefix)', and QEMU ended", output: console + child.output)
            }
            return false
        }
    }

    // MARK: Its monitor

    /// Carries out a QMP command; returns the text of its answer.
    @discardableResult
    func command(_ name: String, _ arguments: String = "{}") throws -> String {
        if qmp == nil {
            qmp = try UnixSocket.connect(to: qmpPath)
            try send(#"{"execute":"qmp_capabilities"}"#)
            try hear(#""return""#)
        }
        heard = ""
        try send("{\"execute\":\"\(name)\",\"arguments\":\(arguments)}")
        try child.wait(for: "an answer to \(name)") {
            listen()
            return heard.contains(#""return""#) || heard.contains(#""error""#)
        }
        guard !heard.contains(#""error""#) else { throw Child.TimedOut(what: "success of \(name)", output: heard) }
        return heard
    }

    @discardableResult
    private func hear(_ text: String, seconds: Double = 30) throws -> String {
        try child.wait(for: "\(text) in \(heard)", seconds) {
            listen()
            return heard.contains(text)
        }
        return heard
    }

    private func send(_ text: String) throws {
        guard case .written = qmp?.send(Array("\(text)\n".utf8)[...]) else { throw SupportError.timedOut("QMP") }
    }

    func listen() {
        while case .parcel(let parcel)? = qmp?.receive(capacity: 65536) {
            heard += String(decoding: parcel.bytes, as: UTF8.self)
        }
    }
}
