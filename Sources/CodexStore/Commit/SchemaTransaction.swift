/// The store as the transaction of a change of the schema sees it, before the change.
///
/// A check of the change gets it. No other write comes between the check and the change, also of
/// another process.
package struct SchemaTransaction: ReadableTransaction, ~Copyable {
    private let context: WriteContext

    // Docs/Workarounds.md has the reason for `consuming`.
    init(_ context: consuming WriteContext) { self.context = context }

    /// The context of the operations; it is not for use outside of the package.
    package var _context: _ReadableContext { _ReadableContext(base: context) }
}

@available(*, unavailable)
extension SchemaTransaction: Sendable {}

/// A check of a change of the schema, in the change's transaction.
///
/// What it throws refuses the change. It may run again, so it must have no effects.
package typealias SchemaCheck = @Sendable (borrowing SchemaTransaction) throws -> Void
