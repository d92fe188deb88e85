/// The formats of everything in a store.
enum StoreFormat {
    /// The format that this release writes.
    ///
    /// Raised when an older release could not read it.
    static let current = 4
    /// The first format with a log.
    static let logged = 3
    /// The first format whose items tell encrypted values by tags.
    static let tagged = 4
}
