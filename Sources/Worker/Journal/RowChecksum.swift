import Foundation
import GRDB

/// The checksum of a row's values, in the order in which they are added.
struct RowChecksum {
    private var checksum = Checksum()

    /// What the row keeps.
    var value: Int64 { Int64(checksum.value) }

    mutating func addNull() { checksum.add(Int64(0)) }

    mutating func add(_ number: Int64) {
        checksum.add(Int64(1))
        checksum.add(number)
    }

    mutating func add(_ number: Double) {
        checksum.add(Int64(2))
        checksum.add(Int64(bitPattern: number.bitPattern))
    }

    mutating func add(_ text: String) {
        checksum.add(Int64(3))
        checksum.add(text)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        checksum.add(Int64(4))
        checksum.add(Int64(bytes.count))
        checksum.add(bytes)
    }

    /// `checksum(...)` in SQL, for every connection that reads or writes rows.
    static let function = DatabaseFunction("checksum", argumentCount: nil, pure: true) { values in
        var checksum = RowChecksum()
        for value in values {
            switch value.storage {
            case .null: checksum.addNull()
            case .int64(let number): checksum.add(number)
            case .double(let number): checksum.add(number)
            case .string(let text): checksum.add(text)
            case .blob(let data): data.withUnsafeBytes { checksum.add($0) }
            }
        }
        return checksum.value
    }
}
