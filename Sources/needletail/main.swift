import Glibc
import Host

StandardStream.openMissing()
let arguments = Array(CommandLine.arguments.dropFirst())
// One verb, one file. Without a verb it is `run`.
switch arguments.first {
case "serve": exit(ServeVerb.main(Array(arguments.dropFirst())))
default: exit(RunVerb.main(arguments))
}
