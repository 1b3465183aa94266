"""The command lines of the monitors that are compared: the same machine in each one's words."""

import os
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NEEDLETAIL = os.path.join(ROOT, ".build", "release", "needletail")
BARE_FOLDER = os.path.join(ROOT, ".build", "bare-guest")
BARE = os.path.join(BARE_FOLDER, "bare")
FLOOR = os.path.join(BARE_FOLDER, "floor")
START_TIME = os.path.join(BARE_FOLDER, "start-time")

# Whoever looks for a process of these benchmarks that was left behind finds it by this.
PREFIX = "needletail-benchmark-"


@dataclass(frozen=True)
class Device:
    """A virtio-pmem device over a file."""

    path: str
    size: str
    options: str = ""

    def words(self, number):
        backend = f"memory-backend-file,id=mem{number},share=on,mem-path={self.path},size={self.size}"
        return ["-object", backend + self.options, "-device", f"virtio-pmem-pci,memdev=mem{number},id=nv{number}"]


@dataclass(frozen=True)
class Machine:
    """What is to run, in no monitor's words yet."""

    kernel: str
    devices: tuple = ()
    memory: str = "128M"
    initrd: str = ""
    append: str = ""
    # QEMU's CPU model. On the host's own, QEMU 7.2 ends with a failed assertion where KVM knows fewer registers than it expects.
    qemu_processor: str = ""
    extra: tuple = field(default=())

    def words(self):
        words = ["-kernel", self.kernel, "-display", "none", "-nodefaults", "-serial", "stdio", "-no-reboot"]
        if self.initrd:
            words += ["-initrd", self.initrd]
        if self.append:
            words += ["-append", self.append]
        for number, device in enumerate(self.devices):
            words += device.words(number)
        return words + list(self.extra)


def needletail(machine):
    return [NEEDLETAIL, "-m", machine.memory] + machine.words()


def _qemu(machine, machine_type):
    words = ["qemu-system-x86_64", "-accel", "kvm", "-machine", machine_type]
    if machine.qemu_processor:
        words += ["-cpu", machine.qemu_processor]
    # QEMU has to be told how far device memory may reach; the number costs nothing.
    return words + ["-m", f"{machine.memory},slots=64,maxmem=64G"] + machine.words()


def qemu_microvm(machine):
    return _qemu(machine, "microvm,pcie=on,acpi=on,pit=off,rtc=off")


def qemu_q35(machine):
    return _qemu(machine, "q35,usb=off,vmport=off")


def qemu_pc(machine):
    return _qemu(machine, "pc,usb=off,vmport=off")
