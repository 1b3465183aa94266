import Foundation
import Glibc
import Testing
import TestSupport

/// Stock QEMU as the client. Each test boots Linux once or twice on an emulated processor, one test after the other.
@Suite(
    .serialized,
    .enabled(
        if: Laboratory.hasQEMU,
        "they need a QEMU with the vfio-user client and a Debian kernel: Scripts/test fetches both where the registry has them"
    ))
struct RealQEMU {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func makeDisk(_ number: Int) throws {
        let path = folder.file("pmem\(number).img")
        try run(["truncate", "--size=64M", path], in: folder)
        try run(["mkfs.ext4", "-q", "-b", "4096", path], in: folder)
    }

    /// A file in the file system on a device's file, as the next mount would see it.
    private func content(of file: String, on number: Int) throws -> String {
        let copy = folder.file("copy.img")
        try run(["cp", "--sparse=always", folder.file("pmem\(number).img"), copy], in: folder)
        // 1 says that the journal was replayed.
        try run(["e2fsck", "-f", "-p", copy], in: folder, expecting: [0, 1])
        return try run(["sh", "-c", "debugfs -R 'cat /\(file)' \(copy) 2>/dev/null"], in: folder)
    }

    /// DAX, fsync, the content in the file; QEMU killed and started again on the same server; and the server killed
    /// under a QEMU that lives on.
    @Test func aLifeWithQEMU() throws {
        try makeDisk(1)
        let serve = try ServeProcess(in: folder, sizes: ["64M"])
        let descriptorCount = serve.child.descriptorCount

        let first = try QEMUMachine(
            kernel: Laboratory.guest, sockets: [serve.socket()],
            run: "nt.run=features,devices,dax-write,tick nt.text=durable",
            in: folder)
        try first.waitForReport("tick 1")
        // The first feature is SHMEM_REGION, and the driver took it.
        #expect(first.reports.contains { $0.hasPrefix("features 0x001b 1") }, "\(first.console)")
        #expect(first.reports.contains { $0.hasPrefix("device pmem0 \(64 << 20)") }, "\(first.console)")
        #expect(first.console.contains(#/\/dev\/pmem0 \/mnt ext4 [^ ]*dax=always/#), "\(first.console)")
        #expect(try content(of: "file", on: 1) == "durable\n")
        first.child.kill(SIGKILL)
        try first.child.end()
        try serve.child.wait(for: "the session's end") { serve.child.descriptorCount == descriptorCount }

        let second = try QEMUMachine(
            kernel: Laboratory.guest, sockets: [serve.socket()], run: "nt.run=dax-read,tick", in: folder)
        try second.waitForReport("file durable")
        try second.waitForReport("tick 1")
        serve.child.kill(SIGKILL)
        try serve.child.end()
        let count = second.reports.count
        try second.child.wait(for: "two more signs of life") { second.reports.count > count + 2 }
        #expect(try second.command("query-status").contains(#""running""#))
        try second.command("quit")
        #expect(try second.child.end() == .status(0))
    }

    /// `device_add` and `device_del` in QEMU's monitor, with a guest that uses the device meanwhile.
    @Test func plugsAndUnplugs() throws {
        try makeDisk(1)
        try makeDisk(2)
        let serve = try ServeProcess(in: folder, sizes: ["64M", "64M"])
        let machine = try QEMUMachine(
            kernel: Laboratory.guest, sockets: [serve.socket()],
            run: "nt.run=hot-plug,tick nt.cycles=1 nt.text=plugged",
            in: folder)
        try machine.waitForReport("ready")
        try plug(machine, serve.socket(2))
        try machine.waitForReport("released 1")
        try machine.command("device_del", #"{"id":"nv2"}"#)
        try machine.waitForReport("gone 1")
        try serve.child.wait(for: "the end of the session", 120) {
            serve.child.output.contains("nv2: the client has left")
        }
        #expect(try content(of: "file1", on: 2) == "plugged 1\n")
        try machine.child.wait(for: "DEVICE_DELETED, or QEMU's end", 120) {
            machine.listen()
            return machine.heard.contains("DEVICE_DELETED") || !machine.child.isRunning
        }
        // QEMU 11.1 ends with an assertion in its own part of the unplugging, when the session is over already.
        let isKnown = machine.child.output.contains("memory_region_del_subregion: Assertion")
        withKnownIssue("QEMU aborts at device_del of vfio-user-pci", isIntermittent: true) {
            #expect(machine.child.isRunning)
        } matching: { _ in
            isKnown
        }
        // The server goes on with both devices.
        for number in 1...2 where !machine.child.isRunning {
            try VFIOUserClient(connectingTo: serve.socket(number)).negotiate()
        }
    }

    /// Without a listener on the socket, QEMU refuses the device and says so.
    @Test func nobodyListens() throws {
        let machine = try QEMUMachine(
            kernel: Laboratory.guest, sockets: [folder.file("nobody.sock")], run: "", in: folder)
        #expect(try machine.child.end() == .status(1))
        #expect(machine.child.output.contains("nobody.sock"))
    }

    /// Linux before 6.8 knows no shared memory regions; it is told where the BAR is.
    @Test(.enabled(if: Laboratory.olderGuest != "", "Scripts/test says where there is a kernel before 6.8"))
    func aGuestBeforeSharedMemoryRegions() throws {
        try makeDisk(1)
        let serve = try ServeProcess(in: folder, sizes: ["64M"])
        let machine = try QEMUMachine(
            kernel: Laboratory.olderGuest, sockets: [serve.socket()], run: "nt.run=features,dax-write nt.text=older",
            in: folder)
        #expect(try machine.child.end(seconds: 240) == .status(0))
        #expect(machine.reports.contains { $0.hasPrefix("features 0x001b 0") }, "\(machine.console)")
        #expect(machine.reports.last == "exit 0", "\(machine.console)")
        #expect(try content(of: "file", on: 1) == "older\n")
        serve.child.kill(SIGTERM)
        #expect(try serve.child.end() == .status(0))
    }

    private func plug(_ machine: QEMUMachine, _ socket: String) throws {
        try machine.command(
            "device_add",
            #"{"driver":"vfio-user-pci","id":"nv2","bus":"rp1","socket":{"type":"unix","path":"\#(socket)"}}"#)
    }
}
