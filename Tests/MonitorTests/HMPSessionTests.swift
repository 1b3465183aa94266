import QEMUDialect
import Testing

@testable import Monitor

private func session(_ machine: FakeMachine = FakeMachine()) -> (HMPSession, Transcript) {
    let transcript = Transcript()
    let session = HMPSession(machine) { transcript.append($0) }
    session.open()
    _ = transcript.take()
    return (session, transcript)
}

extension HMPSession {
    fileprivate func type(_ text: String) { receive(Array(text.utf8)) }
}

/// What a line shows beyond its echo and before the prompt.
private func answer(_ line: String, _ machine: FakeMachine) -> String {
    let (session, transcript) = session(machine)
    session.type(line + "\n")
    let shown = transcript.text
    guard shown.hasPrefix("\(line)\u{1B}[K\r\n"), shown.hasSuffix("(qemu) ") else { return "?? \(shown)" }
    return String(shown.dropFirst(line.count + 4).dropLast(7))
}

@Test func greetingAndPrompt() {
    let transcript = Transcript()
    HMPSession(FakeMachine()) { transcript.append($0) }.open()
    #expect(transcript.text == "Needletail \(needletailVersion) monitor - type 'help' for more information\r\n(qemu) ")
}

@Test func infoAnswersAreLaidOutAsQEMUDoes() throws {
    let machine = FakeMachine()
    #expect(answer("info status", machine) == "VM status: running\r\n")
    #expect(answer("info name", machine) == "box\r\n" && answer("info name", FakeMachine(name: nil)) == "")
    #expect(answer("info kvm", machine) == "kvm support: enabled\r\n")
    #expect(answer("info cpus", machine) == "* CPU #0: thread_id=100\r\n  CPU #1: thread_id=101\r\n")
    #expect(answer("info memory-devices", machine) == "")
    #expect(answer("info status", FakeMachine(runStatus: .prelaunch)) == "VM status: paused (prelaunch)\r\n")
    #expect(answer("object_add memory-backend-file,id=mem2,share=on,mem-path=f,size=1G", machine) == "")
    #expect(answer("device_add virtio-pmem-pci,id=nv2,memdev=mem2,addr=2", machine) == "")
    #expect(
        answer("info memory-devices", machine)
            == "Memory device [virtio-pmem]: \"nv2\"\r\n  memaddr: 0x100000000\r\n  size: 1073741824\r\n  memdev: /objects/mem2\r\n"
    )
    #expect(
        answer("info memdev", machine).hasPrefix(
            "memory backend: mem2\r\n  size:  1073741824\r\n  merge: true\r\n  dump: true\r\n  prealloc: false\r\n"
                + "  share: true\r\n  reserve: true\r\n  policy: default\r\n  host nodes: \r\nmemory backend: pc.ram\r\n"
        ))
    #expect(
        answer("info pci", machine).hasSuffix(
            "  Bus  0, device   2, function 0:\r\n    Class 0255: PCI device 1af4:105b\r\n      PCI subsystem 1af4:1100\r\n"
                + "      BAR4: 64 bit prefetchable memory at 0xffffffffffffffff [0x00003ffe].\r\n      id \"nv2\"\r\n"))
    #expect(
        answer("info pmem", machine).contains(
            "  mem-path: f\r\n  flush: makes the guest's stores durable in the file\r\n"))
    #expect(answer("info qtree", machine).contains("      dev: virtio-pmem-pci, id \"nv2\"\r\n        addr = 02.0\r\n"))
}

@Test func memoryThatIsABARIsToldApart() {
    let machine = FakeMachine()
    #expect(answer("object_add memory-backend-file,id=m,share=on,mem-path=f,size=1G", machine) == "")
    #expect(answer("device_add virtio-pmem-pci,id=d,memdev=m,x-shmem=on", machine) == "")
    #expect(answer("info memory-devices", machine).contains("  memaddr: 0x0\r\n"))
    #expect(
        answer("info pmem", machine).contains(
            "  memaddr: none, the guest has switched the BAR off\r\n  shared memory region: BAR 4\r\n  size: 1073741824\r\n"
        ))
}

@Test func wrongNamesAreAnsweredInQEMUsWords() throws {
    let machine = FakeMachine()
    let add = "object_add memory-backend-ram,id=m,size=4M"
    #expect(answer(add, machine) == "")
    #expect(
        answer(add, machine).hasPrefix("Error: attempt to add duplicate property 'm' to object (type 'container')\r\n"))
    #expect(answer("object_del x", machine) == "Error: object 'x' not found\r\n")
    #expect(answer("device_del x", machine) == "Error: Device 'x' not found\r\n")
    #expect(
        answer("device_add virtio-pmem-pci,memdev=x", machine).hasPrefix(
            "Error: Device 'x' not found\r\nAdd the object first: object_add"))
    #expect(
        answer("device_add virtio-pmem-pci,memdev=m,memaddr=0x1000", machine)
            == "Error: address must be aligned to 0x200000 bytes\r\n")
    #expect(answer("device_add virtio-pmem-pci,memdev=m,id=d", machine) == "")
    #expect(answer("device_add virtio-pmem-pci,memdev=m,id=d", machine).hasPrefix("Error: Duplicate device ID 'd'\r\n"))
    #expect(
        answer("device_add virtio-pmem-pci,memdev=m,id=e", machine).hasPrefix(
            "Error: can't use already busy memdev: m\r\n"))
    #expect(answer("object_del m", machine).hasPrefix("Error: object 'm' is in use, can not be deleted\r\n"))
    #expect(
        answer("device_del d", machine) == ""
            && answer("device_del d", machine) == "Error: Device d is already in the process of unplug\r\n")
    #expect(
        answer("object_add memory-backend-ram,id=n,size=3M", machine) == "warning: size is no multiple of 2 MiB\r\n")
}

@Test func refusedDeviceLeavesNoTrace() {
    let machine = FakeMachine()
    _ = answer("object_add memory-backend-ram,id=m,size=4M", machine)
    for line in ["memdev=m,addr=0", "memdev=m,memaddr=1", "memdev=m,foo=1"] {
        #expect(answer("device_add virtio-pmem-pci,id=d,\(line)", machine).hasPrefix("Error: "))
    }
    #expect(machine.memoryDevices.isEmpty && answer("device_add virtio-pmem-pci,id=d,memdev=m", machine) == "")
}

@Test func quitEndsWithoutAnotherPrompt() {
    let machine = FakeMachine()
    let (session, transcript) = session(machine)
    session.type("q\n")
    #expect(machine.hasQuit && transcript.text == "q\u{1B}[K\r\n")
}

/// Keys, and the line that is entered after them.
@Test(arguments: [
    ("info name", "info name"), ("nfo name\u{1}i", "info name"), ("info\u{1B}[D\u{1B}[DX", "inXfo"),
    ("abc\u{1B}OHx\u{1B}OFy", "xabcy"), ("abc\u{8}\u{7F}d", "ad"), ("abc\u{1B}[1~\u{1B}[3~", "bc"),
    ("abc\u{1}\u{4}", "bc"),
    ("a bc  \u{17}d", "a d"), ("abc\u{2}\u{2}\u{B}", "a"), ("abc\u{15}d", "d"), ("abc\u{3}d", "d"),
    ("ab\u{1B}[C\u{6}c", "abc"), ("a\u{1B}[99;5Zb", "ab"), ("a\u{1B}xb", "ab"), ("a\u{0}b\u{1}\u{8}", "ab"),
    ("\u{4}\u{B}\u{17}\u{15}\u{1B}[3~\u{1B}[D\u{1B}[Ca", "a"),
])
func lineIsEdited(keys: String, line: String) {
    var editor = LineEditor()
    for byte in Array(keys.utf8) { #expect(editor.receive(byte) == nil) }
    #expect(editor.receive(10) == .enter(line))
}

@Test func historyIsWalked() {
    var editor = LineEditor()
    var entered: [String] = []
    for byte in Array(
        "a\nb\na\n\u{1B}[A\u{1B}[A\n\u{1B}[A\u{1B}[A\u{1B}[A\u{1B}[B\u{10}\n\u{1B}[A\u{1B}[B\u{E}x\n".utf8)
    {
        if case .enter(let line) = editor.receive(byte) { entered.append(line) }
    }
    #expect(entered == ["a", "b", "a", "b", "a", "x"])
}

@Test func overlongLineIsRefusedAndForgotten() {
    let machine = FakeMachine()
    let (session, transcript) = session(machine)
    session.type(
        "object_add memory-backend-ram,size=4M,id=" + String(repeating: "x", count: 10 << 20) + "\ninfo name\n")
    #expect(transcript.text.contains("Error: a command is longer than 4095 bytes and was not carried out\r\n(qemu) "))
    #expect(transcript.text.hasSuffix("info name\u{1B}[K\r\nbox\r\n(qemu) ") && machine.memoryBackends.count == 1)
    #expect(transcript.text.utf8.count < 100_000)
}

/// The same as QEMU 7.2 sends, each key in a packet of its own.
@Test func displayFollowsTheKeys() {
    let (session, transcript) = session()
    func press(_ keys: String) -> String {
        session.type(keys)
        return transcript.take()
    }
    #expect(press("i") == "i\u{1B}[K" && press("n") == "\u{1B}[Din\u{1B}[K")
    #expect(press("\t") == "\u{1B}[D\u{1B}[Dinfo \u{1B}[K")
    #expect(press("n") == "\u{1B}[D\u{1B}[D\u{1B}[D\u{1B}[D\u{1B}[Dinfo n\u{1B}[K")
    #expect(press("\u{1}") == String(repeating: "\u{1B}[D", count: 6))
    #expect(press("\u{5}") == String(repeating: "\u{1B}[C", count: 6))
    #expect(press("ame\n") == String(repeating: "\u{1B}[D", count: 6) + "info name\u{1B}[K\r\nbox\r\n(qemu) ")
    #expect(press("\n") == "\r\n(qemu) " && press("\u{C}") == "\u{1B}[2J\u{1B}[1;1H(qemu) ")
    #expect(press("info m\t") == "info m\u{1B}[K\r\nmemdev          memory-devices  \r\n(qemu) info mem\u{1B}[K")
}
