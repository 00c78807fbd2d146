import Logging
import ZeroMQ

/// Where one socket serves, and under which key. On the socket's loop only.
final class ServedEndpoints {
    private let socket: Socket
    private let purpose: SocketPurpose
    private let ipcMode: FileMode
    private let loop: SocketLoop
    private let logger: Logger
    private var places: [Place]

    private struct Place {
        let endpoint: Endpoint
        /// Where it serves, with the real port; nil before.
        var address: String?
        /// The file of an `ipc://` endpoint as it was made.
        var file: FileIdentity?
    }

    /// Between attempts to take up an endpoint again that was just given up.
    private static let pause = Duration.milliseconds(50)
    private static let attempts = 100

    init(
        _ socket: Socket, _ endpoints: [Endpoint], _ purpose: SocketPurpose, ipcMode: FileMode, on loop: SocketLoop,
        logger: Logger
    ) {
        self.socket = socket
        self.purpose = purpose
        self.ipcMode = ipcMode
        self.loop = loop
        self.logger = logger
        places = endpoints.map { Place(endpoint: $0) }
    }

    /// Serves at, or connects to, every endpoint.
    func attach(_ serverKey: CurveKeyPair?) throws {
        for index in places.indices { try attach(index, serverKey) }
    }

    private func attach(_ index: Int, _ serverKey: CurveKeyPair?) throws {
        let endpoint = places[index].endpoint
        // libzmq copies these options when an endpoint is bound: each has its own.
        try socket.set(.zapDomain, endpoint.domain(purpose).rawValue)
        try socket.set(.zapEnforceDomain, 1)
        try socket.set(.curveServer, !endpoint.isLocal)
        if !endpoint.isLocal {
            guard let serverKey else { throw Worker.StartFailure(description: endpoint.keyRefusal(purpose.rawValue)) }
            try socket.set(.curveSecretKey, serverKey.secretKey)
        }
        let place = Endpoint(places[index].address ?? endpoint.text)
        if !place.connects, let path = place.socketFile, UnixSocketFile.isServed(path) {
            throw Worker.StartFailure(
                description: "\(purpose.rawValue): another program serves at \(place.address); choose another path, or "
                    + "stop that program")
        }
        let address = try socket.attach(place, ipcMode: ipcMode)
        places[index].address = address
        places[index].file = Endpoint(address).socketFile.flatMap { FileIdentity($0) }
    }

    /// Makes the files of `ipc://` endpoints again that are gone. Connections that stand go on.
    /// - Returns: what could not be put right; nil where nothing is wrong.
    func mend() -> String? {
        var trouble: String?
        for index in places.indices {
            guard let made = places[index].file, let path = places[index].address.flatMap({ Endpoint($0).socketFile })
            else { continue }
            let found = FileIdentity(path)
            if found == made { continue }
            guard found == nil else {
                trouble =
                    "\(purpose.rawValue): another program has put a file in place of \(path), so that new peers cannot "
                    + "reach this worker there; remove it"
                continue
            }
            do {
                // A listener of its own: to give up the old one would end the connections that came by it.
                try attach(index, nil)
                logger.warning("the file of an endpoint was gone, and was made again", metadata: ["file": "\(path)"])
            } catch {
                trouble = "\(purpose.rawValue): the socket \(path) is gone and cannot be made again: \(error)"
            }
        }
        return trouble
    }

    /// Where the socket serves.
    var addresses: [String] { places.compactMap(\.address) }

    /// Serves remote peers under another key. Their connections end; they find the new key and come back.
    func change(_ serverKey: CurveKeyPair) {
        for index in places.indices where !places[index].endpoint.isLocal {
            do throws(ZeroMQError) {
                guard let address = places[index].address else { continue }
                if places[index].endpoint.connects {
                    try socket.disconnect(String(address.dropFirst()))
                } else {
                    try socket.unbind(address)
                }
            } catch {
                logger.error("an endpoint could not be given up", metadata: ["error": "\(error)"])
                continue
            }
            attachAgain(index, serverKey, left: ServedEndpoints.attempts)
        }
    }

    /// libzmq gives a port up on a thread of its own: it may take a moment until it is free.
    private func attachAgain(_ index: Int, _ serverKey: CurveKeyPair, left: Int) {
        do {
            try attach(index, serverKey)
        } catch  where left > 0 {
            loop.schedule(after: ServedEndpoints.pause) { self.attachAgain(index, serverKey, left: left - 1) }
        } catch {
            logger.critical(
                "an endpoint could not be taken up again under the new server key; restart this worker",
                metadata: ["endpoint": "\(places[index].endpoint.text)", "error": "\(error)"])
        }
    }
}
