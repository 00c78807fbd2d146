import Foundation
import GRDB

/// `checksum(...)` in SQL: of a row's values, in the order in which they are given.
enum JournalChecksum {
    /// For every connection that reads or writes rows.
    static let function = DatabaseFunction("checksum", argumentCount: nil, pure: true) { values in
        var checksum = Checksum()
        for value in values {
            switch value.storage {
            case .null: checksum.add(Int64(0))
            case .int64(let number):
                checksum.add(Int64(1))
                checksum.add(number)
            case .double(let number):
                checksum.add(Int64(2))
                checksum.add(Int64(bitPattern: number.bitPattern))
            case .string(let text):
                checksum.add(Int64(3))
                checksum.add(text)
            case .blob(let data):
                checksum.add(Int64(4))
                checksum.add(Int64(data.count))
                data.withUnsafeBytes { checksum.add($0) }
            }
        }
        return Int64(checksum.value)
    }
}
