import Host
import Logging
import Machine
import Monitor
import QEMUDialect

/// `needletail [run] OPTIONS`: makes a machine and runs it to its end.
enum RunVerb {
    /// - Returns: the process's exit status: 0 when the guest powered off (or reset, with -no-reboot) or the user
    ///   quit, 1 for a failure, 128 plus its number for a signal.
    static func main(_ arguments: [String]) -> CInt {
        do throws(CommandLineError) {
            switch try parseCommandLine(arguments) {
            case .help(let text), .version(let text):
                StandardStream.output.write(text.hasSuffix("\n") ? text : text + "\n")
                return 0
            case .run(let configuration, let warnings):
                return run(configuration, warnings)
            }
        } catch {
            StandardStream.error.write(error.text() + "\n")
            return 1
        }
    }

    private static func run(_ configuration: MachineConfiguration, _ warnings: [String]) -> CInt {
        for warning in warnings { StandardStream.error.write("needletail: \(warning)\n") }
        let log = MessageHandler.logger(configuration.logLevel)
        do {
            // First, so that the threads of the monitors leave signals to the machine.
            let machine = try VirtualMachineMonitor(configuration, log: log)
            let monitors = try MonitorServer.start(configuration, machine.handle, log: log)
            machine.shareConsole { [handle = machine.handle] in try? SharedTerminalMonitor(handle, output: $0) }
            let ending = machine.run()
            monitors?.shutDown()
            return report(ending)
        } catch {
            StandardStream.error.write("needletail: \(error)\n")
            return 1
        }
    }

    private static func report(_ ending: Ending) -> CInt {
        switch ending {
        case .poweredOff, .resetRefused, .quit: return 0
        case .signal(let number):
            StandardStream.error.write("needletail: terminating on signal \(number)\n")
            return 128 + number
        case .failed(let reason):
            StandardStream.error.write("needletail: \(reason)\n")
            return 1
        }
    }
}

extension SharedTerminalMonitor: ConsoleMonitor {}
