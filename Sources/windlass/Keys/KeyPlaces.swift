import Foundation

/// Where keys are kept where no setting says otherwise: `/etc/windlass` for root, else a folder of the user's own.
enum KeyPlaces {
    /// The folder with everything.
    static var folder: String {
        let environment = ProcessInfo.processInfo.environment
        #if os(Windows)
            return (environment["ProgramData"] ?? "C:\\ProgramData") + "\\windlass"
        #else
            return getuid() == 0 ? "/etc/windlass" : userFolder(environment)
        #endif
    }

    /// The folder of the user's own configuration.
    static func userFolder(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let configuration = environment["XDG_CONFIG_HOME"], !configuration.isEmpty {
            return configuration + "/windlass"
        }
        #if os(Windows)
            return (environment["APPDATA"] ?? NSHomeDirectory()) + "\\windlass"
        #else
            // NSHomeDirectory() is the account's home, whatever HOME is.
            let home = environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? NSHomeDirectory()
            return home + "/.config/windlass"
        #endif
    }

    /// The worker's own key.
    static var serverKey: String { folder + "/server.key_secret" }

    /// The directory with the public keys that may come in.
    static var clientsDirectory: String { folder + "/clients" }

    /// The end of the name of a file with a secret key; the public key is in the file without `_secret`.
    static let secretSuffix = ".key_secret"
}
