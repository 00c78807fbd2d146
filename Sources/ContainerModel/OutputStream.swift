/// Which of its streams a process wrote to; with a terminal there is only `stdout`.
public enum OutputStream: String, Sendable, CaseIterable {
    case stdout, stderr
}
