import MessagePack

/// A call of the table on its way to the service: its number, the export, and those of its parameters that go in.
struct ServiceRequest: Sendable, Equatable {
    /// Chosen by the client, from 1 on; the answer carries it.
    var number: UInt64
    var call: EmulatorCall
    var handle: UInt64 = 0
    /// The id or the first document; nil for NULL.
    var text: String?
    /// The document of a call that has an id too.
    var document: String?
    /// A process's id, or the client's number of a registration.
    var integer: UInt64 = 0

    init(number: UInt64, _ call: EmulatorCall) {
        self.number = number
        self.call = call
    }

    /// Nil for what is no request.
    init?(_ body: [UInt8], _ reader: Reader) {
        let request = try? body.withUnsafeBytes { bytes in
            try reader.read(bytes) { element -> ServiceRequest? in
                guard element.arrayCount == 6, let number = element[0].unsigned, number > 0,
                    let call = element[1].string.flatMap(EmulatorCall.init), let handle = element[2].unsigned,
                    element[3].isNil || element[3].string != nil, element[4].isNil || element[4].string != nil,
                    let integer = element[5].unsigned
                else { return nil }
                var request = ServiceRequest(number: number, call)
                request.handle = handle
                request.text = element[3].string
                request.document = element[4].string
                request.integer = integer
                return request
            }
        }
        guard let request else { return nil }
        self = request
    }

    var body: [UInt8] {
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
}
