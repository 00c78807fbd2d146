import ContainerProtocol
import Foundation
import MessagePack

/// An OCI specification as JSON, from a file or from standard input.
struct SpecificationFile {
    /// Reads the JSON object at `path`; `-` is standard input.
    static func read(_ path: String) throws -> Value {
        let value = try parse(try contents(path), path)
        guard value.map != nil else {
            throw Failure.invalidArgument("\(path): a specification is a JSON object, and this is \(value.kind)")
        }
        return value
    }

    private static func contents(_ path: String) throws -> Data {
        guard path != "-" else { return FileHandle.standardInput.readDataToEndOfFile() }
        do {
            return try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "it cannot be read" : "there is no such file"
            throw Failure(.notFound, "\(path): \(reason); --spec needs a JSON file, or - for standard input")
        }
    }

    static func parse(_ data: Data, _ path: String) throws -> Value {
        do {
            return try JSONDecoder().decode(JSONDocument.self, from: data).value
        } catch DecodingError.dataCorrupted(let context) {
            throw Failure.invalidArgument("\(path): \(reason(data) ?? context.debugDescription)")
        } catch {
            throw Failure.invalidArgument("\(path): \(error)")
        }
    }
}

extension SpecificationFile {
    /// The place of an error in the JSON. Foundation's decoder does not report it; its older parser does.
    private static func reason(_ data: Data) -> String? {
        do {
            _ = try JSONSerialization.jsonObject(with: data)
            return nil
        } catch {
            let words = (error as NSError).userInfo["NSDebugDescription"] as? String
            return words.map { "this is not JSON: \($0)" }
        }
    }
}

/// Any JSON value, read as a MessagePack value.
private struct JSONDocument: Decodable {
    let value: Value

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            var map = Value.Map()
            for key in object.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                map[key.stringValue] = try object.decode(JSONDocument.self, forKey: key).value
            }
            value = .map(map)
        } else if var array = try? decoder.unkeyedContainer() {
            var values: [Value] = []
            while !array.isAtEnd { values.append(try array.decode(JSONDocument.self).value) }
            value = .array(values)
        } else {
            value = try JSONDocument.scalar(try decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> Value {
        if container.decodeNil() { return .null }
        if let text = try? container.decode(String.self) { return .string(text) }
        if let bool = try? container.decode(Bool.self) { return .bool(bool) }
        if let number = try? container.decode(UInt64.self) { return .unsigned(number) }
        if let number = try? container.decode(Int64.self) { return .int(number) }
        return .double(try container.decode(Double.self))
    }
}
