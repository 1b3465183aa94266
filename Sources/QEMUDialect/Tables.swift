// What can be had, a line each, by name. Help, completion, messages and introspection follow from these.

public let deviceModels: [DeviceModel] = [
    virtioPMemModel,
    virtioRNGModel,
]

public let objectTypes: [ObjectType] = [
    fileBackendType,
    memfdBackendType,
    ramBackendType,
    rngBuiltinType,
    rngRandomType,
]
