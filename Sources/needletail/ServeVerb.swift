import Host
import Logging
import QEMUDialect
import Server

/// `needletail serve OPTIONS`: offers devices to machines of other monitors.
enum ServeVerb {
    /// - Returns: the process's exit status: 0 when a signal ended it in order, 1 for a failure.
    static func main(_ arguments: [String]) -> CInt {
        do throws(CommandLineError) {
            switch try parseServeCommandLine(arguments) {
            case .help(let text):
                StandardStream.output.write(text.hasSuffix("\n") ? text : text + "\n")
                return 0
            case .serve(let configuration, let warnings): return serve(configuration, warnings)
            }
        } catch {
            StandardStream.error.write(error.text(program: "needletail serve") + "\n")
            return 1
        }
    }

    private static func serve(_ configuration: ServeConfiguration, _ warnings: [String]) -> CInt {
        for warning in warnings { StandardStream.error.write("needletail serve: \(warning)\n") }
        do throws(ServeError) {
            let server = try DeviceServer(configuration, log: MessageHandler.logger(configuration.logLevel))
            let failures = try server.run()
            for failure in failures { StandardStream.error.write("needletail serve: \(failure)\n") }
            return failures.isEmpty ? 0 : 1
        } catch {
            StandardStream.error.write("needletail serve: \(error)\n")
            return 1
        }
    }
}
