import ZeroMQ

/// The worker's own key, by which its clients know it.
enum ServerKey {
    /// Reads the key at `path`: a certificate with a secret key, or the secret key alone.
    /// - Throws: ``Worker/StartFailure`` where it cannot be used.
    static func read(_ path: String) throws(Worker.StartFailure) -> CurveKeyPair {
        do {
            let text = try KeyFile.read(path, .secretKey)
            try KeyFile.checkFolders(of: path)
            let plain = text.split(whereSeparator: \.isWhitespace)
            if plain.count == 1, let secret = CurveKey(String(plain[0])) { return try CurveKeyPair(secretKey: secret) }
            let certificate = try Certificate(text)
            guard let secret = certificate.secretKey else {
                throw KeyFile.Trouble(
                    description: "it has no secret-key; make one with `windlass keys generate --server`")
            }
            let pair = try CurveKeyPair(secretKey: secret)
            guard pair.publicKey == certificate.publicKey else {
                throw KeyFile.Trouble(description: "its public-key does not belong to its secret-key")
            }
            return pair
        } catch {
            throw Worker.StartFailure(description: "server_key: \(path) cannot be used: \(error)")
        }
    }

    /// Where the key lies that is to follow the one at `path`: `next.key_secret` in the same folder.
    static func next(to path: String) -> String {
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        return folder + "next.key_secret"
    }
}
