/// The stores in which an encrypted value opens, in addition to the condition of its key.
///
/// A value always belongs to its table, item and field, and is refused at another place
/// (``CodexError/Code/valueTampered``). A bound value belongs to its store, too. Copies of the
/// store open it: stores that were restored from its backups, and its followers. Another store does
/// not, even one with the same keys.
///
/// Earlier releases bound values to no store, and so does ``portable``. `Store.reseal()` binds such
/// values, or releases bound ones, by the store's options.
public struct SealedFieldBinding: Sendable, Hashable {
    enum Kind: Hashable { case store, storeOnly, portable }
    let kind: Kind

    /// New values are bound to the store; unbound ones open, too.
    public static let store = SealedFieldBinding(kind: .store)
    /// New values are bound to the store; unbound ones are refused.
    ///
    /// Use it for new stores, and for others once `Store.reseal()` has bound all values. It refuses
    /// values that were moved here from a store of an earlier release, or from a portable one.
    public static let storeOnly = SealedFieldBinding(kind: .storeOnly)
    /// New values are bound to no store; values that are bound to this store open, too.
    ///
    /// Use it for values that you move to other stores with the same keys, for example by an export
    /// and an import.
    public static let portable = SealedFieldBinding(kind: .portable)
}
