import ContainerModel
import ContainerProtocol
import MessagePack

/// `{exit}`, the result of `wait` and `stop`.
struct ExitResult: WireEncodable {
    let exit: Exit

    init(_ exit: Exit) { self.exit = exit }

    func encode(to writer: Writer) {
        writer.map(1)
        writer.string("exit")
        exit.encode(to: writer)
    }
}
