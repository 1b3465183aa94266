/// `info TOPIC`, as QEMU lays it out.
public func infoAnswer(_ topic: InfoTopic, _ machine: any MachineControl) -> String {
    switch topic {
    case .cpus: processorsAnswer(machine.processors)
    // The machine is nothing without KVM.
    case .kvm: "kvm support: enabled\n"
    case .memdev: memoryBackendsAnswer(machine.memoryBackends)
    case .memoryDevices: memoryDevicesAnswer(machine.memoryDevices)
    case .name: machine.name.map { $0 + "\n" } ?? ""
    case .pci: pciAnswer(machine.pciFunctions)
    case .pmem: persistentMemoryAnswer(machine.memoryDevices)
    case .qtree: deviceTreeAnswer(machine.pciFunctions)
    case .status: statusAnswer(machine.runStatus)
    case .version: needletailVersion + "\n"
    }
}

func statusAnswer(_ status: RunStatus) -> String {
    switch status {
    case .running: "VM status: running\n"
    case .paused: "VM status: paused\n"
    case .prelaunch, .shutdown, .ioError: "VM status: paused (\(status.rawValue))\n"
    }
}

func processorsAnswer(_ processors: [ProcessorStatus]) -> String {
    processors.map { "\($0.index == 0 ? "*" : " ") CPU #\($0.index): thread_id=\($0.threadID)\n" }.joined()
}
