/// In which stores an encrypted value opens, besides under which keys.
///
/// A value always belongs to its table, item and field, and is refused at another place
/// (``CodexError/Code/valueTampered``). A bound value belongs to its store, too. Copies of the
/// store open it: what is restored from its backups, and its followers. Another store does not,
/// even one with the same keys.
///
/// Earlier releases bound values to no store, and so does ``portable``. `Store.reseal()` binds such
/// values, or releases bound ones, as the store's options say.
public struct SealedFieldBinding: Sendable, Hashable {
    enum Kind: Hashable { case store, storeOnly, portable }
    let kind: Kind

    /// Values are bound when they are written; those that are bound to no store open, too.
    public static let store = SealedFieldBinding(kind: .store)
    /// Values are bound when they are written; those that are bound to no store are refused.
    ///
    /// For new stores, and for others once `Store.reseal()` has bound all. It keeps out values that
    /// were moved here from a store of an earlier release, or from a portable one.
    public static let storeOnly = SealedFieldBinding(kind: .storeOnly)
    /// Values are bound to no store when they are written; those that are bound to this one open,
    /// too.
    ///
    /// For values that are to be moved to other stores with the same keys, as by an export and an
    /// import.
    public static let portable = SealedFieldBinding(kind: .portable)
}
