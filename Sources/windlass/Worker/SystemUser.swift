import Foundation

/// Users of this system.
enum SystemUser {
    #if canImport(Glibc)
        /// The number of a user.
        /// - Parameter setting: what names the user, for the error.
        static func number(of name: String, _ setting: String) throws(ConfigurationError) -> UInt32 {
            // Called while the program starts, on one thread.
            guard let entry = getpwnam(name) else {
                throw ConfigurationError("\(setting): there is no user \(name) on this system")
            }
            return entry.pointee.pw_uid
        }
    #endif
}
