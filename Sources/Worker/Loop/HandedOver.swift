/// Carries a value from the thread that made it to the one that owns it from then on.
struct HandedOver<Value>: @unchecked Sendable {
    // Sendable: the maker keeps no use of it.
    let value: Value

    init(_ value: Value) { self.value = value }
}
