let runStateVerbs = [
    QMPVerb("stop", command: .stop), QMPVerb("cont", command: .resume),
    QMPVerb("system_powerdown", command: .powerDown), QMPVerb("system_reset", command: .reset),
    QMPVerb("quit", command: .quit),
]
