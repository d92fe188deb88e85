/// What decides when passes are over: one of two attributes, or nothing.
///
/// Passes are items of a table of their own, whose time to live comes and goes.
enum Lifetime: String, Sendable, CaseIterable {
    case never, x, y
}

extension ItemKey {
    private static let passPrefix = "pass#"

    /// The keys of all passes.
    static let passes = (0..<3).map { ItemKey("\(ItemKey.passPrefix)\($0)", 0) }

    /// Whether an item with this key is a pass.
    var isPass: Bool { p.hasPrefix(Self.passPrefix) }
}

extension ItemImage {
    /// Whether the item is over at a second.
    ///
    /// - Parameters:
    ///   - now: The second.
    ///   - lifetime: What decides it for a pass.
    /// - Returns: Whether it is over.
    func isExpired(at now: Int, by lifetime: Lifetime) -> Bool {
        let deciding = key.isPass ? lifetime : Lifetime.x
        let end: Int?
        switch deciding {
        case .never: end = nil
        case .x: end = x
        case .y: end = y
        }
        return end.map { $0 <= now } ?? false
    }
}

extension Model {
    /// The passes, by key.
    func passes() -> [ItemImage] {
        items.values.filter { $0.key.isPass }.sorted { $0.key < $1.key }
    }

    /// The entries of the passes' index, in its order.
    func passesByValue() -> [ItemImage] {
        passes().filter { $0.v != nil }.sorted { ($0.v ?? 0, $0.key) < ($1.v ?? 0, $1.key) }
    }
}
