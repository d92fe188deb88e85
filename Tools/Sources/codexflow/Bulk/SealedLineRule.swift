import CodexCore
import CodexStore

/// The rule that refuses lines of an import for their encrypted values.
///
/// It refuses values that a store would accept, and that no program could then decrypt.
struct SealedLineRule {
    private let schema: Schema
    private let table: String
    private let hasKeys: Bool
    /// Whether the table has encrypted fields.
    private let isSealed: Bool

    init(_ schema: Schema, _ table: String, hasKeys: Bool) {
        self.schema = schema
        self.table = table
        self.hasKeys = hasKeys
        isSealed = schema.entities.contains { $0.table == table && !$0.sealed.isEmpty }
    }

    /// Checks an item; items without an entity pass, since no schema defines their fields.
    ///
    /// - Throws: ``CodexError/Code/keyUnavailable`` for a value of an encrypted field if there are
    ///   no keys to check it; ``CodexError/Code/valueNotSealed`` for a value that looks encrypted
    ///   in another field, where it would count as data.
    func check(_ item: Item) throws(CodexError) {
        let encrypted = item.sealedFormNames
        guard isSealed && !hasKeys || !encrypted.isEmpty,
            let entity = try schema.entity(of: item, in: table)
        else { return }
        if !hasKeys, let name = entity.sealed.first(where: { item[$0] != nil }) {
            throw CodexError(
                .keyUnavailable,
                "The field \(name) is encrypted. Give the keys with --key-file. If the export is "
                    + "of this store, --trust-sealed takes encrypted values as they are.")
        }
        if let name = encrypted.first(where: { !entity.sealed.contains($0) }) {
            throw CodexError(
                .valueNotSealed,
                "The value of \(name) is encrypted, and this store does not encrypt the field. Run "
                    + "`codexflow seal` for the field first. If the value is data, --trust-sealed "
                    + "takes it as it is.")
        }
    }
}

extension CodexError {
    /// The error with advice for an import.
    var advised: CodexError {
        guard code == .valueTampered else { return self }
        return CodexError(
            .valueTampered,
            message + " If the export is of another store with the same keys, run "
                + "`codexflow reseal --portable` there, and export it again.", cause: cause)
    }
}
