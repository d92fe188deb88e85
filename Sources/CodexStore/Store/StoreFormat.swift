/// The numbers of a store's format.
enum StoreFormat {
    /// The format that this release writes.
    ///
    /// It is raised for changes that an older release cannot read.
    static let current = 5
    /// The first format with a log.
    static let logged = 3
    /// The first format whose items mark encrypted values with tags.
    static let tagged = 4
}
