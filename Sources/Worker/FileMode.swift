import Foundation

/// The permissions of a file: the nine bits that `chmod` takes, written in octal. Windows, which has none, ignores
/// them.
public struct FileMode: Sendable, Equatable, CustomStringConvertible {
    /// Read, write and execute for owner, group and others.
    public var bits: UInt16

    /// Everything that `bits` allows.
    public init(_ bits: UInt16) { self.bits = bits }

    /// Reads octal digits such as `0660`; nil for anything else, and for more than the nine bits.
    public init?(_ text: String) {
        guard (3...4).contains(text.count), !text.hasPrefix("+"), let bits = UInt16(text, radix: 8), bits <= 0o777
        else { return nil }
        self.bits = bits
    }

    /// Four octal digits.
    public var description: String {
        let digits = String(bits, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// Gives the file at `path` these permissions, whatever the umask was when it was made.
    ///
    /// Until then the umask applies. It cannot be narrowed for that moment, because it belongs to the whole process:
    /// files of other threads and the processes that they start would get it too.
    func apply(to path: String) throws(Refusal) {
        #if !os(Windows)
            do {
                try FileManager.default.setAttributes([.posixPermissions: Int(bits)], ofItemAtPath: path)
            } catch {
                throw Refusal(
                    description:
                        "\(path) cannot be given the permissions \(self); see that its folder is on a file system "
                        + "that has permissions, and that no other program puts a file there")
            }
        #endif
    }

    /// The system does not give a file these permissions.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }
}
