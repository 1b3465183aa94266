let humanMonitorVerb = QMPVerb("human-monitor-command") { (arguments) throws(QMPError) in
    .humanMonitor(line: try arguments.string("command-line"), processor: try arguments.optionalInteger("cpu-index"))
}
