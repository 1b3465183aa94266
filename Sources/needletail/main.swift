import Glibc
import Host

StandardStream.openMissing()
// One verb, one file. Without a verb it is `run`.
exit(RunVerb.main(Array(CommandLine.arguments.dropFirst())))
