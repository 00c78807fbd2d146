import CHostCompute
import Glibc

/// UTF-16 text at the boundary of the table.
///
/// Strings that go out are made here and freed by the table's FreeString: `malloc` and `free` stand in for
/// CoTaskMemAlloc and CoTaskMemFree.
enum WideString {
    /// The text up to its NUL, in place.
    static func buffer(_ text: UnsafePointer<HcsChar>) -> UnsafeBufferPointer<HcsChar> {
        var count = 0
        while text[count] != 0 { count += 1 }
        return UnsafeBufferPointer(start: text, count: count)
    }

    static func string(_ text: UnsafePointer<HcsChar>) -> String {
        string(buffer(text))
    }

    /// The text of `units`. Documents are ASCII nearly always, and the general decoder costs ten times as much.
    static func string(_ units: some RandomAccessCollection<HcsChar>) -> String {
        var isASCII = true
        let text = String(unsafeUninitializedCapacity: units.count) { bytes in
            var count = 0
            for unit in units {
                guard unit < 0x80 else {
                    isASCII = false
                    return 0
                }
                bytes[count] = UInt8(truncatingIfNeeded: unit)
                count += 1
            }
            return count
        }
        return isASCII ? text : String(decoding: units, as: UTF16.self)
    }

    /// The text as the table takes it: with a NUL at its end.
    static func units(_ text: String) -> [HcsChar] { Array(text.utf16) + [0] }

    /// A NUL-terminated copy of `text`; the caller of the table frees it. Nil when memory is exhausted.
    static func allocate(_ text: String) -> UnsafeMutablePointer<HcsChar>? {
        let units = text.utf16
        let size = (units.count + 1) * MemoryLayout<HcsChar>.stride
        guard let memory = malloc(size)?.bindMemory(to: HcsChar.self, capacity: units.count + 1) else { return nil }
        var end = memory
        for unit in units {
            end.pointee = unit
            end += 1
        }
        end.pointee = 0
        return memory
    }
}
