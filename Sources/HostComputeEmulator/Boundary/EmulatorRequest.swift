import MessagePack

/// A call of the table and its parameters that go in.
struct EmulatorRequest: Sendable, Equatable {
    let call: EmulatorCall
    var handle: UInt64 = 0
    /// The id or the first document; nil for NULL.
    var text: String?
    /// The document of a call that has an id too.
    var document: String?
    /// A process's id, or the client's number of a registration.
    var integer: UInt64 = 0

    init(
        _ call: EmulatorCall, _ handle: UInt64 = 0, text: String? = nil, document: String? = nil, integer: UInt64 = 0
    ) {
        self.call = call
        self.handle = handle
        self.text = text
        self.document = document
        self.integer = integer
    }

    // MARK: On the socket

    /// The request as a client sends it.
    /// - Parameter number: from 1 on; the reply carries it.
    func body(_ number: UInt64) -> [UInt8] {
        let writer = Writer()
        writer.array(6)
        writer.unsigned(number)
        writer.string(call.rawValue)
        writer.unsigned(handle)
        if let text { writer.string(text) } else { writer.null() }
        if let document { writer.string(document) } else { writer.null() }
        writer.unsigned(integer)
        return writer.bytes
    }

    /// Nil for what is no request.
    static func read(_ body: [UInt8], _ reader: Reader) -> (number: UInt64, request: EmulatorRequest)? {
        let found = try? body.withUnsafeBytes { bytes in
            try reader.read(bytes) { element -> (UInt64, EmulatorRequest)? in
                guard element.arrayCount == 6, let number = element[0].unsigned, number > 0,
                    let call = element[1].string.flatMap(EmulatorCall.init), let handle = element[2].unsigned,
                    element[3].isNil || element[3].string != nil, element[4].isNil || element[4].string != nil,
                    let integer = element[5].unsigned
                else { return nil }
                let (text, document) = (element[3].string, element[4].string)
                return (number, EmulatorRequest(call, handle, text: text, document: document, integer: integer))
            }
        }
        return found ?? nil
    }
}
