import ContainerDriver

/// The standard input of a process that could not be opened again. Every write fails with the reason.
struct LostInput: ProcessInput {
    /// Whose it is, in messages.
    let subject: String

    func write(_ bytes: [UInt8], end: Bool) throws(DriverFailure) -> Int {
        throw DriverFailure(
            .failedPrecondition,
            "the standard input of \(subject) was lost when the worker was restarted, and HCS does not hand it out again; it "
                + "takes no more input until it is created anew")
    }
}
