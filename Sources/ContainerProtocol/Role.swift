/// What a caller may do. Each role may do everything that those before it may.
public enum Role: String, Sendable, CaseIterable, Comparable {
    /// Asks, and waits for exits.
    case observer
    /// Acts on containers too.
    case scheduler
    /// Acts on the host too.
    case admin

    private var rank: Int {
        switch self {
        case .observer: 0
        case .scheduler: 1
        case .admin: 2
        }
    }

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }
}
