import CHostCompute

/// The shape of every function of the table: what it throws becomes an HRESULT and a result document.
enum HostAnswer {
    typealias Text = UnsafeMutablePointer<UnsafeMutablePointer<HcsChar>?>

    static func give(
        _ result: Text? = nil, _ body: () throws(HostFailure) -> HcsResult
    ) -> HcsResult {
        result?.pointee = nil
        do throws(HostFailure) {
            return try body()
        } catch {
            if let result {
                let unparsable = error.message == HostFailure.unparsable
                result.pointee = WideString.allocate(unparsable ? "{not JSON" : error.document)
            }
            return error.code
        }
    }

    /// A required out-parameter.
    static func required<Value>(_ pointer: Value?, _ name: StaticString) throws(HostFailure) -> Value {
        guard let pointer else { throw .invalidArgument("\(name) must not be NULL.") }
        return pointer
    }

    /// Hands a document to the caller.
    static func write(_ document: String, to text: Text) throws(HostFailure) {
        guard let copy = WideString.allocate(document) else {
            throw HostFailure(code: ResultCode.outOfMemory, message: "No memory is left.")
        }
        text.pointee = copy
    }

    /// Hands the descriptors of input, output and error to the caller; 0 stands for none.
    static func write(
        _ process: ComputeProcess, _ streams: [Int32], to information: UnsafeMutablePointer<HcsProcessInformation>
    ) {
        let stream = { (descriptor: Int32) in
            descriptor < 0 ? nil : UnsafeMutableRawPointer(bitPattern: Int(descriptor))
        }
        information.pointee = HcsProcessInformation(
            ProcessId: UInt32(process.pid), Reserved: 0, StdInput: stream(streams[0]), StdOutput: stream(streams[1]),
            StdError: stream(streams[2]))
    }
}
