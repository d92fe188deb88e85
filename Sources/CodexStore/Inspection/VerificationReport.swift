public import CodexCore
internal import CodexIndex

/// The result of ``Store/verify()``.
public struct VerificationReport: Sendable, Hashable {
    /// One difference between the items and the indexes, counters or other records.
    public struct Difference: Sendable, Hashable, CustomStringConvertible {
        /// The kind of a difference.
        public enum Kind: String, Sendable {
            /// An item cannot be read.
            case unreadableItem
            /// An index entry cannot be read.
            case unreadableEntry
            /// An item has no entry in an index that should have it.
            case missingEntry
            /// An entry has no item, or does not match the item's present state.
            case danglingEntry
            /// An entry's attributes are not those of its item.
            ///
            /// Or the entry refers to its item, and is wrong about the item's entity or about
            /// whether the item expires.
            case wrongProjection
            /// Two items have the same key in a unique index.
            case duplicateKey
            /// An item from before an index or counter has a key attribute with a value that no key
            /// may have.
            ///
            /// So it has no entry.
            case unindexableItem
            /// The expiry time in an item's header differs from its attribute.
            case wrongExpiry
            /// A derived attribute is not what the store's definition makes of the item's other
            /// attributes.
            ///
            /// A write of the item corrects it.
            case wrongDerivedAttribute
            /// An encrypted field was changed, or moved here from another item or field; found only
            /// with the keys.
            case tamperedValue
            /// A field that must be encrypted has a plain value.
            ///
            /// It was stored before the schema named the field, and `reseal()` encrypts it. Or it
            /// was written without the store.
            case plainValue
            /// An encrypted field does not open, although the store has keys: a key is missing, or
            /// the value was changed.
            case unopenedValue
            /// An item is of an entity that the store does not know.
            case unknownEntity
            /// A counter's group differs from the sums of its items.
            case wrongTotal
            /// The remainder of a long key, or a chunk of a large value, is missing.
            case lostOverflow
            /// The remainder of a key, or a chunk, belongs to no entry.
            case strayOverflow
            /// A tree's pages are damaged, and their entries were not checked.
            case unreadableTree
            /// A system entry cannot be read: an idempotency token, a consumer, a dead letter, or
            /// the key of tokens.
            ///
            /// The difference names its database instead of a table: `tokens`, `consumers` or
            /// `meta` (`Docs/Format.md`). The store ignores a token that cannot be read.
            case unreadableSystemEntry
        }

        /// The kind of the difference.
        public let kind: Kind
        /// The table's name.
        public let table: String
        /// The name of the index or counter; `nil` is the table itself.
        public let index: String?
        /// The primary key of the item, if it could be read.
        ///
        /// It is user data.
        public let key: PrimaryKey?
        /// The name of the derived attribute that differs; `nil` for other kinds.
        public internal(set) var attribute: String?

        /// The difference without its key.
        public var description: String {
            "\(kind.rawValue) in \(table)" + (index.map { ", index \($0)" } ?? "")
                + (attribute.map { ", attribute \($0)" } ?? "")
        }
    }

    /// The undecided values of a table's items: a format before 4 wrote them, and they look like
    /// encrypted ones.
    ///
    /// See `Docs/Format.md`.
    public struct Undecided: Sendable, Hashable {
        /// The table's name.
        public let table: String
        /// The number of undecided values.
        public let count: Int
        /// The number of damaged ones: they name a key of the store, and do not open in their
        /// place.
        ///
        /// It is 0 without keys. Their items are among the differences.
        public let damagedCount: Int
    }

    /// The differences; a sound store has none.
    public let differences: [Difference]
    /// The tables with undecided values, by name; none once an upgrade of the format has decided
    /// all.
    public let undecided: [Undecided]
    /// The number of items that were read.
    public let itemCount: Int
    /// The number of index entries that were read.
    public let entryCount: Int
    /// The number of counters' groups that were read.
    public let groupCount: Int

    /// Whether no difference was found.
    public var isSound: Bool { differences.isEmpty }
}

extension Store {
    /// Recomputes every index and counter from the items and lists each difference.
    ///
    /// It decodes entries and compares them with the items, by the layout of each index. It shares
    /// the encodings of keys, items and references, but no code with the maintenance of indexes and
    /// counters. It computes the derived
    /// attributes of each item as a write does, and compares them with those that are stored. Items
    /// of an earlier schema version may have those of that version. It runs on one snapshot,
    /// and writes continue meanwhile. It skips indexes and counters that are being built. Expired
    /// items that are not removed yet are checked, too, but they are no duplicates in a unique
    /// index.
    ///
    /// - Throws: ``CodexError/Code/closed``. Damage is reported, not thrown.
    /// - Complexity: O(*n* log *n*) for *n* items and entries; memory for one item, for the groups
    ///   of a table's counters, and for the numbers of long keys and large values.
    public func verify() throws -> VerificationReport {
        try core.withReadContext { context in
            var verifier = Verifier(context: context)
            for table in context.catalog.allTables {
                verifier.verifyItems(table)
                for index in table.indexes { verifier.verifyEntries(table, index) }
                for counter in table.counters where counter.state == nil {
                    verifier.verifyTotals(table, counter)
                }
            }
            verifier.verifyOverflow()
            verifier.verifySystemEntries()
            return VerificationReport(
                differences: verifier.differences, undecided: verifier.undecided,
                itemCount: verifier.itemCount, entryCount: verifier.entryCount,
                groupCount: verifier.groupCount)
        }
    }
}
