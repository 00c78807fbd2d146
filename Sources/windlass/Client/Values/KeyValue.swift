public import ArgumentParser
public import ContainerModel
import ContainerProtocol
import Foundation
import MessagePack

/// `KEY=VALUE`, for labels and filters.
struct KeyValue: ExpressibleByArgument, Sendable, Equatable {
    let key: String
    let value: String

    init?(argument: String) {
        guard let split = argument.firstIndex(of: "="), split != argument.startIndex else { return nil }
        key = String(argument[..<split])
        value = String(argument[argument.index(after: split)...])
    }
}

/// `KEY=VALUE`, or `KEY` for a label whose value is empty.
struct LabelArgument: ExpressibleByArgument, Sendable, Equatable {
    let pair: KeyValue

    init?(argument: String) {
        guard let pair = KeyValue(argument: argument.contains("=") ? argument : argument + "=") else { return nil }
        self.pair = pair
    }
}

extension [KeyValue] {
    /// As the protocol's map of str to str; the last of equal keys wins.
    var wireValue: Value {
        .map(Value.Map(map { ($0.key, .string($0.value)) }, uniquingKeysWith: { _, last in last }))
    }
}

extension ContainerID: ExpressibleByArgument {
    /// Nil where `argument` is not a container name.
    public init?(argument: String) { self.init(argument) }
}

extension ProcessName: ExpressibleByArgument {
    /// Nil where `argument` is not a process name.
    public init?(argument: String) { self.init(argument) }
}
