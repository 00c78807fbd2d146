import CLinuxContainers
import Glibc

/// Runs a program of the host and waits for it.
enum HostProgram {
    struct Outcome {
        /// As `wait(2)` gives it; a negative errno where the program could not be run, or not in time.
        var status: Int32
        /// What it wrote to stdout and stderr, the beginning of it.
        var output: [UInt8]

        var isSuccess: Bool { status == 0 }
        /// The output, or else why there is none.
        var text: String {
            if status < 0 { return String(cString: strerror(-status)) }
            let text = String(decoding: output.prefix(4096), as: UTF8.self).trimmingSpace
            return text.isEmpty ? "it ended with the status \(status)" : text
        }
    }

    /// The most of a program's output that is kept.
    private static let outputLimit = 256 << 10

    /// - Parameters:
    ///   - arguments: the program's path and its arguments.
    ///   - milliseconds: after which it is killed.
    static func run(
        _ arguments: [String], environment: [String] = [BundleDefaults.path], input: [UInt8] = [], milliseconds: Int
    ) -> Outcome {
        var output = [UInt8](repeating: 0, count: outputLimit)
        var length = 0
        let status = withTexts(arguments) { arguments in
            withTexts(environment) { environment in
                lc_run(
                    arguments, environment, input, input.count, &output, output.count, &length,
                    Int32(clamping: milliseconds))
            }
        }
        return Outcome(status: status, output: Array(output.prefix(length)))
    }

    private static func withTexts<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let pointers = copies.map { $0.map { UnsafePointer($0) } } + [nil]
        return pointers.withUnsafeBufferPointer { buffer in
            // An array that has at least its final nil has a base.
            withUnsafePointer(to: UnsafePointer<CChar>?.none) { empty in body(buffer.baseAddress ?? empty) }
        }
    }
}
